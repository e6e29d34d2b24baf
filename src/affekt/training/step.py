"""One step of a network in training, as each of several processes takes it."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.parallel import DistributedDataParallel

from affekt.augment import augment
from affekt.recipe import Recipe
from affekt.training import distributed
from affekt.training.adversary import Adversary
from affekt.training.task import Moment


class Said(NamedTuple):
    """What is said of a batch: logits [batch, classes], embeddings [batch, size], and of whom one hears.

    `speakers` are the adversary's logits [batch, speakers]; None where there is no adversary.
    """

    logits: Tensor
    embeddings: Tensor
    speakers: Tensor | None


class Step(nn.Module):
    """Samples to logits and embeddings, augmentation between spectrogram and trunk; what DDP wraps."""

    def __init__(self, network: nn.Module, recipe: Recipe, adversary: Adversary | None = None) -> None:
        super().__init__()
        self.adversary = adversary
        self.network, self.recipe, self.changes = network, recipe, recipe.augment
        if not getattr(network.frontend, "spectral", True):
            # What a waveform's picture has instead of frequencies cannot be masked or warped as such.
            self.changes = self.changes.model_copy(update={"frequency_masks": 0, "warp": 0.0})

    def forward(
        self, samples: Tensor, lengths: Tensor, ids: list[int], changed: Tensor, moment: Moment
    ) -> Said:
        with torch.no_grad():
            spectrogram, frames = cast(Any, self.network).frontend(samples, lengths)
            recipe = self.recipe
            spectrogram, frames = augment(
                spectrogram, frames, ids, self.changes, seed=recipe.seed, epoch=moment.epoch, changed=changed
            )
            missing = distributed.largest(spectrogram.shape[1]) - spectrogram.shape[1]
            spectrogram = pad(spectrogram, (0, 0, 0, missing)).contiguous()
        with autocast(recipe):
            said = cast(dict[str, Tensor], cast(Any, self.network).score(spectrogram, frames))
        embeddings = said["embedding"].float()
        speakers = self.adversary(embeddings, moment) if self.adversary is not None else None
        return Said(said["logits"].float(), embeddings, speakers)


def wrapped(step: nn.Module) -> nn.Module:
    """The step as it runs in each of several processes."""
    if distributed.world() == 1:
        return step
    model = DistributedDataParallel(step, gradient_as_bucket_view=True)
    # They are the same everywhere already: each process works them out from the same numbers.
    model.broadcast_buffers = False
    return model


def autocast(recipe: Recipe) -> torch.autocast:
    """bfloat16 where the recipe or, on `auto`, the processor says so."""
    kind = distributed.device().type
    wanted = recipe.train.precision == "bfloat16"
    if recipe.train.precision == "auto":
        fast_cpu = "avx512_bf16" in _cpu_flags() or "amx_bf16" in _cpu_flags()
        wanted = torch.cuda.is_bf16_supported() if kind == "cuda" else fast_cpu
    return torch.autocast(kind, torch.bfloat16, enabled=wanted)


@functools.cache
def _cpu_flags() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/cpuinfo").read_text("ascii", "replace")
    return ""
