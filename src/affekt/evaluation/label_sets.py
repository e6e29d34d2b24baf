"""Sets of labels that hold the true one as often as asked: split conformal prediction.

The set of a clip holds each label whose score reaches a threshold, which is the quantile of the scores that
the true labels of other clips got: Sadinle, Lei & Wasserman, *Least ambiguous set-valued classifiers with
bounded error levels*, JASA 114, 2019 (LAC): on average the smallest sets. The likeliest label always stands
in the set; that can only add to the coverage.

What conformal prediction promises rests on clips that could have come in any order. Clips of one speaker
could not have been anybody's: speakers are exchangeable, clips are not. So for a new speaker the coverage is
right on average over many speakers of both kinds, better or worse for one of them, and a report measures it
on speakers that had no part in the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from affekt.errors import UsageError
from affekt.evaluation.calibration import checked

COVERAGES = tuple(round(0.5 + 0.01 * step, 2) for step in range(50))
"""The coverages that a model folder holds thresholds for: 0.50 to 0.99."""


def threshold(scores: ArrayLike, truth: ArrayLike, coverage: float) -> float:
    """The least score of a label in a set, from scores [clips, classes] and truth [clips] of other speakers.

    It is the k-th largest score of a true label, k = ceil((clips + 1) coverage); with too few clips for that
    it is 0, and sets hold all labels.

    Raises:
        UsageError: shapes do not fit, or `coverage` is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise UsageError(f"coverage {coverage}: give a share between 0 and 1, such as 0.9")
    values, places = checked(scores, truth)
    # Rounded, so that 0.9 of 10 clips are 9 whatever 0.9 is in binary.
    rank = math.ceil(round((len(places) + 1) * coverage, 9))
    if rank > len(places):
        return 0.0
    return float(np.sort(values[np.arange(len(places)), places])[len(places) - rank])


def label_sets(scores: ArrayLike, least: float) -> NDArray[np.bool_]:
    """Which labels are in each clip's set [clips, classes]: scores of `least` or more, and the likeliest."""
    values = np.asarray(scores, np.float64)
    members: NDArray[np.bool_] = values >= least
    members[np.arange(len(values)), values.argmax(axis=1)] = True
    return members


def set_of(scores: Sequence[float], least: float) -> list[int]:
    """The positions of one clip's set, likeliest first."""
    members = label_sets(np.asarray(scores)[None], least)[0]
    return [int(at) for at in np.argsort(-np.asarray(scores), kind="stable") if members[at]]
