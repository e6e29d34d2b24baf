"""Layers that never see padding, so that a clip's scores do not depend on its neighbours in a batch.

Shapes: maps [batch, channels, frequency, time]; masks broadcast against them with 1 where a frame is real.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn import functional


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
    statistics count, and padding cannot matter. Where a batch is spread over processes, the statistics are
    those of the whole batch, so that two processes and one train alike.
    """

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalises a map [batch, channels, frequency, time]; mask [batch, 1, 1, time]; None: no padding."""
        spread = self.training and torch.distributed.is_available() and torch.distributed.is_initialized()
        normalised = self._forward_spread(input) if spread else super().forward(input)
        return normalised if mask is None else normalised * mask.to(normalised.dtype)

    def _forward_spread(self, values: Tensor) -> Tensor:
        total = values.sum((0, 2, 3), dtype=torch.float32)
        size = total.new_tensor([values.numel() / values.shape[1]])
        sums: Tensor = all_reduce(torch.cat([total, size]))  # type: ignore[no-untyped-call]
        count = sums[-1].detach()
        mean = sums[:-1] / count
        # Squares around the mean: where it is far from 0, squares less its square would be rounding alone.
        centred = values.float() - mean[:, None, None]
        squares: Tensor = all_reduce(centred.square().sum((0, 2, 3)))  # type: ignore[no-untyped-call]
        variance = squares / count
        self._track(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(values.dtype)

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)
