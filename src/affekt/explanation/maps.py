"""Maps over time and frequency: cells with edges in seconds and Hz, and their values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE

Floats = NDArray[np.float64]

TOP_HZ = SAMPLE_RATE / 2
FINE_BANDS = 64
FINE_SECONDS = 0.01
FINE_COLUMNS = 1500


def mel(hertz: Any) -> Any:
    """Hz -> mel, 1127 ln(1 + f / 700) (O'Shaughnessy, Speech Communication, 1987)."""
    return 1127 * np.log1p(np.asarray(hertz, np.float64) / 700)


def hertz(mels: Any) -> Any:
    """mel -> Hz, the way back."""
    return 700 * np.expm1(np.asarray(mels, np.float64) / 1127)


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells between edges: `times` [columns + 1] in seconds and `hertz` [bands + 1], both rising."""

    times: Floats
    hertz: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Bands and columns."""
        return len(self.hertz) - 1, len(self.times) - 1

    @property
    def moments(self) -> Floats:
        """The middle of each column in seconds."""
        return (self.times[1:] + self.times[:-1]) / 2

    @property
    def mels(self) -> Floats:
        """The middle of each band in mel."""
        edges: Floats = mel(self.hertz)
        return (edges[1:] + edges[:-1]) / 2

    def shifted(self, seconds: float) -> Grid:
        """The same cells, later."""
        return Grid(self.times + seconds, self.hertz)


def even_grid(seconds: float, bands: int, columns: int) -> Grid:
    """Cells of equal length, and of equal height in mel from 0 Hz to 8 kHz."""
    return Grid(np.linspace(0, seconds, columns + 1), hertz(np.linspace(0, mel(TOP_HZ), bands + 1)))


def fine_grid(seconds: float) -> Grid:
    """Where maps of all methods are compared and drawn: 64 mel bands, columns of 10 ms or more."""
    columns = min(max(1, math.ceil(seconds / FINE_SECONDS)), FINE_COLUMNS)
    return even_grid(seconds, FINE_BANDS, columns)


def grid_around(moments: Floats, middles_hz: Floats, seconds: float, top_hz: float = TOP_HZ) -> Grid:
    """The cells whose middles are known: edges lie half way between them, the outer ones at the ends.

    Args:
        moments: the middle of each column in seconds, rising.
        middles_hz: the middle of each band, rising.
        seconds: where the recording ends.
        top_hz: where the frequencies end.
    """
    inner = np.clip((moments[1:] + moments[:-1]) / 2, 0, seconds)
    bands = hertz((mel(middles_hz[1:]) + mel(middles_hz[:-1])) / 2)
    return Grid(np.concatenate([[0.0], inner, [seconds]]), np.concatenate([[0.0], bands, [top_hz]]))


@dataclass(frozen=True, eq=False)
class Map:
    """How much each cell counts: `values` [bands, columns], low frequencies first."""

    values: Floats
    grid: Grid

    def on(self, grid: Grid) -> Map:
        """The same map on other cells: linear between the cells' middles, in seconds and mel; 0 outside."""
        edges: Floats = mel(self.grid.hertz)
        rows = _between(grid.mels, self.grid.mels) * _inside(grid.mels, edges)
        columns = _between(grid.moments, self.grid.moments) * _inside(grid.moments, self.grid.times)
        return Map(rows @ self.values @ columns.T, grid)

    def between(self, start: float, end: float) -> Map:
        """The columns of a stretch of seconds, whose start becomes 0."""
        times = self.grid.times
        first = int(np.clip(np.searchsorted(times, start, side="right") - 1, 0, len(times) - 2))
        last = int(np.clip(np.searchsorted(times, end), first + 1, len(times) - 1))
        kept = np.clip(times[first : last + 1], start, end) - start
        return Map(self.values[:, first:last], Grid(kept, self.grid.hertz))

    def fewer(self, columns: int) -> Map:
        """The same map with at most so many columns, each the mean of its neighbours in time."""
        count = self.values.shape[1]
        if count <= columns:
            return self
        starts = np.arange(columns) * count // columns
        lengths = np.diff(self.grid.times)
        sums = np.add.reduceat(self.values * lengths, starts, axis=1)
        widths = np.maximum(np.add.reduceat(lengths, starts), np.finfo(np.float64).tiny)
        return Map(sums / widths, Grid(self.grid.times[[*starts, count]], self.grid.hertz))


def joined(maps: list[Map]) -> Map:
    """Maps of consecutive stretches, of the same bands, as one."""
    times = [maps[0].grid.times, *(one.grid.times[1:] for one in maps[1:])]
    values = np.concatenate([one.values for one in maps], axis=1)
    return Map(values, Grid(np.concatenate(times), maps[0].grid.hertz))


def _between(new: Floats, old: Floats) -> Floats:
    """Weights [new, old] of linear interpolation; beyond the ends the nearest value holds."""
    if len(old) == 1:
        return np.ones((len(new), 1))
    left = np.clip(np.searchsorted(old, new, side="right") - 1, 0, len(old) - 2)
    part = np.clip((new - old[left]) / (old[left + 1] - old[left]), 0, 1)
    weights = np.zeros((len(new), len(old)))
    rows = np.arange(len(new))
    weights[rows, left] = 1 - part
    weights[rows, left + 1] = part
    return weights


def _inside(middles: Floats, edges: Floats) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (middles >= edges[0]) & (middles <= edges[-1])
    return inside[:, None]
