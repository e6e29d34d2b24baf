"""How far scores can be taken at their word: `ece`, `brier`, `nll`, and what is won by staying silent.

Scores are probabilities [clips, classes], truth the position of each clip's class [clips]. The confidence of
a clip is its largest score. Intervals come from resampling speakers (`affekt.evaluation.bootstrap`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Interval, Resampling, cluster_sums
from affekt.evaluation.metrics import Values

BINS = 10
"""Bins of `ece`; each has the same number of clips."""

FLOOR = 5e-7
"""Scores below it count as it in `nll`: a table with six digits cannot say less, and none costs infinity."""

FIGURES = ("ece", "brier", "nll", "aurc")
"""The names under which reports print what this module measures; of all of them less is better."""

_CELLS = 2**22
_USUAL = Resampling()

Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Reliability:
    """Clips in bins of like confidence, least confident first: mean confidence, share right, clips [bins]."""

    confidence: tuple[float, ...]
    right: tuple[Interval, ...]
    clips: tuple[int, ...]


@dataclass(frozen=True)
class RiskCoverage:
    """The share of errors (`risk`) among the most confident clips, by how many are answered (`coverage`)."""

    coverage: Values
    risk: Values
    area: float


def ece(scores: ArrayLike, truth: ArrayLike, *, bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1: how far confidence is from the share that is right, over bins.

    Bins hold equally many clips (Nguyen & O'Connor, EMNLP 2015; Nixon et al., *Measuring calibration in deep
    learning*, 2019); clips of equal confidence share a bin, so that their order cannot matter. Noise adds to
    it: with few clips in a bin even perfect scores do not reach 0.

    Raises:
        UsageError: shapes do not fit, or `bins` is below 1.
    """
    values, places = checked(scores, truth)
    confidence, right = _answers(values, places)
    gaps = np.bincount(_bins(confidence, bins), weights=confidence - right)
    return float(np.abs(gaps).sum() / len(places))


def brier(scores: ArrayLike, truth: ArrayLike) -> float:
    """Mean squared distance of the scores from the truth, summed over classes, 0 to 2 (Brier, 1950)."""
    return float(_brier_of_clips(*checked(scores, truth)).mean())


def nll(scores: ArrayLike, truth: ArrayLike) -> float:
    """Mean negative log-likelihood of the truth in nats; a score counts as `FLOOR` at least."""
    return float(_nll_of_clips(*checked(scores, truth)).mean())


def risk_coverage(scores: ArrayLike, truth: ArrayLike) -> RiskCoverage:
    """Errors by how many clips are answered, most confident first (El-Yaniv & Wiener, JMLR 11, 2010).

    A point for each different confidence. The area is the mean risk over the clips in this order (Geifman &
    El-Yaniv, NeurIPS 2017); clips of equal confidence are answered together.
    """
    confidence, right = _answers(*checked(scores, truth))
    group = _groups(confidence)
    clips = np.bincount(group).astype(np.float64)
    errors = np.bincount(group, weights=1 - right)
    risk = np.cumsum(errors) / np.cumsum(clips)
    coverage = np.cumsum(clips) / clips.sum()
    return RiskCoverage(coverage, risk, float((clips * risk).sum() / clips.sum()))


def reliability(
    scores: ArrayLike,
    truth: ArrayLike,
    clusters: Iterable[str],
    by: Resampling = _USUAL,
    *,
    bins: int = BINS,
) -> Reliability:
    """The bins of `ece`, each with the share of its clips that is right and an interval over speakers."""
    values, places = checked(scores, truth)
    confidence, right = _answers(values, places)
    one_hot = np.eye(bins)[_bins(confidence, bins)]
    sums = cluster_sums(np.stack([one_hot, one_hot * right[:, None]], axis=1), clusters)
    sums = sums[..., sums.sum(axis=(0, 1)) > 0]
    total, draws = sums.sum(axis=0), by.draw(sums)
    with np.errstate(invalid="ignore"):
        drawn = draws[:, 1] / draws[:, 0]
    speakers = (sums[:, 0] > 0).sum(axis=0)
    means = np.bincount(_bins(confidence, bins), weights=confidence, minlength=bins)
    means = means[one_hot.sum(axis=0) > 0] / total[0]
    return Reliability(
        tuple(means.tolist()),
        tuple(
            by.interval(total[1, at] / total[0, at], drawn[:, at], int(speakers[at]))
            for at in range(sums.shape[-1])
        ),
        tuple(total[0].astype(int).tolist()),
    )


@dataclass(frozen=True)
class Drawn:
    """Each of `FIGURES` over all clips, and in each draw of speakers [resamples]."""

    values: Mapping[str, float]
    draws: Mapping[str, Values]
    clusters: int

    def intervals(self, by: Resampling) -> dict[str, Interval]:
        """Each figure with its interval."""
        return {name: by.interval(self.values[name], self.draws[name], self.clusters) for name in FIGURES}

    def over(self, other: Drawn, by: Resampling) -> dict[str, Interval]:
        """Each figure minus the other's, on the same draws: what makes a speaker hard cancels."""
        return {
            name: by.interval(
                self.values[name] - other.values[name], self.draws[name] - other.draws[name], self.clusters
            )
            for name in FIGURES
        }


def drawn_figures(
    scores: ArrayLike, truth: ArrayLike, clusters: Iterable[str], by: Resampling = _USUAL
) -> Drawn:
    """All `FIGURES` in draws of whole speakers; the same seed and speakers give the same draws.

    Bins are those of all clips. Noise adds to `ece`, and once more in each draw: its draws are moved by the
    mean of what that adds, and no further than to 0.

    Raises:
        UsageError: shapes do not fit, or `resamples` is below 1.
    """
    values, places = checked(scores, truth)
    names = [str(one) for one in clusters]
    confidence, right = _answers(values, places)
    gaps = np.eye(BINS)[_bins(confidence, BINS)] * (confidence - right)[:, None]
    columns = [np.ones(len(places)), _brier_of_clips(values, places), _nll_of_clips(values, places)]
    sums = cluster_sums(np.column_stack([*columns, gaps]), names)
    draws = by.draw(sums)
    found = {"ece": ece(values, places), "brier": brier(values, places), "nll": nll(values, places)}
    error = np.abs(draws[:, 3:]).sum(axis=1) / draws[:, 0]
    drawn = {
        "ece": np.maximum(error - error.mean() + found["ece"], 0),
        "brier": draws[:, 1] / draws[:, 0],
        "nll": draws[:, 2] / draws[:, 0],
        "aurc": _area_draws(confidence, right, names, by),
    }
    return Drawn(found | {"aurc": risk_coverage(values, places).area}, drawn, len(sums))


def checked(scores: ArrayLike, truth: ArrayLike) -> tuple[Values, Places]:
    """Scores [clips, classes] and truth [clips] as arrays that fit each other.

    Raises:
        UsageError: they do not, there are no clips, or a score is not from 0 to 1.
    """
    values, places = np.asarray(scores, np.float64), np.asarray(truth, np.int64)
    if values.ndim != 2 or places.shape != values.shape[:1] or not values.size:
        raise UsageError(
            f"scores {values.shape}, truth {places.shape}; give [clips, classes] and a class for each clip"
        )
    if not (values >= 0).all() or not (values <= 1 + 1e-6).all():
        raise UsageError("scores: not all are from 0 to 1; give probabilities, not logits")
    if places.min() < 0 or places.max() >= values.shape[1]:
        raise UsageError(f"truth: a class beyond the {values.shape[1]} that have scores")
    return values, places


def _answers(values: Values, places: Places) -> tuple[Values, Values]:
    """Confidence, and 1.0 where the likeliest class is right: [clips] each."""
    return values.max(axis=1), (values.argmax(axis=1) == places).astype(np.float64)


def _bins(confidence: Values, bins: int) -> Places:
    if bins < 1:
        raise UsageError(f"bins is {bins}; give at least 1")
    _, group, clips = np.unique(confidence, return_inverse=True, return_counts=True)
    middle = (np.cumsum(clips) - clips / 2) / len(confidence)
    return np.asarray(bins * middle, np.int64)[group]


def _groups(confidence: Values) -> Places:
    """Clips of equal confidence share a number, 0 for the most confident."""
    return np.asarray(np.unique(-confidence, return_inverse=True)[1], np.int64)


def _brier_of_clips(values: Values, places: Places) -> Values:
    return np.asarray(((values - np.eye(values.shape[1])[places]) ** 2).sum(axis=1), np.float64)


def _nll_of_clips(values: Values, places: Places) -> Values:
    return np.asarray(-np.log(np.maximum(values[np.arange(len(places)), places], FLOOR)), np.float64)


def _area_draws(confidence: Values, right: Values, names: list[str], by: Resampling) -> Values:
    order = np.argsort(-confidence, kind="stable")
    unique, cluster = np.unique(np.array(names), return_inverse=True)
    starts = np.flatnonzero(np.diff(_groups(confidence)[order], prepend=-1))
    wrong, areas = 1 - right[order], []
    for block in np.array_split(by.draw(np.eye(len(unique))), 1 + by.resamples * len(order) // _CELLS):
        weights = block[:, cluster[order]]
        clips = np.add.reduceat(weights, starts, axis=1)
        errors = np.add.reduceat(weights * wrong, starts, axis=1)
        risk = np.cumsum(errors, axis=1) / np.maximum(np.cumsum(clips, axis=1), 1)
        areas.append((clips * risk).sum(axis=1) / clips.sum(axis=1))
    return np.concatenate(areas)
