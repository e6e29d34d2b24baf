"""Batch normalisation over a batch that several processes share, gradients included.

As torch's SyncBatchNorm, which is for GPUs alone: every process sums up its own part by fused kernels, and of
each layer only a few numbers for each channel travel, once forward and once backward.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed
from torch.autograd.function import once_differentiable


class SpreadBatchNorm(torch.autograd.Function):
    """Normalises a map [batch, channels, frequency, time] by the statistics of all processes' maps together.

    The maps may differ in size. `weight` and `bias` get the gradients of this process's part alone, as those
    of every other layer are: whoever sums gradients over processes sums these too.
    """

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The normalised map, and mean [channels], variance [channels] and count [1] of the whole batch."""
        unused = torch.zeros_like(weight), torch.zeros_like(weight)
        mean, variance = torch.batch_norm_update_stats(values, *unused, 0.0)
        own = torch.cat([mean, variance, mean.new_tensor([values.numel() / values.shape[1]])])
        mean, variance, count = combined(gathered(own))
        ctx.save_for_backward(values, weight, mean, variance, count)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance, count)
        slope = weight * torch.rsqrt(variance + eps)
        normalised = torch.addcmul(_wide(bias - mean * slope), values, _wide(slope))
        return normalised.to(values.dtype), mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *unused: Tensor | None) -> tuple[Tensor | None, ...]:
        """The chain rule through the statistics: sums over the whole batch enter each part's gradient."""
        values, weight, mean, variance, count = ctx.saved_tensors
        root = torch.rsqrt(variance + ctx.eps)
        _, for_weight, for_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, values, weight, mean, variance, mean, root, False, ctx.eps, [False, True, True]
        )
        sums = torch.cat([for_weight, for_bias])
        distributed.all_reduce(sums)
        scale = weight * root
        slope, offset = (-scale * one / count for one in sums.chunk(2))
        slope = slope * root
        through_statistics = torch.addcmul(_wide(offset - mean * slope), values, _wide(slope))
        whole = through_statistics.addcmul_(gradient, _wide(scale))
        return whole.to(values.dtype), for_weight, for_bias, None


def gathered(own: Tensor) -> Tensor:
    """A vector [size] of every process [processes, size], the same everywhere."""
    parts = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, own)
    return torch.stack(parts)


def combined(parts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance [channels] and count [1] of a whole from those of parts [parts, 2 * channels + 1].

    Chan, Golub and LeVeque, 1979: squares around each part's own mean, so that a mean far from 0 costs no
    digits.
    """
    counts = parts[:, -1:]
    means, variances = parts[:, :-1].chunk(2, 1)
    count = counts.sum(0)
    mean = (counts * means).sum(0) / count
    variance = (counts * (variances + (means - mean).square())).sum(0) / count
    return mean, variance, count


def _wide(one: Tensor) -> Tensor:
    """[channels] to stand beside maps [batch, channels, frequency, time]; quick where channels come last."""
    return one[None, :, None, None]
