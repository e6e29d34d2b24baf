"""A network's outputs for rows of a table, in evaluation mode and whole precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from affekt.training import distributed
from affekt.training.batches import IntArray, fixed_batches
from affekt.training.clips import Clips, prefetch


@torch.inference_mode()
def score_rows(
    network: nn.Module,
    clips: Clips,
    rows: IntArray,
    *,
    output: str = "logits",
    batch_seconds: float = 160.0,
    autocast: Callable[[], torch.autocast] | None = None,
) -> NDArray[np.float32]:
    """An output of the network, such as logits [rows, classes], in the order of `rows`.

    It is the same whatever the rows are batched with.
    Several processes share the work; each returns all rows. `autocast` makes scores approximate, which
    watching an epoch can bear and a report cannot.
    """
    network.eval()
    batches = fixed_batches(clips.seconds, rows, batch_seconds=batch_seconds)
    mine = batches[distributed.rank() :: distributed.world()]
    place = {int(row): at for at, row in enumerate(rows)}
    device = distributed.device()
    values: torch.Tensor | None = None
    for batch, samples, lengths in prefetch(clips.collate, mine):
        # As in training, the spectrogram is made in whole precision whatever the trunk runs in.
        heard = cast(Any, network).frontend(samples.to(device), lengths.to(device))
        with autocast() if autocast else torch.autocast(device.type, enabled=False):
            said = cast(Any, network).score(*heard)[output].float()
        if values is None:
            values = torch.zeros(len(rows), said.shape[1], device=device)
        values[[place[int(row)] for row in batch]] = said
    if distributed.world() > 1:
        width = distributed.largest(0 if values is None else values.shape[1])
        values = distributed.total(
            values if values is not None else torch.zeros(len(rows), width, device=device)
        )
    assert values is not None
    return values.cpu().numpy()
