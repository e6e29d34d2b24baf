"""A long recording through a network of segments, in pieces, and exactly what the whole would give.

Each segment is scored by itself, and a recording has the mean over its segments: pieces that start and end
with whole segments can be put together from their means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from affekt.config import ModelConfig
from affekt.errors import ModelFolderError
from affekt.geometry.segments import SegmentGrid

Array = NDArray[np.float32]

SEGMENTS = 64
"""In a piece; half a minute, at half a second between segments."""


def local_segments(config: ModelConfig) -> SegmentGrid | None:
    """Where segments lie that are scored by themselves; None where the network hears recordings whole.

    Raises:
        ModelFolderError: the recipe's network is not one of the system.
    """
    if config.system != "facenet":
        return None
    from affekt.recipe import FacenetNetworkRecipe

    try:
        grid = FacenetNetworkRecipe.model_validate(config.recipe.get("network", {})).grid()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ModelFolderError(f"config.json: recipe: network: {problem:.120}") from error
    return grid if grid.local else None


def in_segments(
    blocks: Iterable[Array], grid: SegmentGrid, run: Callable[[Array], tuple[Array, ...]]
) -> tuple[Array, ...]:
    """The mean over all segments of a recording in blocks [samples]; memory does not grow with its length.

    Args:
        run: the means over the segments of one piece.
    """
    sums: list[NDArray[np.float64]] = []
    total = 0
    for piece, count in _pieces(blocks, grid):
        found = [count * one.astype(np.float64) for one in run(piece)]
        sums = [one + other for one, other in zip(sums, found, strict=True)] if sums else found
        total += count
    return tuple(np.asarray(one / total, np.float32) for one in sums)


def _pieces(blocks: Iterable[Array], grid: SegmentGrid) -> Iterator[tuple[Array, int]]:
    """Pieces [samples], and how many segments each holds."""
    size, advance = grid.samples(SEGMENTS), SEGMENTS * grid.step * grid.hop
    # What remains behind a piece must be a whole segment at least: the last one ends at the recording's end.
    enough = advance + grid.samples(1)
    held: list[Array] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count >= enough:
            buffer = np.concatenate(held)
            yield buffer[:size], SEGMENTS
            held, count = [buffer[advance:]], count - advance
    rest = np.concatenate(held)
    yield rest, grid.count(len(rest))
