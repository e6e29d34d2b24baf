"""Training copies of spectrograms: SpecAugment, tempo and vocal-tract length.

Every draw is a function of (seed, epoch, clip), never of the batch, its order or the number of processes.
Shapes: spectrograms [batch, frames, mels], zero beyond each clip's frames [batch].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from affekt.models.masking import length_mask
from affekt.recipe import AugmentRecipe

Draws = NDArray[np.float32]


def draws(clips: Sequence[int], count: int, *, seed: int, epoch: int) -> Draws:
    """Uniform numbers in [0, 1) [clips, count], each row a function of (seed, epoch, clip) alone."""
    rows = [np.random.default_rng([seed, epoch, clip]).random(count, dtype=np.float32) for clip in clips]
    return np.stack(rows)


def augment(
    spectrogram: Tensor,
    frames: Tensor,
    clips: Sequence[int],
    recipe: AugmentRecipe,
    *,
    seed: int,
    epoch: int,
    changed: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One changed copy of each clip; returns spectrograms and their frames, both maybe of another length.

    `changed` [batch] bool says which clips are changed at all (None: each).
    """
    masks = recipe.time_masks + recipe.frequency_masks
    numbers = torch.from_numpy(draws(clips, 2 + 2 * masks, seed=seed, epoch=epoch)).to(spectrogram.device)
    if changed is not None:
        # The middle of stretch and warp is the clip's own tempo and voice; a share of 0 is an empty mask.
        neutral = torch.zeros_like(numbers)
        neutral[:, :2] = 0.5
        numbers = torch.where(changed[:, None], numbers, neutral)
    if recipe.stretch:
        factors = 1 + recipe.stretch * (2 * numbers[:, 0] - 1)
        spectrogram, frames = stretch_time(spectrogram, frames, factors)
    if recipe.warp:
        spectrogram = warp_frequency(spectrogram, 1 + recipe.warp * (2 * numbers[:, 1] - 1))
    time, frequency = numbers[:, 2 : 2 + 2 * recipe.time_masks], numbers[:, 2 + 2 * recipe.time_masks :]
    spectrogram = _mask_time(spectrogram, frames, time, recipe.time_width)
    return _mask_frequency(spectrogram, frequency, recipe.frequency_width), frames


def stretch_time(spectrogram: Tensor, frames: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Changes each clip's tempo: factors [batch] of its length, by interpolation between frames."""
    stretched = (frames * factors).round().long().clamp(min=1)
    size = int(stretched.max())
    scale = (frames - 1) / (stretched - 1).clamp(min=1)
    positions = torch.arange(size, device=frames.device) * scale[:, None]
    # Each clip ends at its own last frame, so that no rounding reads the padding behind it.
    last = (frames - 1)[:, None]
    positions = positions.minimum(last)
    before = positions.floor().long()
    after = (before + 1).minimum(last)
    share = (positions - before)[..., None]
    rows = torch.arange(len(frames), device=frames.device)[:, None]
    mixed = spectrogram[rows, before] * (1 - share) + spectrogram[rows, after] * share
    return mixed * length_mask(stretched, size)[..., None], stretched


def warp_frequency(spectrogram: Tensor, factors: Tensor) -> Tensor:
    """Reads mel bin m at m * factor: longer and shorter vocal tracts (Jaitly and Hinton, 2013)."""
    mels = spectrogram.shape[2]
    positions = (torch.arange(mels, device=factors.device) * factors[:, None]).clamp(max=mels - 1)
    before = positions.floor().long()
    after = (before + 1).clamp(max=mels - 1)
    share = (positions - before)[:, None]
    shape = spectrogram.shape
    lower = spectrogram.gather(2, before[:, None].expand(shape))
    upper = spectrogram.gather(2, after[:, None].expand(shape))
    return lower * (1 - share) + upper * share


def _mask_time(spectrogram: Tensor, frames: Tensor, numbers: Tensor, width: float) -> Tensor:
    """SpecAugment's time masks (Park et al., Interspeech 2019), at most `width` of the clip each."""
    positions = torch.arange(spectrogram.shape[1], device=frames.device)
    for share, place in _pairs(numbers):
        size = (share * width * frames).floor()
        start = (place * (frames - size)).floor()
        hidden = (positions >= start[:, None]) & (positions < (start + size)[:, None])
        spectrogram = spectrogram * (~hidden)[..., None]
    return spectrogram


def _mask_frequency(spectrogram: Tensor, numbers: Tensor, width: float) -> Tensor:
    """SpecAugment's frequency masks, at most `width` of the mel bins each."""
    mels = spectrogram.shape[2]
    bins = torch.arange(mels, device=spectrogram.device)
    for share, place in _pairs(numbers):
        size = (share * width * mels).floor()
        start = (place * (mels - size)).floor()
        hidden = (bins >= start[:, None]) & (bins < (start + size)[:, None])
        spectrogram = spectrogram * (~hidden)[:, None]
    return spectrogram


def _pairs(numbers: Tensor) -> list[tuple[Tensor, Tensor]]:
    return [(numbers[:, at], numbers[:, at + 1]) for at in range(0, numbers.shape[1], 2)]
