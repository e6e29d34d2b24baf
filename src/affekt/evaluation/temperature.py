"""One number that makes scores honest: the temperature of Guo et al., *On calibration*, ICML 2017.

softmax(logits / T) leaves the order of the classes as it is and moves the confidence of all clips alike.
Logits are known from scores up to a constant for each clip, which the softmax does not see.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from affekt.evaluation.calibration import FLOOR, checked
from affekt.evaluation.metrics import Values

BOUNDS = (0.05, 20.0)
"""The least and largest temperature that fitting gives."""

_HALVINGS = 50


def tempered(scores: ArrayLike, temperature: float) -> Values:
    """Scores [clips, classes] as they would be with logits / `temperature`; those of 0 stay 0."""
    values = np.asarray(scores, np.float64)
    with np.errstate(divide="ignore"):
        return _softmax(np.log(values) / temperature)


def fit_temperature(scores: ArrayLike, truth: ArrayLike) -> float:
    """The temperature, within `BOUNDS`, that makes the truth [clips] likeliest given scores [clips, classes].

    One clip more counts whose emotion is not known: a handful of clips that are all right must not make
    scores certain (so Platt softens his targets, *Probabilistic outputs for support vector machines*, 1999).
    The negative log-likelihood is convex in 1 / temperature; where its slope is 0 is found by halving.

    Raises:
        UsageError: shapes do not fit.
    """
    values, places = checked(scores, truth)
    rows = np.arange(len(places))
    values = values.copy()
    # A class cannot have been impossible where it was the truth: its score was rounded to 0.
    values[rows, places] = np.maximum(values[rows, places], FLOOR)
    possible = values > 0
    logits = np.log(np.where(possible, values, 1))
    known = len(places) / (len(places) + 1)
    unknown = logits.sum(axis=1) / possible.sum(axis=1)
    told = float((known * logits[rows, places] + (1 - known) * unknown).mean())
    low, high = (float(np.log(1 / bound)) for bound in reversed(BOUNDS))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        powers = np.where(possible, np.exp(np.exp(middle) * (logits - logits.max(axis=1, keepdims=True))), 0)
        expected = (powers * logits).sum(axis=1) / powers.sum(axis=1)
        low, high = (middle, high) if expected.mean() < told else (low, middle)
    return float(np.exp(-(low + high) / 2))


def _softmax(logits: Values) -> Values:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)
