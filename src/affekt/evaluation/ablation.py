"""Ablations: the same folds and seeds under several conditions, with intervals, and their differences.

A condition's figure is the mean over seeds of the pooled metric. Intervals come from resampling speakers; a
difference is taken on the same draw of speakers, so what makes a speaker hard cancels (see `bootstrap`).
Seeds are averaged within a draw: the interval speaks of new speakers, `seeds` of chance in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Interval, cluster_confusions, percentile_interval, resampled
from affekt.evaluation.metrics import METRICS, Values

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 2000


@dataclass(frozen=True)
class Condition:
    """One cell: each metric with its interval, and `uar` of each seed."""

    name: str
    metrics: Mapping[str, Interval]
    seeds: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """What `condition` has beyond `reference`, as `uar`."""

    condition: str
    reference: str
    uar: Interval


@dataclass(frozen=True)
class Ablation:
    """Conditions on one corpus and their differences; `protocol` stands beside every figure."""

    title: str
    protocol: str
    clips: int
    speakers: int
    conditions: tuple[Condition, ...]
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data in full precision."""
        return {
            "title": self.title,
            "protocol": self.protocol,
            "clips": self.clips,
            "speakers": self.speakers,
            "conditions": [
                {
                    "name": one.name,
                    "seeds": list(one.seeds),
                    **{name: interval.to_json() for name, interval in one.metrics.items()},
                }
                for one in self.conditions
            ],
            "differences": [
                {"condition": one.condition, "reference": one.reference, "uar": one.uar.to_json()}
                for one in self.differences
            ],
        }

    def to_figures(self, prefix: str) -> dict[str, float]:
        """Flat, as benchmarks record them: `PREFIX.CONDITION.uar`, `PREFIX.CONDITION-REFERENCE.uar`."""
        named = {one.name: one.metrics["uar"] for one in self.conditions}
        named |= {f"{one.condition}-{one.reference}": one.uar for one in self.differences}
        return {
            f"{prefix}.{name.replace(' ', '_')}.uar{end}": value
            for name, interval in named.items()
            for end, value in (("", interval.value), (".low", interval.low), (".high", interval.high))
            if value is not None
        }

    def to_markdown(self) -> str:
        """Two tables: the conditions, and what differs between them."""
        from affekt.evaluation._markdown import render_ablation

        return render_ablation(self)


def ablation(
    scored: Mapping[str, Sequence[pd.DataFrame]],
    labels: Sequence[str],
    differences: Sequence[tuple[str, str]],
    *,
    title: str,
    protocol: str,
    seed: int = 0,
) -> Ablation:
    """Compares conditions: name -> one scored table per seed (columns `emotion predicted speaker file`).

    Args:
        scored: every table holds the same clips.
        labels: the emotions compared.
        differences: pairs (condition, reference).

    Raises:
        UsageError: the tables do not hold the same clips, or a name is unknown.
    """
    tables = [table for runs in scored.values() for table in runs]
    clips = [sorted(zip(one["corpus"], one["file"], one["start"].fillna(0), strict=True)) for one in tables]
    if any(one != clips[0] for one in clips):
        raise UsageError(f"{title}: the runs did not score the same clips; run them anew")
    unknown = {name for pair in differences for name in pair} - set(scored)
    if unknown:
        raise UsageError(f"{title}: no condition is named {', '.join(sorted(unknown))}")
    values, draws, seeds = {}, {}, {}
    speakers = 0
    for name, runs in scored.items():
        counts = [
            cluster_confusions(one["emotion"], one["predicted"], one["speaker"], labels) for one in runs
        ]
        speakers = len(counts[0])
        drawn = [resampled(one, resamples=RESAMPLES, seed=seed) for one in counts]
        pooled = np.stack([one.sum(axis=0) for one in counts])
        values[name] = {key: metric(pooled).mean() for key, metric in METRICS.items()}
        draws[name] = {key: _mean([metric(one) for one in drawn]) for key, metric in METRICS.items()}
        seeds[name] = tuple(float(one) for one in METRICS["uar"](pooled))
    conditions = tuple(
        Condition(
            name,
            {key: percentile_interval(values[name][key], draws[name][key], speakers) for key in METRICS},
            seeds[name],
        )
        for name in scored
    )
    gaps = tuple(
        Difference(
            one,
            other,
            percentile_interval(
                values[one]["uar"] - values[other]["uar"], draws[one]["uar"] - draws[other]["uar"], speakers
            ),
        )
        for one, other in differences
    )
    return Ablation(title, protocol, len(tables[0]), speakers, conditions, gaps)


def _mean(draws: Sequence[Values]) -> Values:
    mean: Values = np.mean(np.stack(draws), axis=0)
    return mean
