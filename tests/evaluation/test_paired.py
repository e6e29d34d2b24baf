"""Comparisons on the same clips: p values that are uniform where neither is better, and Holm's correction."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from affekt.errors import UsageError
from affekt.evaluation import uar, wa
from affekt.evaluation.bootstrap import Resampling
from affekt.evaluation.paired import compare_systems, holm, permutation_p

LABELS = ["anger", "fear", "neutral"]


def counts(generator: np.random.Generator, skill: NDArray[np.float64]) -> NDArray[np.int64]:
    """Confusion matrices of a system that is right on each speaker's clips with this probability."""
    shares = np.where(np.eye(3, dtype=bool), skill[:, None, None], (1 - skill[:, None, None]) / 2)
    return np.asarray(generator.multinomial(np.full((len(skill), 3), 12), shares), np.int64)


def pairs_of_equals(trial: int, speakers: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two systems that are each good at other speakers, and equally good on the whole."""
    generator = np.random.default_rng([trial, speakers])
    skills = generator.beta(3, 2, size=(2, speakers))
    return counts(generator, skills[0]), counts(generator, skills[1])


@pytest.mark.parametrize(("speakers", "permutations"), [(9, 0), (20, 499)])
def test_p_is_uniform_where_neither_system_is_better(speakers: int, permutations: int) -> None:
    found = [
        permutation_p(*pairs_of_equals(trial, speakers), uar, permutations=permutations, seed=trial)
        for trial in range(400)
    ]
    values = np.array([p for p in found if p is not None])
    assert len(values) == 400
    assert stats.kstest(values, "uniform").pvalue > 0.01
    for level in (0.05, 0.2):
        assert (values <= level).mean() < level + 2.5 * np.sqrt(level / 400)


def test_a_better_system_is_found() -> None:
    generator = np.random.default_rng(1)
    good, bad = counts(generator, np.full(15, 0.8)), counts(generator, np.full(15, 0.6))
    p = permutation_p(good, bad, uar)
    assert p is not None and p < 0.001
    assert permutation_p(bad, good, uar) == pytest.approx(p, abs=2e-3)


def test_all_swaps_are_tried_for_few_speakers() -> None:
    system, reference = pairs_of_equals(3, 5)
    found = abs(wa(system.sum(0)) - wa(reference.sum(0)))
    as_far = 0
    for swap in product([False, True], repeat=5):
        mixed = [(b, a) if one else (a, b) for one, a, b in zip(swap, system, reference, strict=True)]
        first, second = np.sum([a for a, _ in mixed], axis=0), np.sum([b for _, b in mixed], axis=0)
        as_far += bool(abs(wa(first) - wa(second)) >= found - 1e-12)
    assert permutation_p(system, reference, wa) == as_far / 32


def test_a_system_is_as_good_as_itself_and_one_speaker_tells_nothing() -> None:
    system, reference = pairs_of_equals(0, 6)
    assert permutation_p(system, system, uar) == 1
    assert permutation_p(system[:1], reference[:1], uar) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_its_plain_restatement(values: list[float]) -> None:
    expected = []
    for one in values:
        steps = [(len(values) - sum(other < p for other in values)) * p for p in values if p <= one]
        # Equal values stand at ranks of their own; the first of them is corrected by most.
        expected.append(min(1.0, max(steps)))
    assert holm(values) == pytest.approx(expected)
    assert all(corrected >= one for corrected, one in zip(holm(values), values, strict=True))


def test_holm_on_figures_worked_out_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_systems_stand_best_first_with_each_pair_once() -> None:
    generator = np.random.default_rng(5)
    truth = generator.choice(LABELS, size=600).tolist()
    speakers = [str(at % 12) for at in range(600)]
    said = {
        name: ("loso", [one if generator.random() < skill else "fear" for one in truth])
        for name, skill in (("bad", 0.4), ("good", 0.9), ("fair", 0.6))
    }
    found = compare_systems(truth, speakers, said, LABELS, Resampling(resamples=200))
    assert [one.name for one in found.systems] == ["good", "fair", "bad"]
    assert [(one.system, one.reference) for one in found.pairs] == [
        ("good", "fair"),
        ("good", "bad"),
        ("fair", "bad"),
    ]
    for pair in found.pairs:
        assert pair.p is not None and pair.p_holm is not None
        assert pair.p <= pair.p_holm <= 3 * pair.p + 1e-12
        assert pair.figures["uar"].low is not None and pair.figures["uar"].low > 0
    values = {one.name: one.figures["uar"].value for one in found.systems}
    assert found.pairs[0].figures["uar"].value == pytest.approx(values["good"] - values["fair"])  # type: ignore[operator]
    text = found.to_markdown()
    assert "| good over fair |" in text and "3 pairs" in text
    assert found.to_json()["pairs"][2]["system"] == "fair"


def test_one_system_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="two or more"):
        compare_systems(["fear"], ["1"], {"a": ("loso", ["fear"])}, LABELS, Resampling())
