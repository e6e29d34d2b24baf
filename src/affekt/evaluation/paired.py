"""Systems on the same clips: differences with intervals, and whether chance alone could make them.

The test swaps the two systems within whole speakers: if neither is better, what either said of a speaker
could as well have come from the other. p is the share of such swaps that differ as much as what was found:
Good, *Permutation, Parametric and Bootstrap Tests of Hypotheses* (2005); within clusters, Winkler et al.,
*Multi-level block permutation*, NeuroImage 123, 2015. Over several pairs p is corrected by Holm, *A simple
sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics 6(2), 1979.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Interval, Resampling, cluster_confusions
from affekt.evaluation.metrics import METRICS, Counts, Metric, Values, uar

PERMUTATIONS = 9999
"""Swaps drawn where not all can be tried."""

_EXACT_SPEAKERS = 13
_TINY = 1e-12
_CELLS = 2**22


@dataclass(frozen=True)
class System:
    """One system's figures on the clips compared; `protocol` says how it came to score them."""

    name: str
    protocol: str
    figures: Mapping[str, Interval]


@dataclass(frozen=True)
class Pair:
    """`system` minus `reference`: each figure, and of `uar` the chance of as much if neither were better."""

    system: str
    reference: str
    figures: Mapping[str, Interval]
    p: float | None
    p_holm: float | None
    """Corrected for all pairs that were tested; None where one speaker leaves nothing to swap."""


@dataclass(frozen=True)
class Comparison:
    """Systems on the same clips, best first, and all pairs of them."""

    clips: int
    speakers: int
    labels: tuple[str, ...]
    left_out: int
    """Clips that not all systems scored."""
    systems: tuple[System, ...]
    pairs: tuple[Pair, ...]
    resampling: Resampling

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values in full precision."""
        return {
            "clips": self.clips,
            "speakers": self.speakers,
            "labels": list(self.labels),
            "left_out": self.left_out,
            "level": self.resampling.level,
            "resamples": self.resampling.resamples,
            "seed": self.resampling.seed,
            "systems": [
                {"name": one.name, "protocol": one.protocol, **_plain(one.figures)} for one in self.systems
            ],
            "pairs": [
                {
                    "system": one.system,
                    "reference": one.reference,
                    **_plain(one.figures),
                    "p": one.p,
                    "p_holm": one.p_holm,
                }
                for one in self.pairs
            ],
        }

    def to_markdown(self) -> str:
        """Two tables: the systems, and what differs between them."""
        from affekt.evaluation._markdown import render_comparison

        return render_comparison(self)


def compare_systems(
    truth: Sequence[str],
    speakers: Sequence[str],
    predicted: Mapping[str, tuple[str, Sequence[str]]],
    labels: Sequence[str],
    by: Resampling,
    *,
    left_out: int = 0,
) -> Comparison:
    """Compares systems, name -> (protocol, what it said), on the same clips.

    Raises:
        UsageError: fewer than two systems, or columns of different length.
    """
    if len(predicted) < 2:
        raise UsageError(f"{len(predicted)} system to compare; give two or more")
    counts = {
        name: cluster_confusions(truth, said, speakers, labels) for name, (_, said) in predicted.items()
    }
    draws = {name: by.draw(one) for name, one in counts.items()}
    clusters = len(next(iter(counts.values())))
    systems = [
        System(
            name,
            predicted[name][0],
            {
                key: by.interval(metric(one.sum(axis=0)), metric(draws[name]), clusters)
                for key, metric in METRICS.items()
            },
        )
        for name, one in counts.items()
    ]
    systems.sort(key=lambda one: -(one.figures["uar"].value or 0))
    found = []
    for best, other in combinations([one.name for one in systems], 2):
        figures = {}
        for key, metric in METRICS.items():
            value = metric(counts[best].sum(axis=0)) - metric(counts[other].sum(axis=0))
            figures[key] = by.interval(value, metric(draws[best]) - metric(draws[other]), clusters)
        found.append((best, other, figures, permutation_p(counts[best], counts[other], uar, seed=by.seed)))
    corrected = iter(holm([p for *_, p in found if p is not None]))
    pairs = tuple(
        Pair(best, other, figures, p, None if p is None else next(corrected))
        for best, other, figures, p in found
    )
    return Comparison(len(truth), clusters, tuple(labels), left_out, tuple(systems), pairs, by)


def permutation_p(
    system: Counts, reference: Counts, metric: Metric, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> float | None:
    """The two-sided p of two systems' difference from swapping them within speakers.

    Args:
        system, reference: a confusion matrix for each speaker [S, C, C], speakers in the same order.
        permutations: swaps drawn beside the one found; with up to 13 speakers all are tried instead.

    Returns:
        None for a single speaker, whose swap turns the sign and nothing else.
    """
    speakers = len(system)
    if speakers < 2:
        return None
    exact = speakers <= _EXACT_SPEAKERS
    if exact:
        swaps = (np.arange(2**speakers)[:, None] >> np.arange(speakers)) % 2
    else:
        swaps = np.random.default_rng(seed).integers(2, size=(permutations, speakers))
    change = (reference - system).reshape(speakers, -1).astype(np.float64)
    found = abs(_differences(system, reference, change, np.zeros((1, speakers)), metric)[0])
    block = max(1, _CELLS // change.shape[1])
    drawn = np.concatenate(
        [
            np.abs(_differences(system, reference, change, swaps[at : at + block], metric))
            for at in range(0, len(swaps), block)
        ]
    )
    as_far = int((drawn >= found - _TINY).sum())
    return as_far / len(drawn) if exact else (1 + as_far) / (1 + len(drawn))


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for their number by Holm's step-down method, in the order given."""
    corrected = [0.0] * len(values)
    largest = 0.0
    for rank, at in enumerate(sorted(range(len(values)), key=lambda at: values[at])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[at]))
        corrected[at] = largest
    return corrected


def _differences(
    system: Counts, reference: Counts, change: Values, swaps: NDArray[Any], metric: Metric
) -> Values:
    moved = (swaps @ change).reshape(len(swaps), *system.shape[1:])
    return metric(system.sum(axis=0) + moved) - metric(reference.sum(axis=0) - moved)


def _plain(figures: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: interval.to_json() for name, interval in figures.items()}
