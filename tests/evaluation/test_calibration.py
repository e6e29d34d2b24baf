"""Scores as probabilities: against scikit-learn, plain restatements, and scores known to be honest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss

from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Resampling
from affekt.evaluation.calibration import (
    FIGURES,
    brier,
    drawn_figures,
    ece,
    nll,
    reliability,
    risk_coverage,
)

Scores = tuple[NDArray[np.float64], NDArray[np.int64]]


@st.composite
def scored(draw: Any) -> Scores:
    """Scores of up to 40 clips, some equal, and any truth."""
    clips, classes = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    seed, steps = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([4, 1000]))
    random = np.random.default_rng(seed)
    values = random.integers(1, steps + 1, size=(clips, classes)).astype(float)
    return values / values.sum(axis=1, keepdims=True), random.integers(classes, size=clips)


def honest(seed: int, clips: int = 4000, speakers: int = 20) -> tuple[Any, Any, list[str]]:
    """Scores from which the truth was drawn."""
    random = np.random.default_rng(seed)
    scores = random.dirichlet([0.6] * 4, size=clips)
    truth = (random.random((clips, 1)) > scores.cumsum(axis=1)).sum(axis=1)
    return scores, truth, [str(one) for one in random.integers(speakers, size=clips)]


@settings(max_examples=40)
@given(scored())
def test_brier_and_nll_are_scikit_learns(clips: Scores) -> None:
    scores, truth = clips
    labels = list(range(scores.shape[1]))
    expected = brier_score_loss(truth, scores, labels=labels, scale_by_half=False)
    assert brier(scores, truth) == pytest.approx(expected, abs=1e-9)
    assert nll(scores, truth) == pytest.approx(log_loss(truth, scores, labels=labels), abs=1e-9)


@given(scored(), st.integers(1, 12))
def test_ece_is_its_plain_restatement_and_knows_no_order(clips: Scores, bins: int) -> None:
    scores, truth = clips
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    total = 0.0
    members: dict[int, list[int]] = {}
    for clip, one in enumerate(confidence):
        below, equal = (confidence < one).sum(), (confidence == one).sum()
        members.setdefault(int(bins * (below + equal / 2) / len(truth)), []).append(clip)
    for rows in members.values():
        total += len(rows) / len(truth) * abs(right[rows].mean() - confidence[rows].mean())
    assert ece(scores, truth, bins=bins) == pytest.approx(total, abs=1e-9)
    order = np.random.default_rng(0).permutation(len(truth))
    assert ece(scores[order], truth[order], bins=bins) == pytest.approx(total, abs=1e-9)


@given(scored())
def test_bins_of_ece_hold_equally_many_clips_where_none_are_equal(clips: Scores) -> None:
    scores, truth = clips
    scores = scores + 1e-7 * np.arange(len(truth))[:, None] / scores.size
    if len(np.unique(scores.max(axis=1))) < len(truth):
        return
    sizes = reliability(np.minimum(scores, 1), truth, ["a"] * len(truth), bins=4).clips
    assert sum(sizes) == len(truth)
    if len(truth) >= 4:
        assert len(sizes) == 4 and max(sizes) - min(sizes) <= 1


@given(scored())
def test_risk_is_the_error_rate_of_the_surest(clips: Scores) -> None:
    scores, truth = clips
    confidence, wrong = scores.max(axis=1), scores.argmax(axis=1) != truth
    curve = risk_coverage(scores, truth)
    area = 0.0
    for coverage, risk in zip(curve.coverage, curve.risk, strict=True):
        count = round(coverage * len(truth))
        least = np.sort(confidence)[len(truth) - count]
        assert (confidence >= least).sum() == count
        assert risk == pytest.approx(wrong[confidence >= least].mean())
    for one in confidence:
        area += wrong[confidence >= one].mean() / len(truth)
    assert curve.area == pytest.approx(area)
    assert curve.coverage[-1] == 1 and curve.risk[-1] == pytest.approx(wrong.mean())


def test_honest_scores_have_little_error_and_sharpened_ones_much() -> None:
    scores, truth, _ = honest(3)
    assert ece(scores, truth) < 0.03
    sharp = scores**3 / (scores**3).sum(axis=1, keepdims=True)
    assert ece(sharp, truth) > 0.1
    assert nll(sharp, truth) > nll(scores, truth)


def test_a_score_of_nothing_for_the_truth_costs_no_infinity() -> None:
    assert nll([[1.0, 0.0]], [1]) == pytest.approx(-np.log(5e-7))


@pytest.mark.parametrize("figure", FIGURES)
def test_draws_are_those_of_copied_clips(figure: str) -> None:
    scores, truth, speakers = honest(5, clips=300, speakers=6)
    by = Resampling(resamples=20, seed=2)
    found = drawn_figures(scores, truth, speakers, by)
    names = np.array(speakers)
    alone = {"brier": brier, "nll": nll, "aurc": lambda *at: risk_coverage(*at).area}
    for draw, drawn in enumerate(np.random.default_rng(2).integers(6, size=(20, 6))):
        rows = np.concatenate([np.flatnonzero(names == str(one)) for one in drawn])
        if figure in alone:
            expected = alone[figure](scores[rows], truth[rows])
            assert found.draws[figure][draw] == pytest.approx(expected, abs=1e-9)
    if figure == "ece":
        assert found.draws[figure].mean() == pytest.approx(found.values[figure], abs=1e-3)


def test_intervals_hold_their_figures_and_a_change_is_paired() -> None:
    scores, truth, speakers = honest(8, clips=600)
    sharp = scores**2 / (scores**2).sum(axis=1, keepdims=True)
    by = Resampling(resamples=400)
    before, after = (drawn_figures(one, truth, speakers, by) for one in (sharp, scores))
    for interval in before.intervals(by).values():
        assert interval.low is not None and interval.value is not None and interval.high is not None
        assert interval.low < interval.value < interval.high
    change = after.over(before, by)
    assert change["nll"].high is not None and change["nll"].high < 0
    assert change["ece"].value == pytest.approx(ece(scores, truth) - ece(sharp, truth))
    same = before.over(before, by)
    assert all((one.value, one.low, one.high) == (0, 0, 0) for one in same.values())


@settings(max_examples=20)
@given(scored())
def test_bins_of_the_diagram_give_the_ece(clips: Scores) -> None:
    scores, truth = clips
    bins = reliability(scores, truth, [str(one % 3) for one in range(len(truth))], Resampling(resamples=10))
    gaps = [
        count * abs(confidence - (right.value or 0))
        for confidence, right, count in zip(bins.confidence, bins.right, bins.clips, strict=True)
    ]
    assert sum(gaps) / len(truth) == pytest.approx(ece(scores, truth), abs=1e-9)


@pytest.mark.parametrize(
    ("scores", "truth", "problem"),
    [
        ([[0.5, 0.5]], [0, 1], "a class for each clip"),
        ([[2.5, -1.5]], [0], "give probabilities"),
        ([[float("nan"), 0.5]], [0], "give probabilities"),
        ([[0.5, 0.5]], [2], "beyond the 2"),
        ([], [], "a class for each clip"),
    ],
)
def test_what_are_no_scores_is_refused(scores: Any, truth: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        ece(scores, truth)
