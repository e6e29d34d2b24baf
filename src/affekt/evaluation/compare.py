"""A model on a table whose emotions are not the model's own: what can be compared, and its scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from affekt.errors import UsageError
from affekt.evaluation.metrics import positions


def shared_labels(
    model_labels: Sequence[str], table_labels: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """The labels that both have, those of the model alone, and those of the table alone.

    The first two keep the model's order, the third the table's; a label that the table repeats stands once.
    """
    in_table, in_model = set(table_labels), set(model_labels)
    compared = [label for label in model_labels if label in in_table]
    only_model = [label for label in model_labels if label not in in_table]
    only_table = [label for label in dict.fromkeys(table_labels) if label not in in_model]
    return compared, only_model, only_table


def restrict_scores(
    scores: ArrayLike, model_labels: Sequence[str], compared: Sequence[str]
) -> NDArray[np.float64]:
    """Probabilities [N, C] of a model over the `compared` labels alone [N, len(compared)], each row summing
    to 1.

    A row that gives all compared labels a score of exactly 0 becomes uniform.

    Raises:
        UsageError: the width is not that of `model_labels`, or a compared label is not among them.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 2 or values.shape[1] != len(model_labels):
        raise UsageError(
            f"scores of shape {values.shape}; give [clips, {len(model_labels)}], a column per label"
        )
    if not compared:
        raise UsageError("no label is shared between the model and the table; nothing can be compared")
    kept = values[:, positions(compared, model_labels, "compared")]
    total = kept.sum(axis=1, keepdims=True)
    uniform = np.full(kept.shape, 1 / len(compared))
    renormalised: NDArray[np.float64] = np.divide(kept, total, out=uniform, where=total > 0)
    return renormalised
