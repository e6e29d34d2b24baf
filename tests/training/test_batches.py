"""Batches: every clip once, within bounds, and the same plan for the same seed and epoch."""

from __future__ import annotations

from typing import Literal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.training.batches import (
    LENGTH_JITTER,
    IntArray,
    fixed_batches,
    limited,
    plan_balanced,
    plan_batches,
)

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


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=4, max_size=90),
    st.one_of(st.none(), st.integers(2, 4)),
    bounds,
    places,
)
def test_balanced_batches_hold_equally_many_of_each_kind(
    drawn: list[int], together: int | None, within: Bounds, place: tuple[int, int]
) -> None:
    kinds, seconds = np.array(drawn), np.random.default_rng(place).uniform(0.2, 9, len(drawn))
    clips, limit, least = within

    def planned(rows: IntArray) -> list[list[int]]:
        batches = plan_balanced(
            seconds,
            rows,
            kinds,
            batch_clips=clips,
            batch_seconds=limit,
            seed=place[0],
            epoch=place[1],
            at_least=least,
            together=together,
        )
        return [batch.tolist() for batch in batches]

    rows = np.arange(len(drawn))
    batches = planned(rows)
    present = set(drawn)
    for batch in batches:
        counts = np.bincount(kinds[batch])
        assert len(set(counts[counts > 0])) == 1 and counts.max() >= 2
        assert len(batch) >= least
        assert (counts > 0).sum() == len(present) or (
            together is not None and (counts > 0).sum() >= min(2, together)
        )
    used = [row for batch in batches for row in batch]
    totals = np.bincount(kinds[used], minlength=5)[sorted(present)]
    assert len(set(totals)) == 1
    rarest = [kind for kind in present if drawn.count(kind) <= totals[0]]
    assert {row for row in used if kinds[row] in rarest} == {
        row for row in rows.tolist() if kinds[row] in rarest
    }
    assert batches == planned(rows[::-1])


def test_balanced_batches_change_with_the_epoch_and_stay_in_their_bounds() -> None:
    kinds = np.repeat([0, 1, 2], [100, 20, 60])
    seconds = np.random.default_rng(0).uniform(1, 4, 180)
    plans = [
        plan_balanced(seconds, np.arange(180), kinds, batch_clips=12, batch_seconds=30, seed=0, epoch=epoch)
        for epoch in range(20)
    ]
    assert len({str(one) for one in plans}) == 20
    for one in plans[0]:
        assert len(one) <= 12 + 3 and len(one) * seconds[one].max() <= 30 * (1 + LENGTH_JITTER) + 3 * 4
    assert {int(row) for one in plans for batch in one for row in batch} == set(range(180))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=60), st.integers(2, 20), places)
def test_an_epoch_hears_a_limited_part_of_a_large_corpus_and_another_one_next_time(
    table: list[int], limit: int, place: tuple[int, int]
) -> None:
    corpora, rows = np.array(table), np.arange(len(table))
    sizes = np.bincount(corpora)

    def parts(most: int | Literal["smallest"], epoch: int) -> list[int]:
        return [int(row) for row in limited(rows, corpora, most, seed=place[0], epoch=epoch)]

    found = parts(limit, place[1])
    assert len(set(found)) == len(found)
    np.testing.assert_array_equal(np.bincount(corpora[found]), np.minimum(sizes, limit))
    assert found == parts(limit, place[1])
    assert set(np.bincount(corpora[parts("smallest", 0)])) <= {0, sizes[sizes > 0].min()}
    if sizes.max() > limit:
        assert len({str(sorted(parts(limit, epoch))) for epoch in range(30)}) > 1
