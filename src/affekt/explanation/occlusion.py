"""Occlusion: what the score loses when one patch after the other is silenced.

Zeiler & Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014, section 4.2, with patches
of time and frequency that are silenced in the samples. It asks nothing of the model but scores.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE
from affekt.explanation.maps import Map, even_grid
from affekt.explanation.silence import Samples, Silencer

BANDS = 8
PATCH_SECONDS = 0.1
MOST_PATCHES = 40
"""Columns of patches in one stretch: a long one has longer patches."""

UNIT = "loss of log-odds"

Judge = Callable[[Samples], NDArray[np.float64]]
"""What a recogniser says: samples [samples] -> the scores [classes], which sum to 1."""


def columns(seconds: float, most: int = MOST_PATCHES) -> int:
    """How many patches follow one another in so many seconds."""
    return max(1, min(round(seconds / PATCH_SECONDS), MOST_PATCHES, most))


def occlusion(
    judge: Judge,
    samples: Samples,
    index: int,
    *,
    most: int = MOST_PATCHES,
    step: Callable[[], None] = lambda: None,
) -> Map:
    """What the log-odds of class `index` lose without each patch; above 0 where a patch speaks for it.

    Log-odds and not the score, which stands still near 0 and 1. `step` is called after each patch.
    """
    grid = even_grid(len(samples) / SAMPLE_RATE, BANDS, columns(len(samples) / SAMPLE_RATE, most))
    silencer = Silencer(samples)
    whole = log_odds(judge(samples)[index])
    values = np.zeros(grid.shape)
    for patch in np.ndindex(grid.shape):
        mask = np.zeros(grid.shape, np.bool_)
        mask[patch] = True
        values[patch] = whole - log_odds(judge(silencer.without(mask, grid))[index])
        step()
    return Map(values, grid)


def log_odds(score: float) -> float:
    """ln(p / (1 - p)), of a score that is kept from 0 and 1."""
    kept = min(max(float(score), 1e-12), 1 - 1e-12)
    return float(np.log(kept) - np.log1p(-kept))
