"""Intervals that respect speakers: the percentile cluster bootstrap.

Clips of one speaker are not independent: they share a voice, a room, a way to act. Drawing clips one by one
would pretend that they are, and give intervals that are far too narrow. Here whole speakers are drawn with
replacement, as many as there are, and the metric is computed anew on each draw: Davison & Hinkley,
*Bootstrap Methods and their Application* (1997), section 3.8; Field & Welsh, *Bootstrapping clustered data*,
JRSS B 69(3), 2007; used so for speech by Ferrer & Riera, `confidence-intervals`. The interval runs between
the quantiles of the draws: Efron & Tibshirani, *An Introduction to the Bootstrap* (1993), chapter 13.

What it does not do: it holds the trained models fixed (no new training per draw), and with few speakers
(below about ten) it is somewhat too narrow, as every cluster method is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.errors import UsageError
from affekt.evaluation.metrics import Counts, Metric, Values, positions

_CELLS_PER_BLOCK = 2**22


@dataclass(frozen=True)
class Interval:
    """A figure and the interval around it; what is not defined is None, and `reason` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """`value`, `low`, `high`, and `reason` where there is no interval."""
        plain: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        return plain if self.reason is None else {**plain, "reason": self.reason}


def cluster_bootstrap(
    truth: Iterable[str],
    predicted: Iterable[str],
    clusters: Iterable[str],
    labels: Sequence[str],
    metric: Metric,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The metric over all clips, with a percentile interval from resampling `clusters` (speakers).

    One entry per clip in `truth`, `predicted` and `clusters`. With a single cluster there is nothing to
    resample: the interval is None and `reason` says so. Draws in which the metric is not defined are left
    out.

    Raises:
        UsageError: lengths differ, a label is unknown, or `level` or `resamples` is out of range.
    """
    counts = cluster_confusions(truth, predicted, clusters, labels)
    draws = metric(resampled(counts, resamples=resamples, seed=seed))
    return percentile_interval(metric(counts.sum(axis=0)), draws, len(counts), level=level)


def paired_cluster_bootstrap(  # noqa: PLR0917
    truth: Iterable[str],
    predicted: Iterable[str],
    reference: Iterable[str],
    clusters: Iterable[str],
    labels: Sequence[str],
    metric: Metric,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The metric of `predicted` minus that of `reference` on the same clips, with its percentile interval.

    Both systems are scored on the same draw of speakers, so what makes a speaker hard cancels. An interval
    without 0 says that the two differ for speakers like these. A single cluster has no interval, as in
    `cluster_bootstrap`.

    Raises:
        UsageError: as `cluster_bootstrap`.
    """
    truth, clusters = list(truth), list(clusters)
    system = cluster_confusions(truth, predicted, clusters, labels)
    other = cluster_confusions(truth, reference, clusters, labels)
    value = metric(system.sum(axis=0)) - metric(other.sum(axis=0))
    # The same seed and number of clusters give the same draws: that is the pairing.
    draws = metric(resampled(system, resamples=resamples, seed=seed)) - metric(
        resampled(other, resamples=resamples, seed=seed)
    )
    return percentile_interval(value, draws, len(system), level=level)


def cluster_confusions(
    truth: Iterable[str], predicted: Iterable[str], clusters: Iterable[str], labels: Sequence[str]
) -> NDArray[np.int64]:
    """One confusion matrix per cluster [S, C, C], clusters in sorted order.

    Raises:
        UsageError: lengths differ, there are no clips, or a label is unknown.
    """
    rows, columns = positions(truth, labels, "truth"), positions(predicted, labels, "predicted")
    names = np.array([str(name) for name in clusters])
    if not len(rows) == len(columns) == len(names) > 0:
        raise UsageError(
            f"truth has {len(rows)} entries, predicted {len(columns)}, clusters {len(names)}; "
            "give one each per clip"
        )
    unique, cluster = np.unique(names, return_inverse=True)
    size = len(labels)
    cells = (cluster * size + rows) * size + columns
    return np.bincount(cells, minlength=len(unique) * size * size).reshape(-1, size, size)


def resampled(counts: Counts, *, resamples: int, seed: int) -> Values:
    """The pooled confusion matrix of each draw of clusters with replacement: [S, C, C] -> [resamples, C, C].

    Draw r takes the clusters `default_rng(seed).integers(S, size=(resamples, S))[r]`.

    Raises:
        UsageError: `resamples` is below 1.
    """
    if resamples < 1:
        raise UsageError(f"resamples is {resamples}; give at least 1")
    clusters, size = counts.shape[0], counts.shape[-1]
    flat = counts.reshape(clusters, size * size).astype(np.float64)
    generator = np.random.default_rng(seed)
    block = max(1, _CELLS_PER_BLOCK // clusters)
    pooled = [
        _times_drawn(generator, min(block, resamples - start), clusters) @ flat
        for start in range(0, resamples, block)
    ]
    return np.concatenate(pooled).reshape(resamples, size, size)


def percentile_interval(value: Values, draws: Values, clusters: int, *, level: float = 0.95) -> Interval:
    """A figure with the quantiles of its bootstrap draws [resamples]; `clusters` is how many were resampled.

    Raises:
        UsageError: `level` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; give a share between 0 and 1, such as 0.95")
    figure = float(value)
    if math.isnan(figure):
        return Interval(None, reason="not defined: no such clips")
    if clusters < 2:
        return Interval(figure, reason="one speaker only")
    defined = draws[~np.isnan(draws)]
    if not defined.size:
        return Interval(figure, reason="not defined in any draw")
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(figure, float(low), float(high))


def _times_drawn(generator: np.random.Generator, draws: int, clusters: int) -> Values:
    """How often each cluster is in each draw [draws, clusters]."""
    drawn = generator.integers(clusters, size=(draws, clusters))
    cells = drawn + clusters * np.arange(draws)[:, None]
    times = np.bincount(cells.ravel(), minlength=draws * clusters)
    return times.reshape(draws, clusters).astype(np.float64)
