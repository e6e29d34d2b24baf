"""Sets of labels: coverage where clips are exchangeable, and what is always in a set."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.errors import UsageError
from affekt.evaluation.label_sets import COVERAGES, label_sets, set_of, threshold


@pytest.mark.parametrize("coverage", [0.6, 0.8, 0.9])
def test_exchangeable_clips_are_covered_as_asked(coverage: float) -> None:
    random = np.random.default_rng(0)
    held = []
    for _ in range(400):
        scores = random.dirichlet([0.4] * 5, size=60)
        sharp = scores**2 / (scores**2).sum(axis=1, keepdims=True)
        truth = (random.random((60, 1)) > scores.cumsum(axis=1)).sum(axis=1)
        least = threshold(sharp[:40], truth[:40], coverage)
        members = sharp[40:] >= least
        held.append(members[np.arange(20), truth[40:]].mean())
        assert (members <= label_sets(sharp[40:], least)).all()
    # Vovk et al.: from the coverage to 1 / (clips + 1) above it.
    assert coverage - 0.015 < np.mean(held) < coverage + 1 / 41 + 0.015


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.sampled_from(COVERAGES))
def test_the_threshold_is_the_rank_of_split_conformal(true_scores: list[float], coverage: float) -> None:
    scores = np.array([[one, 1 - one] for one in true_scores])
    found = threshold(scores, np.zeros(len(scores), int), coverage)
    rank = math.ceil(round((len(scores) + 1) * coverage, 9))
    ordered = sorted(true_scores, reverse=True)
    assert found == (0.0 if rank > len(scores) else ordered[rank - 1])


def test_the_likeliest_label_is_always_in_the_set() -> None:
    assert label_sets([[0.4, 0.35, 0.25]], 0.9).tolist() == [[True, False, False]]
    assert set_of([0.2, 0.5, 0.3], 0.25) == [1, 2]
    assert set_of([0.2, 0.5, 0.3], 0.0) == [1, 2, 0]


def test_more_coverage_needs_larger_sets() -> None:
    random = np.random.default_rng(1)
    scores, truth = random.dirichlet([1] * 4, size=200), random.integers(4, size=200)
    least = [threshold(scores, truth, coverage) for coverage in COVERAGES]
    assert least == sorted(least, reverse=True)


@pytest.mark.parametrize("coverage", [0, 1, 90])
def test_a_coverage_is_a_share(coverage: float) -> None:
    with pytest.raises(UsageError, match="give a share"):
        threshold([[0.5, 0.5]], [0], coverage)
