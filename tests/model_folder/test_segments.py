"""Long recordings in pieces of segments: exactly the mean over all of them, in memory that does not grow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from affekt.errors import ModelFolderError
from affekt.geometry.segments import SegmentGrid
from affekt.model_folder.segments import SEGMENTS, in_segments, local_segments
from tests.fixtures import tiny

Array = NDArray[np.float32]
grids = st.builds(
    SegmentGrid,
    window=st.integers(2, 9),
    hop=st.integers(1, 2),
    size=st.integers(2, 12),
    step=st.integers(1, 2),
    local=st.just(True),
)


def heard(samples: Array, grid: SegmentGrid) -> tuple[Array, Array]:
    """Means over segments of something that is different for each: the first and the largest sample."""
    frames = 1 + max(0, -(-(len(samples) - grid.window) // grid.hop))
    last = max(0, frames - grid.size)
    starts = [min(at * grid.step, last) * grid.hop for at in range(grid.count(len(samples)))]
    segments = [samples[start : start + grid.samples(1)] for start in starts]
    return np.mean([one[:1] for one in segments], 0), np.mean([[one.max(), one.sum()] for one in segments], 0)


@given(grids, st.integers(1, 1500), st.integers(1, 400), st.integers(0, 99))
def test_pieces_give_what_the_whole_gives(grid: SegmentGrid, count: int, block: int, seed: int) -> None:
    samples = np.random.default_rng(seed).standard_normal(count).astype(np.float32)
    lengths: list[int] = []

    def run(piece: Array) -> tuple[Array, Array]:
        lengths.append(len(piece))
        return heard(piece, grid)

    blocks = [samples[at : at + block] for at in range(0, count, block)]
    found = in_segments(blocks, grid, run)
    for one, expected in zip(found, heard(samples, grid), strict=True):
        assert np.allclose(one, expected, atol=1e-3)
    assert max(lengths) <= grid.samples(2 * SEGMENTS) + grid.hop + block
    assert sum(map(grid.count, lengths)) == grid.count(count)


def test_only_pictures_with_a_level_of_their_own_are_heard_in_pieces() -> None:
    def grid(**network: object) -> SegmentGrid | None:
        return local_segments(tiny.config(system="facenet", recipe={"network": network}))

    assert local_segments(tiny.config()) is None
    assert grid(normalisation="utterance") is None
    found = grid(normalisation="segment", segment_seconds=2.0)
    assert found is not None and found.samples(1) == 32_000
    with pytest.raises(ModelFolderError, match=r"config\.json: recipe: network: .*picture|spectrogram"):
        grid(picture="drawing")
