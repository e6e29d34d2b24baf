"""Augmentation is a function of (seed, epoch, clip), stays within its bounds, and keeps padding empty."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from affekt.augment import augment, draws, stretch_time, warp_frequency
from affekt.models.masking import length_mask
from affekt.recipe import AugmentRecipe

LENGTHS = [50, 83, 120, 31, 1]
CLIPS = [11, 4_000_000_000, 7, 0, 99]
STRONG = AugmentRecipe(stretch=0.4, warp=0.3, time_masks=3, frequency_masks=3)


def batch(lengths: list[int] = LENGTHS, mels: int = 32) -> tuple[Tensor, Tensor]:
    """Spectrograms with no zero before each clip's end; the same clip whatever stands beside it."""
    frames = torch.tensor(lengths)
    rows = torch.zeros(len(lengths), max(lengths), mels)
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = torch.rand(length, mels, generator=torch.Generator().manual_seed(length)) + 0.5
    return rows, frames


@pytest.mark.parametrize("part", [[4, 2, 0, 3, 1], [1, 3], [0], [4]])
def test_neighbours_and_order_do_not_matter(part: list[int]) -> None:
    whole, frames = augment(*batch(), CLIPS, STRONG, seed=3, epoch=2)
    some, counted = augment(
        *batch([LENGTHS[at] for at in part]), [CLIPS[at] for at in part], STRONG, seed=3, epoch=2
    )
    assert counted.tolist() == frames[part].tolist()
    for row, at in zip(some, part, strict=True):
        assert torch.equal(row[: frames[at]], whole[at, : frames[at]])


def test_draws_change_with_seed_epoch_and_clip() -> None:
    rows = {
        draws([clip], 4, seed=seed, epoch=epoch).tobytes()
        for seed in (0, 1)
        for epoch in (0, 1)
        for clip in (0, 1)
    }
    assert len(rows) == 8
    assert draws([5, 6], 4, seed=0, epoch=0)[1].tolist() == draws([6], 4, seed=0, epoch=0)[0].tolist()


def test_zero_is_the_identity() -> None:
    spectrogram, frames = batch()
    nothing = AugmentRecipe(time_masks=0, frequency_masks=0, stretch=0, warp=0)
    same, counted = augment(spectrogram, frames, CLIPS, nothing, seed=0, epoch=0)
    assert torch.equal(same, spectrogram)
    assert torch.equal(counted, frames)


def test_padding_stays_empty() -> None:
    for epoch in range(5):
        spectrogram, frames = augment(*batch(), CLIPS, STRONG, seed=0, epoch=epoch)
        beyond = length_mask(frames, spectrogram.shape[1]) == 0
        assert not spectrogram[beyond].any()
        assert spectrogram.isfinite().all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), width=st.floats(0, 1))
def test_masks_are_no_wider_than_the_recipe_says(seed: int, width: float) -> None:
    spectrogram, frames = batch()
    silent = AugmentRecipe(time_masks=1, time_width=width, frequency_masks=0, stretch=0, warp=0)
    masked, _ = augment(spectrogram, frames, CLIPS, silent, seed=seed, epoch=0)
    for row, length in zip(masked, LENGTHS, strict=True):
        assert int((row[:length] == 0).all(1).sum()) <= width * length
    silent = AugmentRecipe(time_masks=0, frequency_masks=1, frequency_width=width, stretch=0, warp=0)
    masked, _ = augment(spectrogram, frames, CLIPS, silent, seed=seed, epoch=0)
    for row, length in zip(masked, LENGTHS, strict=True):
        assert int((row[:length] == 0).all(0).sum()) <= width * row.shape[1]


def test_masks_do_mask() -> None:
    spectrogram, frames = batch()
    recipe = AugmentRecipe(time_masks=2, time_width=0.5, frequency_masks=2, stretch=0, warp=0)
    masked, _ = augment(spectrogram, frames, CLIPS, recipe, seed=0, epoch=0)
    hidden = (masked == 0) & (spectrogram != 0)
    assert 0.02 < hidden[:3].float().mean() < 0.9
    assert torch.equal(masked[~hidden], spectrogram[~hidden])


def test_stretching_changes_lengths_as_stated() -> None:
    spectrogram, frames = batch()
    factors = torch.tensor([0.5, 1.0, 1.5, 1.2, 0.5])
    changed, counted = stretch_time(spectrogram, frames, factors)
    assert counted.tolist() == [25, 83, 180, 37, 1]
    assert changed.shape[1] == 180
    assert torch.allclose(changed[1, :83], spectrogram[1, :83], atol=1e-4)
    for row, before, after in zip(range(4), frames, counted, strict=False):
        assert torch.equal(changed[row, 0], spectrogram[row, 0])
        assert torch.allclose(changed[row, after - 1], spectrogram[row, before - 1], atol=1e-3)


def test_stretch_stays_within_the_recipes_share() -> None:
    recipe = AugmentRecipe(stretch=0.2, warp=0, time_masks=0, frequency_masks=0)
    _, frames = batch([100] * 50)
    counted = augment(*batch([100] * 50), list(range(50)), recipe, seed=0, epoch=0)[1]
    assert frames.tolist() == [100] * 50
    assert 80 <= int(counted.min()) < 90
    assert 110 < int(counted.max()) <= 120


def test_warping_moves_a_tone_along_the_frequency_axis() -> None:
    spectrogram = torch.zeros(2, 5, 40)
    spectrogram[:, :, 20] = 1
    warped = warp_frequency(spectrogram, torch.tensor([1.25, 0.8]))
    assert warped[0, 0].argmax() == 16
    assert warped[1, 0].argmax() == 25


def test_what_is_not_to_be_changed_is_not() -> None:
    spectrogram, frames = batch()
    changed = torch.tensor([True, False, True, False, True])
    found, counted = augment(spectrogram, frames, CLIPS, STRONG, seed=3, epoch=2, changed=changed)
    everything, _ = augment(spectrogram, frames, CLIPS, STRONG, seed=3, epoch=2)
    for row in range(len(LENGTHS)):
        length = int(counted[row])
        if changed[row]:
            assert torch.equal(found[row, :length], everything[row, :length])
            continue
        assert length == frames[row]
        torch.testing.assert_close(found[row, :length], spectrogram[row, :length])
        assert not found[row, length:].any()
