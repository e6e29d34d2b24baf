"""A long recording through an attention network in overlapping pieces, and exactly what the whole would give.

A position of the map sees `FIELD` frames and no more, so all positions but those near a piece's ends are the
same in the piece as in the whole. Pieces start at multiples of the network's stride, the positions near their
ends are left to their neighbours, and the softmax over all positions is put together from its sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from affekt.geometry.attention import FIELD, FIRST, SMALLEST, STRIDE, AttentionGrid

Array = NDArray[np.float32]

COLUMNS = 192
"""Positions along time in a piece: a minute, at 10 ms between frames."""

MARGIN = -(-(FIELD // 2 - FIRST) // STRIDE)
"""So many positions at a piece's end see beyond it."""


@dataclass(frozen=True)
class Maps:
    """Of one piece: `energy` [rows, columns], `map` [size, rows, columns], `evidence` [classes, ...]."""

    energy: Array
    map: Array
    evidence: Array


@dataclass
class Sums:
    """The softmax's sums so far, relative to the largest energy."""

    largest: float = -np.inf
    weight: float = 0.0
    embedding: NDArray[np.float64] | float = 0.0
    logits: NDArray[np.float64] | float = 0.0
    energies: list[Array] = field(default_factory=list)

    def add(self, maps: Maps) -> None:
        """Takes in positions that were not seen before."""
        energy = maps.energy.astype(np.float64)
        largest = max(self.largest, float(energy.max()))
        before = np.exp(self.largest - largest)
        weights = np.exp(energy - largest)
        self.weight = self.weight * before + float(weights.sum())
        self.embedding = self.embedding * before + np.einsum("crt,rt->c", maps.map, weights)
        self.logits = self.logits * before + np.einsum("crt,rt->c", maps.evidence, weights)
        self.largest = largest
        self.energies.append(maps.energy)

    def attention(self) -> Array:
        """The whole recording's attention map [rows, columns]."""
        energy = np.concatenate(self.energies, axis=1, dtype=np.float64)
        return np.asarray(np.exp(energy - self.largest) / self.weight, np.float32)


def piece_samples(grid: AttentionGrid) -> int:
    """Samples in a piece; what is not longer runs whole."""
    return (SMALLEST - 1 + STRIDE * (COLUMNS - 1)) * grid.hop + grid.window


def in_pieces(blocks: Iterable[Array], grid: AttentionGrid, run: Callable[[Array], Maps]) -> Sums:
    """What attention gives over a recording in blocks [samples]; memory does not grow with its length.

    Args:
        run: the network on one piece; positions beyond the piece are cut off here.
    """
    sums = Sums()
    for piece, skipped, last in _pieces(blocks, grid):
        maps = run(piece)
        columns = slice(skipped, grid.columns(len(piece)) - (0 if last else MARGIN))
        sums.add(Maps(maps.energy[:, columns], maps.map[..., columns], maps.evidence[..., columns]))
    return sums


def _pieces(blocks: Iterable[Array], grid: AttentionGrid) -> Iterator[tuple[Array, int, bool]]:
    """Pieces [samples], how many positions to leave out at their start, and whether it is the last."""
    size, step = piece_samples(grid), (COLUMNS - 2 * MARGIN) * grid.step_samples
    held: list[Array] = []
    count = skipped = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count > size:
            buffer = np.concatenate(held)
            yield buffer[:size], skipped, False
            held, count, skipped = [buffer[step:]], count - step, MARGIN
    yield np.concatenate(held), skipped, True
