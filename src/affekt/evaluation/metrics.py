"""Metrics of a classification, all of them from confusion matrices, single or stacked.

A confusion matrix holds counts [true, predicted] in the order of `labels`. Each metric takes [..., C, C] and
answers [...]; a value that is not defined (a recall of a class that never occurs) is NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from affekt.errors import UsageError
from affekt.labels import nearest

Counts: TypeAlias = NDArray[Any]
Values: TypeAlias = NDArray[np.float64]
Metric: TypeAlias = Callable[[Counts], Values]


def confusion(truth: Iterable[str], predicted: Iterable[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Counts [true, predicted] in the order of `labels`; labels are matched by name.

    Raises:
        UsageError: the two differ in length, `labels` is empty or repeats, or a name is not among them.
    """
    rows = positions(truth, labels, "truth")
    columns = positions(predicted, labels, "predicted")
    if len(rows) != len(columns):
        raise UsageError(
            f"truth has {len(rows)} labels, predicted has {len(columns)}; give one each per clip"
        )
    size = len(labels)
    counts = np.bincount(rows * size + columns, minlength=size * size)
    return counts.reshape(size, size).astype(np.int64, copy=False)


def positions(names: Iterable[str], labels: Sequence[str], what: str) -> NDArray[np.int64]:
    """Where each name stands in `labels`; `what` tells in the error which column is meant.

    Raises:
        UsageError: `labels` is empty or repeats, or a name is not among them.
    """
    index = {label: position for position, label in enumerate(labels)}
    if not index or len(index) != len(labels):
        raise UsageError(f"labels {list(labels)}: give at least one, and each once")
    try:
        return np.array([index[name] for name in names], dtype=np.int64)
    except KeyError as error:
        unknown = error.args[0]
        raise UsageError(
            f"{what}: {unknown!r} is not among the labels compared{nearest(str(unknown), labels)}"
        ) from None


def wa(confusion: Counts) -> Values:
    """Weighted accuracy: the share of clips that are right, 0 to 1; NaN without clips."""
    right = np.trace(confusion, axis1=-2, axis2=-1)
    return _ratio(right, confusion.sum(axis=(-2, -1)))


def recalls(confusion: Counts) -> Values:
    """Recall per class [..., C], 0 to 1; NaN for a class that never occurs in the truth."""
    return _ratio(_diagonal(confusion), confusion.sum(axis=-1))


def uar(confusion: Counts) -> Values:
    """Unweighted average recall, 0 to 1: the mean recall over the classes that occur in the truth.

    Equals scikit-learn's `balanced_accuracy_score`; audmetric counts a class that is only predicted as 0.
    """
    return _mean_of_defined(recalls(confusion))


def macro_f1(confusion: Counts) -> Values:
    """Mean F1 over the classes that occur in the truth or in the predictions, 0 to 1.

    F1 = 2 TP / (2 TP + FP + FN). The same classes as scikit-learn's `f1_score(average="macro")`: a class
    that is predicted and never true counts with an F1 of 0.
    """
    size = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return _mean_of_defined(_ratio(2 * _diagonal(confusion), size))


METRICS: dict[str, Metric] = {"wa": wa, "uar": uar, "macro_f1": macro_f1}
"""The metrics of every report, by the name they are printed under."""


def _diagonal(confusion: Counts) -> Counts:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(part: Counts, whole: Counts) -> Values:
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    shares: Values = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return shares


def _mean_of_defined(values: Values) -> Values:
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0).sum(axis=-1), defined.sum(axis=-1))
