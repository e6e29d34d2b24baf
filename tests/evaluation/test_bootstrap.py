"""Intervals over speakers: against the naive loop, on simulated speakers, at the edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from affekt.errors import UsageError
from affekt.evaluation import cluster_bootstrap, macro_f1, paired_cluster_bootstrap, uar, wa
from affekt.evaluation.bootstrap import cluster_confusions, cluster_sums, expanded_tail, resampled, student_t
from affekt.evaluation.metrics import Metric

LABELS = ["anger", "fear", "neutral"]


def clips(seed: int, speakers: int = 6, each: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, predictions and speakers; some speakers are much harder than others."""
    generator = np.random.default_rng(seed)
    speaker = np.repeat(np.arange(speakers), each)
    skill = generator.beta(3, 2, size=speakers)
    truth = generator.choice(LABELS, size=speaker.size)
    right = generator.random(speaker.size) < skill[speaker]
    predicted = np.where(right, truth, generator.choice(LABELS, size=speaker.size))
    return truth, predicted, speaker.astype(str)


def scikit_learn_f1(truth: Any, predicted: Any) -> float:
    return float(f1_score(truth, predicted, average="macro"))


def expanded(clusters: int, level: float) -> list[float]:
    """The two shares between which Hesterberg's expanded percentile interval runs."""
    reach = stats.t.ppf((1 + level) / 2, clusters - 1) * np.sqrt(clusters / (clusters - 1))
    return [float(stats.norm.cdf(-reach)), float(stats.norm.cdf(reach))]


@pytest.mark.parametrize(
    ("metric", "naive"),
    [(wa, accuracy_score), (uar, balanced_accuracy_score), (macro_f1, scikit_learn_f1)],
)
def test_interval_equals_the_naive_loop(metric: Metric, naive: Any) -> None:
    truth, predicted, speaker = clips(seed=1)
    drawn = np.random.default_rng(11).integers(6, size=(150, 6))
    draws = []
    for speakers in drawn:
        rows = np.concatenate([np.flatnonzero(speaker == str(one)) for one in speakers])
        draws.append(naive(truth[rows], predicted[rows]))
    interval = cluster_bootstrap(truth, predicted, speaker, LABELS, metric, resamples=150, level=0.9, seed=11)
    assert interval.value == pytest.approx(naive(truth, predicted), abs=1e-12)
    assert [interval.low, interval.high] == pytest.approx(np.quantile(draws, expanded(6, 0.9)), abs=1e-12)
    assert interval.reason is None


def test_intervals_cover_the_truth_where_drawing_clips_one_by_one_does_not() -> None:
    speakers, each, trials = 10, 40, 150
    expected = 0.6 + 0.4 / 3
    by_speaker = by_clip = 0
    for trial in range(trials):
        truth, predicted, speaker = clips(seed=trial, speakers=speakers, each=each)
        honest = cluster_bootstrap(truth, predicted, speaker, LABELS, wa, resamples=300, seed=trial)
        each_clip = [str(row) for row in range(truth.size)]
        naive = cluster_bootstrap(truth, predicted, each_clip, LABELS, wa, resamples=300, seed=trial)
        assert honest.low is not None and honest.high is not None
        assert naive.low is not None and naive.high is not None
        by_speaker += honest.low <= expected <= honest.high
        by_clip += naive.low <= expected <= naive.high
    assert 0.91 < by_speaker / trials < 0.99
    assert by_clip / trials < 0.75


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 23, 200, 201, 5000])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.9, 0.975, 0.9995])
def test_students_t_is_scipys(freedom: int, probability: float) -> None:
    expected = stats.t.ppf(probability, freedom)
    assert student_t(probability, freedom) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_intervals_reach_further_the_fewer_the_speakers() -> None:
    tails = [expanded_tail(clusters, 0.95) for clusters in (2, 3, 5, 10, 24, 1000)]
    assert tails == sorted(tails)
    assert expanded_tail(100_000, 0.95) == pytest.approx(0.025, abs=1e-5)


@given(st.lists(st.tuples(st.integers(-50, 50), st.sampled_from("abc")), min_size=1, max_size=30))
def test_sums_of_clusters_are_those_of_their_clips(rows: list[tuple[int, str]]) -> None:
    values, names = zip(*rows, strict=True)
    sums = cluster_sums(np.array(values)[:, None], names)
    assert sums[:, 0].tolist() == [
        sum(value for value, name in rows if name == one) for one in sorted(set(names))
    ]


def test_one_speaker_has_a_figure_and_no_interval() -> None:
    truth, predicted, speaker = clips(seed=2, speakers=1)
    interval = cluster_bootstrap(truth, predicted, speaker, LABELS, uar)
    assert interval.value == pytest.approx(balanced_accuracy_score(truth, predicted), abs=1e-12)
    assert (interval.low, interval.high, interval.reason) == (None, None, "one speaker only")
    assert interval.to_json() == {
        "value": interval.value,
        "low": None,
        "high": None,
        "reason": "one speaker only",
    }


def test_a_metric_without_clips_of_its_kind_is_none_with_a_reason() -> None:
    truth, predicted, speaker = clips(seed=2)

    def recall_of_boredom(confusion: np.ndarray) -> np.ndarray:
        return np.full(confusion.shape[:-2], np.nan)

    interval = cluster_bootstrap(truth, predicted, speaker, LABELS, recall_of_boredom)
    assert interval.value is interval.low is interval.high is None
    assert interval.reason == "not defined: no such clips"


def test_the_seed_decides_the_interval_and_the_order_of_the_clips_does_not() -> None:
    truth, predicted, speaker = clips(seed=4)
    order = np.random.default_rng(0).permutation(truth.size)
    first = cluster_bootstrap(truth, predicted, speaker, LABELS, uar, resamples=200, seed=5)
    shuffled = cluster_bootstrap(
        truth[order], predicted[order], speaker[order], LABELS, uar, resamples=200, seed=5
    )
    other = cluster_bootstrap(truth, predicted, speaker, LABELS, uar, resamples=200, seed=6)
    assert first == shuffled
    assert first != other


def test_blocks_of_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = cluster_confusions(*clips(seed=7), LABELS)
    whole = resampled(counts, resamples=50, seed=3)
    monkeypatch.setattr("affekt.evaluation.bootstrap._CELLS_PER_BLOCK", 7 * len(counts))
    np.testing.assert_array_equal(resampled(counts, resamples=50, seed=3), whole)


def test_every_draw_holds_as_many_speakers_as_there_are() -> None:
    truth, predicted, speaker = clips(seed=8, speakers=5, each=10)
    draws = resampled(cluster_confusions(truth, predicted, speaker, LABELS), resamples=40, seed=0)
    np.testing.assert_array_equal(draws.sum(axis=(1, 2)), np.full(40, 50))


def test_the_paired_difference_equals_the_naive_loop() -> None:
    truth, predicted, speaker = clips(seed=1)
    reference = np.where(np.random.default_rng(9).random(truth.size) < 0.3, "fear", predicted)
    drawn = np.random.default_rng(21).integers(6, size=(120, 6))
    draws = []
    for speakers in drawn:
        rows = np.concatenate([np.flatnonzero(speaker == str(one)) for one in speakers])
        draws.append(
            accuracy_score(truth[rows], predicted[rows]) - accuracy_score(truth[rows], reference[rows])
        )
    interval = paired_cluster_bootstrap(
        truth, predicted, reference, speaker, LABELS, wa, resamples=120, seed=21
    )
    expected = accuracy_score(truth, predicted) - accuracy_score(truth, reference)
    assert interval.value == pytest.approx(expected, abs=1e-12)
    assert [interval.low, interval.high] == pytest.approx(np.quantile(draws, expanded(6, 0.95)), abs=1e-12)


def test_a_system_does_not_differ_from_itself() -> None:
    truth, predicted, speaker = clips(seed=1)
    interval = paired_cluster_bootstrap(truth, predicted, predicted, speaker, LABELS, uar, resamples=50)
    assert (interval.value, interval.low, interval.high) == (0, 0, 0)


def test_pairing_narrows_the_interval_of_a_difference() -> None:
    truth, predicted, speaker = clips(seed=3, speakers=12)
    slightly_worse = np.where(np.random.default_rng(1).random(truth.size) < 0.1, "fear", predicted)
    paired = paired_cluster_bootstrap(truth, predicted, slightly_worse, speaker, LABELS, wa)
    alone = cluster_bootstrap(truth, predicted, speaker, LABELS, wa)
    assert paired.low is not None and paired.high is not None
    assert alone.low is not None and alone.high is not None
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)


@pytest.mark.parametrize(("level", "resamples"), [(0, 10), (1, 10), (95, 10), (0.95, 0)])
def test_settings_out_of_range_are_refused(level: float, resamples: int) -> None:
    with pytest.raises(UsageError, match=r"level is|resamples is"):
        cluster_bootstrap(*clips(seed=0), LABELS, wa, level=level, resamples=resamples)


def test_columns_of_different_length_are_refused() -> None:
    truth, predicted, speaker = clips(seed=0)
    with pytest.raises(UsageError, match="clusters 3; give one each per clip"):
        cluster_bootstrap(truth, predicted, speaker[:3], LABELS, wa)
    with pytest.raises(UsageError, match="truth has 0 entries"):
        cluster_bootstrap([], [], [], LABELS, wa)
