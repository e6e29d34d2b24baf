"""An average of a network's weights over the steps, which is steadier than the last of them."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(network: nn.Module, decay: float) -> AveragedModel | None:
    """A copy that `update_parameters` moves towards the network; None where `decay` is 0.

    After t updates it holds the mean of the networks of all of them, the last with the weight 1 and each one
    before with `decay` times that of the one after it: as Adam corrects its averages (Kingma and Ba, ICLR
    2015), so that the first weights, which have learnt nothing, leave no trace. What is stored of batches is
    averaged with the weights that it belongs to.
    """
    if not decay:
        return None

    @torch.no_grad()
    def move(kept: Any, now: Any, updates: Tensor | int) -> None:
        share = (1 - decay) / (1 - decay ** (int(updates) + 1))
        for one, other in zip(cast(list[Tensor], kept), cast(list[Tensor], now), strict=True):
            if one.is_floating_point():
                one.lerp_(other, share)
            else:
                one.copy_(other)

    return AveragedModel(network, multi_avg_fn=move, use_buffers=True)
