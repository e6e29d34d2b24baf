"""A model's labels against a table's: what is compared, and scores over it."""

from __future__ import annotations

import numpy as np
import pytest

from affekt.errors import UsageError
from affekt.evaluation import restrict_scores, shared_labels

MODEL = ["neutral", "anger", "boredom", "fear"]


def test_shared_labels_keep_the_models_order_and_name_what_is_left_out() -> None:
    table = ["fear", "calm", "anger", "fear", "surprise"]
    assert shared_labels(MODEL, table) == (["anger", "fear"], ["neutral", "boredom"], ["calm", "surprise"])


def test_scores_are_taken_by_name_and_renormalised() -> None:
    scores = np.array([[0.5, 0.2, 0.1, 0.2], [0.0, 0.3, 0.1, 0.6]], np.float32)
    kept = restrict_scores(scores, MODEL, ["fear", "anger"])
    np.testing.assert_allclose(kept, [[0.5, 0.5], [2 / 3, 1 / 3]], atol=1e-7)
    assert kept.dtype == np.float64


def test_a_clip_that_scores_nothing_among_the_compared_is_uniform() -> None:
    kept = restrict_scores([[1.0, 0.0, 0.0, 0.0]], MODEL, ["fear", "anger"])
    np.testing.assert_array_equal(kept, [[0.5, 0.5]])


def test_no_clips_are_no_scores() -> None:
    assert restrict_scores(np.zeros((0, 4)), MODEL, ["fear"]).shape == (0, 1)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UsageError, match=r"scores of shape \(1, 3\); give \[clips, 4\]"):
        restrict_scores([[0.2, 0.3, 0.5]], MODEL, ["fear"])
    with pytest.raises(UsageError, match="no label is shared"):
        restrict_scores([[0.25, 0.25, 0.25, 0.25]], MODEL, [])
    with pytest.raises(UsageError, match="compared: 'calm' is not"):
        restrict_scores([[0.25, 0.25, 0.25, 0.25]], MODEL, ["calm"])
