"""Layers that never see padding, so that a clip's scores do not depend on its neighbours in a batch.

Shapes: maps [batch, channels, frequency, time]; masks broadcast against them with 1 where a frame is real.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from affekt.models.spread import SpreadBatchNorm


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """Mask [batch, size] as float32: 1 before each length, 0 from there on."""
    return (torch.arange(size, device=lengths.device) < lengths[:, None]).float()


def masked_mean(values: Tensor, mask: Tensor, dim: tuple[int, ...]) -> Tensor:
    """Mean over `dim` of the positions where the mask is 1; the reduced dimensions are kept."""
    return (values * mask).sum(dim, keepdim=True) / mask.sum(dim, keepdim=True).clamp(min=1)


class StridedPointwise(nn.Conv2d):
    """A 1x1 convolution of every `step`-th position of both axes, without bias.

    Positions are picked before the convolution: oneDNN's strided 1x1 kernel for AVX2 writes beyond its memory
    on the way back where the channels are no multiple of 8 (torch 2.13).
    """

    def __init__(self, channels_in: int, channels: int, step: int) -> None:
        super().__init__(channels_in, channels, 1, bias=False)
        self.step = step

    def forward(self, input: Tensor) -> Tensor:
        """[batch, channels_in, frequency, time] -> [batch, channels, frequency / step, time / step]."""
        if torch.compiler.is_exporting():
            # Of a length that is not known yet the exporter cannot tell how many positions are picked.
            return functional.conv2d(input, self.weight, stride=self.step)
        return super().forward(input[..., :: self.step, :: self.step])


class MaskedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation whose padded frames leave as zeros, so that no later layer sees them.

    In training the statistics are those of the padded batch (buckets of like length keep padding to a few
    percent): the fused kernel is twice as fast as sums over real frames alone. In use, only stored
    statistics count, and padding cannot matter.

    Attributes:
        shared: where a batch is spread over processes, the statistics are those of the whole batch, so that
            two processes and one train alike; otherwise each process normalises its own part by itself.
    """

    shared = True

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalises a map [batch, channels, frequency, time]; mask [batch, 1, 1, time]; None: no padding."""
        spread = self.training and self.shared and distributed.is_available() and distributed.is_initialized()
        normalised = self._forward_spread(input) if spread else super().forward(input)
        return normalised if mask is None else normalised * mask.to(normalised.dtype)

    def _forward_spread(self, values: Tensor) -> Tensor:
        said = SpreadBatchNorm.apply(values, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        normalised, mean, variance, count = cast(tuple[Tensor, ...], said)
        self._track(mean, variance * count / (count - 1))
        return normalised

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)
