"""Metrics against independent implementations, and where they are not defined."""

from __future__ import annotations

import warnings

import audmetric
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, recall_score

from affekt.errors import UsageError
from affekt.evaluation import confusion, macro_f1, recalls, uar, wa

LABELS = ["anger", "fear", "happiness", "neutral", "sadness"]
PAIRS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=60)
RANDOM_CASES = 3000
TOLERANCE = 1e-12


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], list[str], list[str]]:
    """Labels, truth and predictions: some classes in neither, in one alone, or a single class of all."""
    labels = LABELS[: draw(st.integers(1, 5))]
    true, guessed = (draw(st.lists(st.sampled_from(labels), min_size=1, unique=True)) for _ in range(2))
    size = draw(st.integers(1, 40))
    truth = draw(st.lists(st.sampled_from(true), min_size=size, max_size=size))
    predicted = draw(st.lists(st.sampled_from(guessed), min_size=size, max_size=size))
    return labels, truth, predicted


def compare(labels: list[str], truth: list[str], predicted: list[str]) -> None:
    """Ours, scikit-learn's and audmetric's, where these define the same."""
    counts = confusion(truth, predicted, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(counts, confusion_matrix(truth, predicted, labels=labels))
        balanced = balanced_accuracy_score(truth, predicted)
        f1 = f1_score(truth, predicted, average="macro", zero_division=0)
        per_class = recall_score(truth, predicted, labels=labels, average=None, zero_division=np.nan)
    assert abs(float(wa(counts)) - accuracy_score(truth, predicted)) <= TOLERANCE
    assert abs(float(uar(counts)) - balanced) <= TOLERANCE
    assert abs(float(macro_f1(counts)) - f1) <= TOLERANCE
    np.testing.assert_allclose(recalls(counts), per_class, rtol=0, atol=TOLERANCE)
    # audmetric counts a class that is only predicted as a recall of 0, hence the classes of the truth alone;
    # its F-score is of the classes of both, as ours.
    there, either = sorted(set(truth)), sorted({*truth, *predicted})
    assert abs(float(wa(counts)) - audmetric.accuracy(truth, predicted)) <= TOLERANCE
    theirs = audmetric.recall_per_class(truth, predicted, either, zero_division=0)
    assert abs(float(uar(counts)) - sum(theirs[name] for name in there) / len(there)) <= TOLERANCE
    ours = audmetric.unweighted_average_fscore(truth, predicted, either, zero_division=0)
    assert abs(float(macro_f1(counts)) - ours) <= TOLERANCE


@settings(deadline=None, max_examples=200)
@given(cases())
def test_metrics_equal_scikit_learn_and_audmetric_whichever_classes_are_absent(
    case: tuple[list[str], list[str], list[str]],
) -> None:
    compare(*case)


def test_metrics_equal_audmetric_in_thousands_of_random_cases() -> None:
    random = np.random.default_rng(0)
    kinds = set()
    for _ in range(RANDOM_CASES):
        labels = LABELS[: int(random.integers(1, 6))]
        # A draw to a high power leaves few classes, often one, on either side.
        weights = [random.random(len(labels)) ** random.integers(1, 40) for _ in range(2)]
        size = int(random.integers(1, 30))
        truth, predicted = (
            [labels[at] for at in random.choice(len(labels), size, p=part / part.sum())] for part in weights
        )
        counts = confusion(truth, predicted, labels)
        there, either = sorted(set(truth)), sorted({*truth, *predicted})
        recall, f1 = (
            np.array([per_class(truth, predicted, either, zero_division=0)[name] for name in either])
            for per_class in (audmetric.recall_per_class, audmetric.fscore_per_class)
        )
        occur = np.isin(either, there)
        assert abs(float(wa(counts)) - np.mean(np.array(truth) == np.array(predicted))) <= TOLERANCE
        assert abs(float(uar(counts)) - recall[occur].mean()) <= TOLERANCE
        assert abs(float(macro_f1(counts)) - f1.mean()) <= TOLERANCE
        kinds.add((len(there) == 1, len(there) < len(labels), len(either) > len(there)))
    assert len(kinds) == 6, "single classes, absent ones and ones that are only predicted must all occur"


@pytest.mark.parametrize("classes", [1, 2, 7])
def test_tied_scores_are_measured_as_scikit_learn_does(classes: int) -> None:
    """Scores with ties: the label of the highest is the first of them, as in `argmax` everywhere."""
    random = np.random.default_rng(classes)
    scores = random.integers(0, 3, (500, classes)) / 2
    labels = [f"c{at}" for at in range(classes)]
    truth = [labels[at] for at in random.integers(classes, size=500)]
    predicted = [labels[at] for at in scores.argmax(axis=1)]
    if classes > 1:
        assert (np.sort(scores, axis=1)[:, -1] == np.sort(scores, axis=1)[:, -2]).any()
    compare(labels, truth, predicted)


@settings(deadline=None)
@given(PAIRS, st.permutations(LABELS))
def test_the_order_of_the_labels_changes_no_figure(pairs: list[tuple[str, str]], order: list[str]) -> None:
    truth, predicted = zip(*pairs, strict=True)
    counts, other = confusion(truth, predicted, LABELS), confusion(truth, predicted, order)
    for metric in (wa, uar, macro_f1):
        assert float(metric(other)) == pytest.approx(float(metric(counts)), abs=1e-12)


def test_a_stack_is_measured_matrix_by_matrix() -> None:
    stack = np.random.default_rng(3).integers(0, 9, size=(2, 7, 4, 4))
    for metric in (wa, uar, macro_f1, recalls):
        each = [[metric(matrix) for matrix in row] for row in stack]
        np.testing.assert_array_equal(metric(stack), np.array(each))


def test_confusion_reads_true_by_row_and_predicted_by_column() -> None:
    counts = confusion(["fear", "fear", "anger"], ["anger", "anger", "anger"], ["anger", "fear"])
    assert counts.tolist() == [[1, 0], [2, 0]]


def test_a_class_that_never_occurs_has_no_recall_and_does_not_lower_the_uar() -> None:
    counts = confusion(["anger", "fear"], ["anger", "fear"], ["anger", "boredom", "fear"])
    np.testing.assert_array_equal(recalls(counts), [1, np.nan, 1])
    assert float(uar(counts)) == float(macro_f1(counts)) == 1


def test_a_class_that_is_only_predicted_lowers_the_f1_and_not_the_uar() -> None:
    counts = confusion(["anger", "anger"], ["anger", "fear"], ["anger", "fear"])
    assert float(uar(counts)) == 0.5
    assert float(macro_f1(counts)) == pytest.approx((2 / 3 + 0) / 2)


def test_nothing_is_defined_without_clips() -> None:
    counts = confusion([], [], ["anger", "fear"])
    assert np.isnan([wa(counts), uar(counts), macro_f1(counts)]).all()
    assert np.isnan(recalls(counts)).all()


def test_a_single_class_is_measured() -> None:
    counts = confusion(["anger"] * 3, ["anger"] * 3, ["anger"])
    assert float(wa(counts)) == float(uar(counts)) == float(macro_f1(counts)) == 1


def test_a_label_that_is_not_compared_is_named_with_the_nearest_known() -> None:
    with pytest.raises(UsageError, match=r"predicted: 'hapiness' is not .* did you mean 'happiness'\?"):
        confusion(["anger"], ["hapiness"], LABELS)
    with pytest.raises(UsageError, match="truth: nan is not"):
        confusion([float("nan")], ["anger"], LABELS)  # type: ignore[list-item]


@pytest.mark.parametrize("labels", [[], ["anger", "anger"]])
def test_labels_stand_once_each(labels: list[str]) -> None:
    with pytest.raises(UsageError, match="at least one, and each once"):
        confusion(["anger"], ["anger"], labels)


def test_truth_and_predicted_are_of_one_length() -> None:
    with pytest.raises(UsageError, match="truth has 2 labels, predicted has 1"):
        confusion(["anger", "anger"], ["anger"], LABELS)
