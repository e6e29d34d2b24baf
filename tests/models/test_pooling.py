"""Statistics over real frames are those of the clip alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from affekt.models.masking import length_mask
from affekt.models.pooling import AttentiveStatisticsPooling, StatisticsPooling

LENGTHS = (9, 4, 1)


def batch() -> tuple[Tensor, Tensor]:
    """A map [3, 4, 5, 9] with noise beyond each clip's end, and its mask."""
    values = 3 + 2 * torch.randn(3, 4, 5, 9, generator=torch.Generator().manual_seed(0))
    return values, length_mask(torch.tensor(LENGTHS), 9)[:, None, None]


@pytest.mark.parametrize(("unbiased", "epsilon"), [(False, 1e-6), (True, 1e-7)])
def test_statistics_are_those_of_the_real_frames(unbiased: bool, epsilon: float) -> None:
    values, mask = batch()
    found = StatisticsPooling(unbiased=unbiased, epsilon=epsilon)(values, mask)
    for row, clip, length in zip(found, values, LENGTHS, strict=True):
        real = clip.flatten(0, 1)[:, :length]
        # One frame has no variance, in a sample either.
        variance = real.var(1, unbiased=unbiased) if length > 1 else torch.zeros(20)
        expected = torch.cat([real.mean(1), (variance + epsilon).sqrt()])
        assert torch.allclose(row, expected, atol=1e-6)


def test_by_default_the_variance_is_the_frames_own() -> None:
    values, mask = batch()
    plain = StatisticsPooling()(values, mask)
    assert torch.equal(plain, StatisticsPooling(unbiased=False, epsilon=1e-6)(values, mask))
    assert not torch.allclose(plain, StatisticsPooling(unbiased=True)(values, mask), atol=1e-2)


@torch.no_grad()
def test_attention_looks_at_the_real_frames_alone() -> None:
    torch.manual_seed(0)
    pooling = AttentiveStatisticsPooling(20, attention=6).eval()
    pooling.weigh.weight.mul_(10)
    values, mask = batch()
    found = pooling(values, mask)
    for row, clip, length in zip(found, values, LENGTHS, strict=True):
        alone = pooling(clip[None, ..., :length], torch.ones(1, 1, 1, length))[0]
        assert torch.allclose(row, alone, atol=1e-5)
    evenly = StatisticsPooling()(values, mask)
    assert (found - evenly).abs().max() > 0.1
