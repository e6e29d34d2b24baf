"""The regions that decided: the largest tenth of a map, as connected pieces."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.explanation.maps import Map, fine_grid

SHARE = 0.1
"""How much of a map's area counts as what decided."""

MOST_REGIONS = 50

TOLD_APART = 100
"""Columns that an outline tells apart: in a long recording a region is a stretch of it, not a syllable."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Region:
    """A connected part of the map's top tenth: from `start` to `end` seconds, `low_hz` to `high_hz`.

    `share` is its part of all that speaks for the emotion, 0 to 1; the outline may fill its box in part.
    """

    start: float
    end: float
    low_hz: float
    high_hz: float
    share: float

    def to_dict(self) -> dict[str, Any]:
        """The fields, rounded."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def outlined(found: Map, seconds: float) -> tuple[Map, Mask]:
    """The map on fine cells, and the top tenth of it that is outlined, silenced and listed."""
    fine = found.fewer(TOLD_APART).on(fine_grid(seconds))
    return fine, top(fine.values)


def top(values: NDArray[np.float64], share: float = SHARE) -> Mask:
    """The largest `share` of the cells, of those above 0: [bands, columns]; fewer if fewer are above 0."""
    count = max(1, round(share * values.size))
    order = np.argsort(-values, axis=None, kind="stable")[:count]
    mask = np.zeros(values.size, np.bool_)
    mask[order] = True
    return mask.reshape(values.shape) & (values > 0)


def regions(fine: Map, mask: Mask) -> list[Region]:
    """The connected parts of `mask`, the weightiest first, at most fifty."""
    positive = np.maximum(fine.values, 0)
    total = float(positive.sum()) or 1.0
    numbers, count = label(mask)
    found = []
    for number in range(1, count + 1):
        bands, columns = np.nonzero(numbers == number)
        found.append(
            Region(
                start=float(fine.grid.times[columns.min()]),
                end=float(fine.grid.times[columns.max() + 1]),
                low_hz=float(fine.grid.hertz[bands.min()]),
                high_hz=float(fine.grid.hertz[bands.max() + 1]),
                share=float(positive[bands, columns].sum()) / total,
            )
        )
    return sorted(found, key=lambda one: -one.share)[:MOST_REGIONS]


def label(mask: Mask) -> tuple[NDArray[np.int64], int]:
    """Numbers the connected parts of a mask from 1, 0 elsewhere; cells touch at their sides."""
    numbers = np.zeros(mask.shape, np.int64)
    count = 0
    for start in zip(*np.nonzero(mask), strict=True):
        if numbers[start]:
            continue
        count += 1
        numbers[start] = count
        waiting = deque([start])
        while waiting:
            row, column = waiting.popleft()
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                inside = 0 <= near[0] < mask.shape[0] and 0 <= near[1] < mask.shape[1]
                if inside and mask[near] and not numbers[near]:
                    numbers[near] = count
                    waiting.append(near)
    return numbers, count
