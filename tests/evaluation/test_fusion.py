"""Weights of fusion: shares, cautious with few clips, and blind to whom they are tested on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from affekt.errors import UsageError
from affekt.evaluation.fusion import Weights, cross_fitted, equal_weights, fit_weights

Values = NDArray[np.float64]


def panel(clips: int, skills: list[float], seed: int = 0) -> tuple[Values, NDArray[np.int64]]:
    """Scores of members that see the truth as clearly as their skill says, each with noise of its own."""
    random = np.random.default_rng(seed)
    truth = random.integers(4, size=clips)
    logits = random.normal(size=(len(skills), clips, 4)) + np.array(skills)[:, None, None] * np.eye(4)[truth]
    powers = np.exp(logits)
    return powers / powers.sum(axis=2, keepdims=True), truth


@given(
    clips=st.integers(1, 40),
    skills=st.lists(st.floats(0, 5), min_size=1, max_size=4),
    seed=st.integers(0, 99),
    zeros=st.booleans(),
)
def test_weights_are_shares(clips: int, skills: list[float], seed: int, zeros: bool) -> None:
    scores, truth = panel(clips, skills, seed)
    if zeros:
        scores[..., 3] = 0
    found = fit_weights(scores, truth)
    assert abs(sum(found.shares) - 1) < 1e-9 and min(found.shares) >= 0
    fused = found.apply(scores)
    assert np.isfinite(fused).all()
    assert np.abs(fused.sum(axis=1) - 1).max() < 1e-9
    assert not zeros or (fused[:, 3] == 0).all()


def test_the_better_member_counts_more_and_few_clips_count_little() -> None:
    def counts(clips: int, skills: list[float]) -> float:
        found = fit_weights(*panel(clips, skills))
        first, second = np.array(found.shares) / np.array(found.temperatures)
        return float(first / (first + second))

    # What says nothing is flattened by its temperature, whatever its weight.
    assert counts(2000, [3.0, 0.0]) > 0.9
    assert 0.25 < fit_weights(*panel(4, [3.0, 0.0])).shares[0] < 0.75
    assert counts(2000, [3.0, 1.0]) > counts(2000, [2.0, 1.0]) > 0.5


def test_two_of_a_kind_share_and_a_sum_is_better_than_its_parts() -> None:
    scores, truth = panel(3000, [1.5, 1.5, 1.5])
    found = fit_weights(scores, truth)
    assert max(found.shares) - min(found.shares) < 0.1
    right = [(one.argmax(axis=1) == truth).mean() for one in (*scores, found.apply(scores))]
    assert right[3] > max(right[:3]) + 0.03


def test_equal_weights_are_the_mean_of_logarithms() -> None:
    scores, _ = panel(20, [1.0, 2.0])
    expected = np.sqrt(scores[0] * scores[1])
    assert np.allclose(equal_weights(2).apply(scores), expected / expected.sum(axis=1, keepdims=True))
    assert np.allclose(Weights((1.0, 0.0), (1.0, 1.0)).apply(scores), scores[0])


def test_a_folds_weights_do_not_look_at_whom_it_tests() -> None:
    scores, truth = panel(300, [2.0, 0.5])
    speakers = [f"s{at % 5}" for at in range(300)]
    _, before, _ = cross_fitted(scores, truth, speakers, speakers)
    tested = np.array(speakers) == "s2"
    changed, other = scores.copy(), truth.copy()
    changed[:, tested] = changed[::-1, tested]
    other[tested] = (truth[tested] + 1) % 4
    fused, after, _ = cross_fitted(changed, other, speakers, speakers)
    assert before["s2"] == after["s2"]
    assert all(before[name] != after[name] for name in ("s0", "s1", "s3", "s4"))
    assert np.abs(fused.sum(axis=1) - 1).max() < 1e-9


def test_where_no_other_speakers_are_there_is_nothing_to_fit_on() -> None:
    scores, truth = panel(10, [1.0, 1.0])
    with pytest.raises(UsageError, match="no speakers beside"):
        cross_fitted(scores, truth, ["all"] * 10, ["a", "b"] * 5)
    with pytest.raises(UsageError, match="members, clips, classes"):
        fit_weights(scores[0], truth)
