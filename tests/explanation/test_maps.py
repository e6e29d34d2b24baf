"""Maps, their regions and the numbers that say how far to trust them, beside other implementations."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from affekt.explanation.maps import Grid, Map, even_grid, fine_grid, grid_around, hertz, joined, mel
from affekt.explanation.regions import label, regions, top
from affekt.explanation.sanity import spearman

SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)


def some_map(bands: int = 4, columns: int = 9, seconds: float = 3.0) -> Map:
    values = np.random.default_rng(0).random((bands, columns))
    return Map(values, even_grid(seconds, bands, columns))


def test_mel_goes_there_and_back() -> None:
    assert hertz(mel(np.array([0.0, 1000.0, 8000.0]))) == pytest.approx([0, 1000, 8000])
    assert mel(1000) == pytest.approx(1000, abs=0.1)


def test_the_same_cells_give_the_same_map() -> None:
    found = some_map()
    assert found.on(found.grid).values == pytest.approx(found.values)
    assert found.between(0.0, 3.0).values == pytest.approx(found.values)


def test_finer_cells_are_in_between_and_nothing_lies_outside() -> None:
    found = some_map()
    fine = found.on(fine_grid(3.0))
    assert fine.values.shape == (64, 300)
    assert fine.values.min() >= found.values.min() and fine.values.max() <= found.values.max()
    half = Map(found.values, Grid(found.grid.times, found.grid.hertz / 2)).on(fine_grid(6.0))
    heard = (half.grid.hertz[1:] <= 4000)[:, None] & (half.grid.times[1:] <= 3)
    assert (half.values[heard] > 0).all()
    assert not half.values[half.grid.hertz[:-1] >= 4000].any() and not half.values[:, 300:].any()


def test_fewer_columns_keep_the_mean() -> None:
    found = some_map(columns=100)
    fewer = found.fewer(7)
    assert fewer.values.shape == (4, 7) and fewer.grid.times[[0, -1]] == pytest.approx([0, 3])
    lengths = np.diff(fewer.grid.times)
    assert fewer.values @ lengths == pytest.approx(found.values @ np.diff(found.grid.times))
    assert found.fewer(100) is found


def test_stretches_are_put_together_where_they_were() -> None:
    found = some_map(columns=10, seconds=5.0)
    parts = [found.between(0.0, 2.0), found.between(2.0, 5.0)]
    assert [part.grid.times[-1] for part in parts] == pytest.approx([2, 3])
    whole = joined([parts[0], Map(parts[1].values, parts[1].grid.shifted(2.0))])
    assert whole.values == pytest.approx(found.values) and whole.grid.times == pytest.approx(found.grid.times)


def test_cells_lie_around_their_middles() -> None:
    grid = grid_around(np.array([0.5, 1.5, 9.0]), np.array([500.0, 2000.0]), 2.0)
    assert grid.times == pytest.approx([0, 1, 2, 2])
    assert mel(grid.hertz[1]) == pytest.approx((mel(500) + mel(2000)) / 2) and grid.hertz[-1] == 8000


@given(arrays.arrays(np.float64, SHAPES, elements=st.floats(-5, 5)))
def test_the_top_is_the_largest_tenth_above_nothing(values: np.ndarray) -> None:
    mask = top(values)
    assert mask.sum() <= max(1, round(values.size / 10))
    if mask.any():
        assert values[mask].min() > 0 and values[mask].min() >= values[~mask].max(initial=-9)
    else:
        assert values.max() <= 0


@given(arrays.arrays(np.bool_, SHAPES))
def test_connected_parts_are_those_of_scipy(mask: np.ndarray) -> None:
    numbers, count = label(mask)
    expected, expected_count = scipy.ndimage.label(mask)
    assert count == expected_count
    assert len(set(zip(numbers.ravel().tolist(), expected.ravel().tolist(), strict=True))) == len(
        {0, *numbers.ravel().tolist()} if not mask.all() else set(numbers.ravel().tolist())
    )


def test_regions_are_boxes_in_seconds_and_hertz() -> None:
    values = np.zeros((4, 10))
    values[1, 2:4], values[3, 8] = 3.0, 2.0
    found = regions(Map(values, even_grid(5.0, 4, 10)), values > 0)
    edges = hertz(np.linspace(0, mel(8000), 5))
    assert [(one.start, one.end) for one in found] == [(1.0, 2.0), (4.0, 4.5)]
    assert (found[0].low_hz, found[0].high_hz) == pytest.approx((edges[1], edges[2]))
    assert [one.share for one in found] == pytest.approx([0.75, 0.25])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_the_rank_correlation_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, np.float64).T
    found = spearman(one[None], other[None])
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert found.spearman is None and found.reason
    else:
        assert found.spearman == pytest.approx(scipy.stats.spearmanr(one, other).statistic)
