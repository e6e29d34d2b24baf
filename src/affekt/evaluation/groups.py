"""Whether a system hears all groups of speakers equally well: `uar` by gender, language and age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affekt.evaluation.bootstrap import Interval, Resampling, cluster_confusions
from affekt.evaluation.metrics import Counts, Values, recalls, uar
from affekt.evaluation.scored import GROUP_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

AGE_BANDS = ((18, "under 18"), (30, "18 to 29"), (45, "30 to 44"), (60, "45 to 59"), (200, "60 and over"))
"""Years below which a speaker is in a band."""

_USUAL = Resampling()


@dataclass(frozen=True)
class GroupFigure:
    """The clips of a group of speakers."""

    name: str
    clips: int
    speakers: int
    uar: Interval

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "clips": self.clips,
            "speakers": self.speakers,
            "uar": self.uar.to_json(),
        }


@dataclass(frozen=True)
class GroupComparison:
    """All groups of one column, and the largest gap: `best` minus `worst`, over the emotions that all have.

    Of more than two groups, the gap is the largest of several, and larger than that of two groups chosen
    beforehand would be; its interval does not know that it was chosen.
    """

    column: str
    groups: tuple[GroupFigure, ...]
    best: str
    worst: str
    gap: Interval
    unknown: int
    """Clips of which the column says nothing."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "column": self.column,
            "groups": [one.to_json() for one in self.groups],
            "best": self.best,
            "worst": self.worst,
            "gap": self.gap.to_json(),
            "unknown": self.unknown,
        }


def compare_groups(
    scored: pd.DataFrame, labels: Sequence[str], by: Resampling = _USUAL
) -> tuple[GroupComparison, ...]:
    """`uar` by each of `GROUP_COLUMNS` that tells clips apart, with intervals over a group's speakers."""
    found = []
    for column in GROUP_COLUMNS:
        if column not in scored:
            continue
        names = np.array(_names(scored[column], column))
        present = set(names.tolist()) - {""}
        bands = [name for _, name in AGE_BANDS if column == "age" and name in present]
        known = bands + sorted(present - set(bands))
        if len(known) > 1:
            found.append(_compare(scored, column, names, known, labels, by))
    return tuple(found)


def age_band(age: object) -> str:
    """The band of an age in years; a text that is no number stands as it is, `""` for what is not known."""
    if age is None or age != age:  # noqa: PLR0124
        return ""
    try:
        years = float(str(age))
    except ValueError:
        return str(age).strip()
    return next((name for below, name in AGE_BANDS if 0 <= years < below), "")


def _names(values: pd.Series[Any], column: str) -> list[str]:
    if column == "age":
        return [age_band(value) for value in values]
    return ["" if value is None or value != value else str(value).strip() for value in values]  # noqa: PLR0124


def _compare(  # noqa: PLR0917
    scored: pd.DataFrame,
    column: str,
    names: NDArray[np.str_],
    known: list[str],
    labels: Sequence[str],
    by: Resampling,
) -> GroupComparison:
    groups, pooled = [], []
    for name in known:
        rows = scored[names == name]
        counts = cluster_confusions(rows["emotion"], rows["predicted"], rows["speaker"], labels)
        pooled.append(counts.sum(axis=0))
        interval = by.interval(uar(pooled[-1]), uar(by.draw(counts)), len(counts))
        groups.append(GroupFigure(name, len(rows), len(counts), interval))
    shared: NDArray[np.bool_] = np.all([total.sum(axis=1) > 0 for total in pooled], axis=0)
    order = np.argsort([_mean_recall(total, shared) for total in pooled], kind="stable")
    best, worst = known[order[-1]], known[order[0]]
    gap = _gap(scored, (names == best, names == worst), labels, shared, by)
    return GroupComparison(column, tuple(groups), best, worst, gap, int((names == "").sum()))


def _gap(
    scored: pd.DataFrame,
    parts: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    labels: Sequence[str],
    shared: NDArray[np.bool_],
    by: Resampling,
) -> Interval:
    """On draws of the speakers of both groups, some of whom may stand in both, such as in two languages."""
    if not shared.any():
        return Interval(None, reason="no emotion that all groups have")
    either = parts[0] | parts[1]
    rows = scored[either]
    everyone = rows["speaker"].astype(str).to_numpy()
    counts = np.zeros((len(np.unique(everyone)), 2, len(labels), len(labels)))
    place = {name: at for at, name in enumerate(np.unique(everyone))}
    for side, part in enumerate(parts):
        own = scored[part]
        speakers = own["speaker"].astype(str)
        found = cluster_confusions(own["emotion"], own["predicted"], speakers, labels)
        counts[[place[name] for name in sorted(set(speakers))], side] = found
    draws = _mean_recall(by.draw(counts), shared)
    value = _mean_recall(counts.sum(axis=0), shared)
    fewest = min(scored["speaker"][part].nunique() for part in parts)
    return by.interval(value[0] - value[1], draws[:, 0] - draws[:, 1], fewest)


def _mean_recall(counts: Counts, shared: NDArray[np.bool_]) -> Values:
    """The mean recall over the `shared` classes [...], NaN where one of them has no clips."""
    if not shared.any():
        return np.zeros(counts.shape[:-2])
    return np.asarray(recalls(counts)[..., shared].mean(axis=-1), np.float64)
