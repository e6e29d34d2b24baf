"""What a report says of scores as probabilities: before and after a temperature, and sets of labels.

For each fold the temperature, and the threshold of label sets, come from clips of speakers that stand
neither in what the fold trains on nor in what it tests: its validation speakers where it has some, else the
test clips of the other folds (cross-fitting), each scored by the network that had not heard it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affekt.evaluation.bootstrap import Interval, Resampling, cluster_sums
from affekt.evaluation.calibration import (
    Drawn,
    Places,
    Reliability,
    drawn_figures,
    reliability,
    risk_coverage,
)
from affekt.evaluation.label_sets import label_sets, threshold
from affekt.evaluation.metrics import Values
from affekt.evaluation.scored import score_matrix
from affekt.evaluation.temperature import fit_temperature, tempered

if TYPE_CHECKING:
    import pandas as pd

ASKED = (0.8, 0.9, 0.95)
"""The coverages of label sets that a report measures."""

VALIDATION, CROSS_FITTED = "validation speakers", "cross-fitted"

_CURVE_POINTS = 100
_USUAL = Resampling()


@dataclass(frozen=True)
class Coverage:
    """How often sets of labels that were asked to hold the truth in `asked` of clips did; labels in a set."""

    asked: float
    covered: Interval
    labels: float


@dataclass(frozen=True)
class Scores:
    """One set of scores: `figures` by name (`calibration.FIGURES`), and the curves behind them."""

    figures: Mapping[str, Interval]
    reliability: Reliability
    risk: tuple[tuple[float, float], ...]
    """Points (coverage, risk), at most a hundred."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        bins = zip(self.reliability.confidence, self.reliability.right, self.reliability.clips, strict=True)
        return {
            **{name: interval.to_json() for name, interval in self.figures.items()},
            "reliability": [
                {"confidence": confidence, "right": right.to_json(), "clips": clips}
                for confidence, right, clips in bins
            ],
            "risk_coverage": [list(point) for point in self.risk],
        }


@dataclass(frozen=True)
class Calibration:
    """Scores as they are (`before`), and with the temperature of each fold; `fitted` says on what."""

    before: Scores
    fitted: str
    after: Scores | None = None
    change: Mapping[str, Interval] | None = None
    """Each figure after minus before, on the same draws of speakers."""
    temperatures: Mapping[str, float] | None = None
    coverages: tuple[Coverage, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values in full precision."""
        return {
            "fitted": self.fitted,
            "before": self.before.to_json(),
            "after": self.after.to_json() if self.after else None,
            "change": {name: one.to_json() for name, one in self.change.items()} if self.change else None,
            "temperatures": dict(self.temperatures) if self.temperatures else None,
            "coverage": [
                {"asked": one.asked, **one.covered.to_json(), "labels": one.labels} for one in self.coverages
            ],
        }


def calibration(
    scored: pd.DataFrame,
    labels: Sequence[str],
    by: Resampling = _USUAL,
    held_out: pd.DataFrame | None = None,
    applied: Mapping[str, float] | None = None,
) -> Calibration:
    """Measures the scores of a table (`scored.scored_table`), as they are and calibrated fold by fold.

    Args:
        held_out: a table of the same kind with each fold's validation clips.
        applied: for every fold the temperature that its scores have already, from clips of other speakers:
            `before` is then without it. A second one, from scores whose own came from the clips it is for,
            would undo it.

    Raises:
        UsageError: a score is missing.
    """
    values, truth = score_matrix(scored, labels)
    speakers = scored["speaker"].astype(str).tolist()
    raw = values if applied is None else _without(applied, values, scored["fold"].astype(str).to_numpy())
    before = drawn_figures(raw, truth, speakers, by)
    kept = _scores(raw, truth, speakers, before, by)
    sources, fitted = _sources(scored, held_out)
    if not sources:
        return Calibration(kept, fitted)
    temperatures: dict[str, float] = {}
    calibrated = values.copy()
    members = {asked: np.ones(values.shape, np.bool_) for asked in ASKED}
    for fold, (test, source) in sources.items():
        known, known_truth = score_matrix(source, labels)
        if applied is None:
            temperatures[fold] = fit_temperature(known, known_truth)
            known = tempered(known, temperatures[fold])
            calibrated[test] = tempered(values[test], temperatures[fold])
        else:
            temperatures[fold] = applied[fold]
        for asked in ASKED:
            least = threshold(known, known_truth, asked)
            members[asked][test] = label_sets(calibrated[test], least)
    after = drawn_figures(calibrated, truth, speakers, by)
    return Calibration(
        kept,
        fitted,
        _scores(calibrated, truth, speakers, after, by),
        after.over(before, by),
        temperatures,
        tuple(_coverage(asked, members[asked], truth, speakers, by) for asked in ASKED),
    )


def _without(applied: Mapping[str, float], values: Values, folds: NDArray[np.object_]) -> Values:
    """The scores [clips, classes] before each fold's temperature."""
    raw = values.copy()
    for fold, temperature in applied.items():
        rows = folds == fold
        raw[rows] = tempered(values[rows], 1 / temperature)
    return raw


def _sources(
    scored: pd.DataFrame, held_out: pd.DataFrame | None
) -> tuple[dict[str, tuple[NDArray[np.bool_], pd.DataFrame]], str]:
    """For each fold: which rows it tests, and the rows to calibrate on; none, and why, where one has none."""
    folds, speakers = scored["fold"].astype(str), scored["speaker"].astype(str)
    names = list(dict.fromkeys(folds))
    watched = held_out is not None and set(names) <= set(held_out["fold"].astype(str))
    found = {}
    for name in names:
        test = (folds == name).to_numpy()
        heard = set(speakers[test])
        if watched:
            assert held_out is not None
            source = held_out[held_out["fold"].astype(str) == name]
        else:
            source = scored[~test]
        # Where folds share speakers, a fold's own are left out: nothing is fitted on whom it tests.
        source = source[~source["speaker"].astype(str).isin(heard)]
        if source.empty:
            return {}, "not fitted: no speakers beside those that are tested"
        found[name] = test, source
    return found, VALIDATION if watched else CROSS_FITTED


def _scores(values: Values, truth: Places, speakers: Sequence[str], drawn: Drawn, by: Resampling) -> Scores:
    curve = risk_coverage(values, truth)
    points = np.unique(np.searchsorted(curve.coverage, np.linspace(0, 1, _CURVE_POINTS + 1) - 1e-12))
    risk = tuple((float(curve.coverage[at]), float(curve.risk[at])) for at in points)
    return Scores(drawn.intervals(by), reliability(values, truth, speakers, by), risk)


def _coverage(
    asked: float, members: NDArray[np.bool_], truth: Places, speakers: Sequence[str], by: Resampling
) -> Coverage:
    held = members[np.arange(len(truth)), truth]
    sums = cluster_sums(np.column_stack([held, np.ones(len(held))]), speakers)
    draws = by.draw(sums)
    covered = by.interval(held.mean(), draws[:, 0] / draws[:, 1], len(sums))
    return Coverage(asked, covered, float(members.sum(axis=1).mean()))
