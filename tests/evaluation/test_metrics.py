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


@settings(deadline=None)
@given(PAIRS)
def test_metrics_equal_scikit_learn_whichever_classes_are_absent(pairs: list[tuple[str, str]]) -> None:
    truth, predicted = zip(*pairs, strict=True)
    counts = confusion(truth, predicted, LABELS)
    np.testing.assert_array_equal(counts, confusion_matrix(truth, predicted, labels=LABELS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        balanced = balanced_accuracy_score(truth, predicted)
    assert float(wa(counts)) == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
    assert float(uar(counts)) == pytest.approx(balanced, abs=1e-12)
    f1 = f1_score(truth, predicted, average="macro", zero_division=0)
    assert float(macro_f1(counts)) == pytest.approx(f1, abs=1e-12)
    per_class = recall_score(truth, predicted, labels=LABELS, average=None, zero_division=np.nan)
    np.testing.assert_allclose(recalls(counts), per_class, atol=1e-12)


@settings(deadline=None)
@given(PAIRS)
def test_metrics_equal_audmetric_where_every_class_occurs(pairs: list[tuple[str, str]]) -> None:
    truth, predicted = zip(*pairs, *((label, "anger") for label in LABELS), strict=True)
    counts = confusion(truth, predicted, LABELS)
    assert float(wa(counts)) == pytest.approx(audmetric.accuracy(truth, predicted), abs=1e-12)
    assert float(uar(counts)) == pytest.approx(
        audmetric.unweighted_average_recall(truth, predicted, LABELS), abs=1e-12
    )
    assert float(macro_f1(counts)) == pytest.approx(
        audmetric.unweighted_average_fscore(truth, predicted, LABELS), abs=1e-12
    )


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
