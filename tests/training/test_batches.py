"""Batches: every clip once, within bounds, and the same plan for the same seed and epoch."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.training.batches import LENGTH_JITTER, IntArray, fixed_batches, plan_batches

lengths = st.lists(st.floats(0.01, 60), min_size=1, max_size=80)
bounds = st.tuples(st.integers(2, 20), st.floats(1, 200), st.integers(2, 4))
places = st.tuples(st.integers(0, 99), st.integers(0, 99))

Bounds = tuple[int, float, int]
"""Most clips, most seconds and fewest clips of a batch."""


def plan(
    seconds: list[float], rows: IntArray, within: Bounds, place: tuple[int, int] = (0, 0)
) -> list[list[int]]:
    """The plan as plain lists; `place` is (seed, epoch)."""
    clips, limit, least = within
    batches = plan_batches(
        np.array(seconds),
        rows,
        batch_clips=clips,
        batch_seconds=limit,
        seed=place[0],
        epoch=place[1],
        at_least=least,
    )
    return [batch.tolist() for batch in batches]


@settings(max_examples=200, deadline=None)
@given(lengths, bounds, places)
def test_a_plan_covers_each_row_once_within_its_bounds(
    seconds: list[float], within: Bounds, place: tuple[int, int]
) -> None:
    clips, limit, least = within
    rows = np.random.default_rng(place).permutation(len(seconds))[: max(1, len(seconds) * 2 // 3)]
    batches = plan(seconds, rows, within, place)
    assert sorted(row for batch in batches for row in batch) == sorted(rows.tolist())
    for batch in batches:
        assert len(batch) >= least or len(batches) == 1
        # What is left behind the last batch joins it where it is too small to stand alone.
        assert len(batch) <= max(clips, least) + least - 1
        if len(batch) >= 2 * least:
            longest = max(seconds[row] for row in batch)
            assert (len(batch) - least + 1) * longest <= limit * (1 + LENGTH_JITTER)
    assert batches == plan(seconds, np.sort(rows), within, place)


def test_plans_change_with_epoch_and_seed_but_keep_like_lengths_together() -> None:
    seconds = np.linspace(1, 20, 200).tolist()
    rows = np.arange(200)
    plans = [plan(seconds, rows, (10, 1000, 2), (seed, epoch)) for seed in (0, 1) for epoch in (0, 1)]
    assert len({str(one) for one in plans}) == 4
    assert len({str(sorted(map(sorted, one))) for one in plans}) == 4
    for batch in plans[0]:
        assert max(seconds[row] for row in batch) < 1.25 * min(seconds[row] for row in batch) + 1


@settings(max_examples=50, deadline=None)
@given(lengths, st.floats(1, 200))
def test_scoring_takes_every_row_once(seconds: list[float], limit: float) -> None:
    rows = np.flatnonzero(np.arange(len(seconds)) % 3 != 1)
    batches = fixed_batches(np.array(seconds), rows, batch_seconds=limit)
    assert sorted(row for batch in batches for row in batch.tolist()) == rows.tolist()
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(seconds[row] for row in batch.tolist()) <= limit
