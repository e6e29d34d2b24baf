"""Several systems' scores as one: weighed log-probabilities, weights from speakers that none of them heard.

A fused score is softmax(sum of w_m log(p_m) / T_m), a logarithmic opinion pool (Hinton, *Products of
experts*, ICANN 1999; fitted as Brümmer & van Leeuwen, *On calibration of language recognition scores*,
Odyssey 2006, fuse systems, by logistic regression). Each T_m makes one system honest by itself
(`temperature.py`). The weights are not negative and sum to one; they are drawn towards equal ones as strongly
as `PRIOR_CLIPS` clips would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from affekt.errors import UsageError
from affekt.evaluation.calibration import FLOOR, checked
from affekt.evaluation.metrics import Values
from affekt.evaluation.temperature import fit_temperature, tempered

PRIOR_CLIPS = 20.0
"""As many clips' worth of evidence hold weights near equal ones: clips of a speaker are alike."""

_LEAST = 1e-6


@dataclass(frozen=True)
class Weights:
    """A weight for each member, which sum to one, and the temperature that its scores are divided by."""

    shares: tuple[float, ...]
    temperatures: tuple[float, ...]

    def apply(self, scores: ArrayLike) -> Values:
        """Scores of all members [members, clips, classes] -> [clips, classes]; 0 where any member says 0."""
        logs, possible = _logs(np.asarray(scores, np.float64))
        factors = np.array(self.shares) / np.array(self.temperatures)
        return _softmax(np.tensordot(factors, logs, axes=1), possible)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"weights": list(self.shares), "temperatures": list(self.temperatures)}


def equal_weights(members: int) -> Weights:
    """The mean of all members' log-probabilities as they are: nothing is fitted."""
    return Weights((1 / members,) * members, (1.0,) * members)


def fit_weights(scores: ArrayLike, truth: ArrayLike) -> Weights:
    """The weights that make the truth [clips] likeliest, given scores [members, clips, classes].

    Each member's temperature is fitted first; then weights and how sharp their sum is, together, by the
    negative log-likelihood with the prior `PRIOR_CLIPS`, and one more clip whose emotion is not known.

    Raises:
        UsageError: shapes do not fit.
    """
    from scipy.optimize import minimize

    values = np.asarray(scores, np.float64)
    places = np.asarray(truth, np.int64)
    if values.ndim != 3 or not len(values):
        raise UsageError(f"scores {values.shape}; give [members, clips, classes]")
    members, clips = len(values), values.shape[1]
    rows = np.arange(clips)
    values = np.stack([checked(one, places)[0] for one in values])
    # A class cannot have been impossible where it was the truth: its score was rounded to 0.
    values[:, rows, places] = np.maximum(values[:, rows, places], FLOOR)
    temperatures = tuple(round(fit_temperature(one, places), 6) for one in values)
    logs, possible = _logs(np.stack([tempered(*pair) for pair in zip(values, temperatures, strict=True)]))
    unknown = (logs * possible).sum(axis=2) / possible.sum(axis=1)
    told = logs[:, rows, places].sum(axis=1) + unknown.mean(axis=1)

    def loss(factors: Values) -> tuple[float, Values]:
        summed = np.tensordot(factors, logs, axes=1)
        found = _softmax(summed, possible)
        total = np.where(possible, summed, -np.inf)
        partition = np.logaddexp.reduce(total, axis=1).sum() * (1 + 1 / clips)
        expected = (logs * found).sum(axis=(1, 2)) * (1 + 1 / clips)
        pull = PRIOR_CLIPS / members
        prior = -pull * np.log(members * factors / factors.sum()).sum()
        slope = pull * (members / factors.sum() - 1 / factors)
        return float(partition - factors @ told + prior), expected - told + slope

    start = np.full(members, 1 / members)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(_LEAST, 20.0)] * members).x
    shares = best / best.sum()
    return Weights(tuple(float(one) for one in shares), temperatures)


def cross_fitted(
    scores: ArrayLike, truth: ArrayLike, folds: Sequence[str], speakers: Sequence[str]
) -> tuple[Values, dict[str, Weights], dict[str, float]]:
    """Fused scores of all clips, each fold's with weights from clips of speakers that it does not test.

    Returns:
        [clips, classes], calibrated by a temperature from the same clips as the weights; for each fold the
        weights, and that temperature.

    Raises:
        UsageError: no speakers are left to fit on.
    """
    values, places = np.asarray(scores, np.float64), np.asarray(truth, np.int64)
    fold_of, speaker_of = np.array(folds), np.array(speakers)
    fused = np.empty(values.shape[1:])
    found: dict[str, Weights] = {}
    temperatures: dict[str, float] = {}
    for fold in dict.fromkeys(fold_of.tolist()):
        test = fold_of == fold
        others = ~np.isin(speaker_of, speaker_of[test])
        if not others.any():
            raise UsageError(
                f"fold {fold}: no speakers beside those that it tests, to fit weights on; take equal ones"
            )
        found[fold] = fit_weights(values[:, others], places[others])
        temperatures[fold] = fit_temperature(found[fold].apply(values[:, others]), places[others])
        fused[test] = tempered(found[fold].apply(values[:, test]), temperatures[fold])
    return fused, found, temperatures


def _logs(values: Values) -> tuple[Values, NDArray[np.bool_]]:
    """Logarithms, 0 where there is none, and which classes [clips, classes] no member excludes."""
    positive = values > 0
    return np.log(np.where(positive, values, 1)), np.asarray(positive.all(axis=0), np.bool_)


def _softmax(logits: Values, possible: NDArray[np.bool_]) -> Values:
    kept = np.where(possible, logits, -np.inf)
    powers = np.exp(kept - kept.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)
