"""Intervals that respect speakers: the expanded percentile cluster bootstrap.

Clips of one speaker are not independent: they share a voice, a room, a way to act. Drawing clips one by one
would pretend that they are, and give intervals that are far too narrow. Here whole speakers are drawn with
replacement, as many as there are, and the metric is computed anew on each draw: Davison & Hinkley,
*Bootstrap Methods and their Application* (1997), section 3.8; Field & Welsh, *Bootstrapping clustered data*,
JRSS B 69(3), 2007; used so for speech by Ferrer & Riera, `confidence-intervals`. The interval runs between
quantiles of the draws: Efron & Tibshirani, *An Introduction to the Bootstrap* (1993), chapter 13. With few
speakers the plain quantiles are too narrow (89 to 90 of 100 intervals of 95 % hold the truth for ten
speakers, `benchmarks/bootstrap_coverage.py`), so they are taken further out, as far as Student's t and the
sample variance ask: Hesterberg, *What Teachers Should Know About the Bootstrap*, The American Statistician
69(4), 2015, section 5.3, the expanded percentile interval.

What it does not do: it holds the trained models fixed (no new training per draw), and below about eight
speakers it is still somewhat too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from affekt.errors import UsageError
from affekt.evaluation.metrics import Counts, Metric, Values, positions

_CELLS_PER_BLOCK = 2**22
_SERIES_FREEDOM = 200


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


@dataclass(frozen=True)
class Resampling:
    """How intervals are found: so many draws, by this seed, and the share of truths they are to hold."""

    resamples: int = 2000
    level: float = 0.95
    seed: int = 0

    def draw(self, sums: Counts) -> Values:
        """As `resampled`."""
        return resampled(sums, resamples=self.resamples, seed=self.seed)

    def interval(self, value: ArrayLike, draws: Values, clusters: int) -> Interval:
        """As `percentile_interval`."""
        return percentile_interval(np.asarray(value, np.float64), draws, clusters, level=self.level)


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
    """The metric over all clips, with an interval from resampling `clusters` (speakers).

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
    """The metric of `predicted` minus that of `reference` on the same clips, with its interval.

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


def cluster_sums(values: ArrayLike, clusters: Iterable[str]) -> Values:
    """Per-clip values [N, ...] summed within each cluster [S, ...], clusters in sorted order.

    Raises:
        UsageError: lengths differ, or there are no clips.
    """
    rows = np.asarray(values, np.float64)
    names = np.array([str(name) for name in clusters])
    if not len(rows) == len(names) > 0:
        raise UsageError(f"values has {len(rows)} entries, clusters {len(names)}; give one each per clip")
    unique, cluster = np.unique(names, return_inverse=True)
    sums = np.zeros((len(unique), *rows.shape[1:]))
    np.add.at(sums, cluster, rows)
    return sums


def resampled(sums: Counts, *, resamples: int, seed: int) -> Values:
    """The total of each draw of clusters with replacement: [S, ...] -> [resamples, ...].

    `sums` are confusion matrices or other sums, one for each cluster. Draw r takes the clusters
    `default_rng(seed).integers(S, size=(resamples, S))[r]`.

    Raises:
        UsageError: `resamples` is below 1.
    """
    if resamples < 1:
        raise UsageError(f"resamples is {resamples}; give at least 1")
    clusters = sums.shape[0]
    flat = sums.reshape(clusters, -1).astype(np.float64)
    generator = np.random.default_rng(seed)
    block = max(1, _CELLS_PER_BLOCK // clusters)
    pooled = [
        _times_drawn(generator, min(block, resamples - start), clusters) @ flat
        for start in range(0, resamples, block)
    ]
    return np.concatenate(pooled).reshape(resamples, *sums.shape[1:])


def percentile_interval(value: Values, draws: Values, clusters: int, *, level: float = 0.95) -> Interval:
    """A figure with the expanded quantiles of its draws [resamples]; `clusters` is how many were resampled.

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
    tail = expanded_tail(clusters, level)
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(figure, float(low), float(high))


@cache
def expanded_tail(clusters: int, level: float) -> float:
    """The share of draws below an interval of this level from so many clusters: Hesterberg (2015), 5.3.

    Phi(-t sqrt(n / (n - 1))) with Student's t for n - 1 degrees of freedom; for many, (1 - level) / 2.
    """
    widening = math.sqrt(clusters / (clusters - 1))
    return NormalDist().cdf(-widening * student_t((1 + level) / 2, clusters - 1))


def student_t(probability: float, freedom: int) -> float:
    """The quantile of Student's t at `probability`, 0.5 to below 1, for whole degrees of freedom.

    Found by halving, from the finite sums of Abramowitz & Stegun, 26.7.3 and 26.7.4; beyond 200 degrees, two
    terms of the expansion 26.7.5.
    """
    if freedom > _SERIES_FREEDOM:
        normal = NormalDist().inv_cdf(probability)
        second = (5 * normal**5 + 16 * normal**3 + 3 * normal) / (96 * freedom**2)
        return normal + (normal**3 + normal) / (4 * freedom) + second
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        angle = (low + high) / 2
        low, high = (angle, high) if _inside(angle, freedom) < 2 * probability - 1 else (low, angle)
    return math.sqrt(freedom) * math.tan(low)


def _inside(angle: float, freedom: int) -> float:
    """The probability of |t| < sqrt(freedom) tan(angle)."""
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for power in range(1 + odd, freedom, 2):
        total += term
        term *= power / (power + 1) * math.cos(angle) ** 2
    inner = math.sin(angle) * total
    return (angle + inner) * 2 / math.pi if odd else inner


def _times_drawn(generator: np.random.Generator, draws: int, clusters: int) -> Values:
    """How often each cluster is in each draw [draws, clusters]."""
    drawn = generator.integers(clusters, size=(draws, clusters))
    cells = drawn + clusters * np.arange(draws)[:, None]
    times = np.bincount(cells.ravel(), minlength=draws * clusters)
    return times.reshape(draws, clusters).astype(np.float64)
