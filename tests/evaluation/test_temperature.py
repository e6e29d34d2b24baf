"""One temperature: found where it is known, and never past all bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from affekt.evaluation.calibration import nll
from affekt.evaluation.temperature import BOUNDS, fit_temperature, tempered
from affekt.model_folder import probabilities


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_tempered_scores_are_those_of_tempered_logits(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, size=(5, 4))
    np.testing.assert_allclose(
        tempered(probabilities(logits, 1), temperature), probabilities(logits, temperature), atol=1e-12
    )


def test_a_class_that_is_no_answer_stays_none() -> None:
    assert tempered([[0.7, 0.3, 0.0]], 3.0)[0, 2] == 0


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 5))
def test_the_temperature_of_the_truth_is_found(seed: int, temperature: float) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, size=(3000, 4))
    true = probabilities(logits, 1)
    truth = (random.random((3000, 1)) > true.cumsum(axis=1)).sum(axis=1)
    found = fit_temperature(probabilities(logits, 1 / temperature), truth)
    assert found == pytest.approx(temperature, rel=0.15)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_it_minimises_the_likelihood(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.dirichlet([0.5] * 3, size=2000)
    truth = np.where(random.random(2000) < 0.6, scores.argmax(axis=1), random.integers(3, size=2000))
    best = minimize_scalar(
        lambda sharpness: nll(tempered(scores, float(np.exp(-sharpness))), truth), bounds=(-3, 3)
    )
    assert fit_temperature(scores, truth) == pytest.approx(np.exp(-best.x), rel=0.03)


def test_a_few_clips_that_are_all_right_do_not_make_scores_certain() -> None:
    scores = np.tile([0.7, 0.2, 0.1], (8, 1))
    found = fit_temperature(scores, [0] * 8)
    assert 0.3 < found < 1
    assert tempered(scores, found).max() < 0.98


def test_it_stays_within_bounds() -> None:
    wrong = fit_temperature(np.tile([0.9, 0.1], (50, 1)), [1] * 50)
    right = fit_temperature(np.tile([0.50001, 0.49999], (5000, 1)), [0] * 5000)
    assert wrong == pytest.approx(BOUNDS[1], rel=1e-6)
    assert right == pytest.approx(BOUNDS[0], rel=1e-6)


def test_the_order_of_the_classes_stays() -> None:
    scores = np.random.default_rng(0).dirichlet([0.5] * 5, size=100)
    assert (tempered(scores, 4.0).argsort(axis=1) == scores.argsort(axis=1)).all()
