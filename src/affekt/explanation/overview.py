"""What a picture shows behind the map: the waveform's envelope and a spectrogram, of any length."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE
from affekt.explanation.maps import Grid, even_grid
from affekt.explanation.silence import Samples, decibels

COLUMNS = 1500
BANDS = 128


@dataclass(frozen=True, eq=False)
class Overview:
    """`low` and `high` [columns]: the samples' extremes; `decibels` [bands, columns]; all on `grid`."""

    grid: Grid
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    decibels: NDArray[np.float32]

    def shifted(self, seconds: float) -> Overview:
        """The same, later."""
        return replace(self, grid=self.grid.shifted(seconds))


def overview(samples: Samples, columns: int) -> Overview:
    """One stretch in at most so many columns, each of at least 5 ms."""
    seconds = len(samples) / SAMPLE_RATE
    count = max(1, min(columns, round(seconds / 0.005)))
    starts = np.arange(count) * len(samples) // count
    grid = even_grid(seconds, BANDS, count)
    return Overview(
        grid,
        np.minimum.reduceat(samples, starts),
        np.maximum.reduceat(samples, starts),
        decibels(samples, grid),
    )


def joined(parts: list[Overview]) -> Overview:
    """Consecutive stretches as one."""
    times = [parts[0].grid.times]
    times += [part.grid.times[1:] for part in parts[1:]]
    return Overview(
        Grid(np.concatenate(times), parts[0].grid.hertz),
        np.concatenate([part.low for part in parts]),
        np.concatenate([part.high for part in parts]),
        np.concatenate([part.decibels for part in parts], axis=1),
    )
