"""What a system is worth on clips it has not seen: figures, intervals, tables, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Interval, Resampling, cluster_confusions
from affekt.evaluation.calibration_report import Calibration, calibration
from affekt.evaluation.groups import GroupComparison, compare_groups
from affekt.evaluation.metrics import METRICS, Counts, Values, confusion, recalls
from affekt.evaluation.scored import PREFIX

if TYPE_CHECKING:
    import pandas as pd

REQUIRED_COLUMNS = ("fold", "file", "speaker", "corpus", "emotion", "predicted")


@dataclass(frozen=True)
class Spread:
    """Mean over folds and the sample standard deviation between them (None for one fold)."""

    mean: float
    sd: float | None


@dataclass(frozen=True)
class Group:
    """The clips of one fold, speaker or corpus, and how many of them are right."""

    name: str
    clips: int
    speakers: int
    wa: float
    uar: float
    macro_f1: float


@dataclass(frozen=True)
class Baseline:
    """A system that has not listened; None where its expected figure has no closed form."""

    name: str
    wa: float
    uar: float
    macro_f1: float | None


@dataclass(frozen=True)
class Report:
    """Everything that one evaluation found; `protocol` stands beside every figure that is printed."""

    title: str
    protocol: str
    labels: tuple[str, ...]
    clips: int
    speakers: int
    pooled: Mapping[str, Interval]
    """`wa`, `uar`, `macro_f1` over the clips of all folds together."""
    over_folds: Mapping[str, Spread]
    recall: Mapping[str, Interval]
    """Per label; the value is None where the label never occurs in the truth."""
    confusion: tuple[tuple[int, ...], ...]
    """Counts [true, predicted] in the order of `labels`."""
    folds: tuple[Group, ...]
    per_speaker: tuple[Group, ...]
    per_corpus: tuple[Group, ...]
    """Empty where there is one corpus only."""
    baselines: tuple[Baseline, ...]
    resamples: int
    level: float
    seed: int
    calibration: Calibration | None = None
    """None where the scored table has no scores."""
    by_group: tuple[GroupComparison, ...] = ()
    """`uar` by gender, language and age, where the table tells them apart."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values in full precision; what is not defined is null, never NaN."""
        plain = asdict(self)
        plain["pooled"] = {name: interval.to_json() for name, interval in self.pooled.items()}
        plain["recall"] = {name: interval.to_json() for name, interval in self.recall.items()}
        plain["confusion"] = [list(row) for row in self.confusion]
        plain["labels"] = list(self.labels)
        for table in ("folds", "per_speaker", "per_corpus", "baselines"):
            plain[table] = list(plain[table])
        plain["calibration"] = self.calibration.to_json() if self.calibration else None
        plain["by_group"] = [one.to_json() for one in self.by_group]
        return plain

    def to_figures(self, prefix: str) -> dict[str, float]:
        """The pooled metrics flat, as benchmarks record them: `PREFIX.uar`, with `.low` and `.high`."""
        figures: dict[str, float] = {}
        for name, interval in self.pooled.items():
            ends = {"": interval.value, ".low": interval.low, ".high": interval.high}
            figures |= {f"{prefix}.{name}{end}": value for end, value in ends.items() if value is not None}
        return figures

    def to_markdown(self) -> str:
        """The report as Markdown tables, each headed by the protocol."""
        from affekt.evaluation._markdown import render

        return render(self)


def summarise(
    scored: pd.DataFrame,
    labels: Sequence[str],
    *,
    title: str,
    protocol: str,
    seed: int = 0,
    resamples: int = 2000,
    level: float = 0.95,
    held_out: pd.DataFrame | None = None,
    applied: Mapping[str, float] | None = None,
) -> Report:
    """Reports on scored clips, one row per clip and fold.

    `scored` has the columns `fold`, `file`, `speaker` (a key that is unique over corpora, such as
    `emodb/03`), `corpus`, `emotion` (the truth) and `predicted`; others are left alone. `labels` are the
    emotions compared, in the order of the tables. `protocol` names how the folds were made, such as `random
    (speaker-dependent)`. Intervals come from resampling speakers (`affekt.evaluation.bootstrap`). With a
    column `score_LABEL` for every label the scores are measured too, and calibrated fold by fold; `held_out`
    is such a table of each fold's validation clips (`affekt.evaluation.calibration_report`), `applied` the
    temperatures of scores that are calibrated already.

    Raises:
        UsageError: a column is missing or has empty cells, there are no rows, or a label is not among
            `labels`.
    """
    _check(scored)
    by = Resampling(resamples, level, seed)
    counts = cluster_confusions(scored["emotion"], scored["predicted"], scored["speaker"], labels)
    draws = by.draw(counts)
    pooled = counts.sum(axis=0)
    intervals = {
        name: by.interval(metric(pooled), metric(draws), len(counts)) for name, metric in METRICS.items()
    }
    folds = _groups(scored, "fold", labels)
    corpora = _groups(scored, "corpus", labels)
    has_scores = all(f"{PREFIX}{label}" in scored for label in labels)
    return Report(
        title=title,
        protocol=protocol,
        labels=tuple(labels),
        clips=len(scored),
        speakers=len(counts),
        pooled=intervals,
        over_folds={name: _spread([getattr(fold, name) for fold in folds]) for name in METRICS},
        recall=_recall_intervals(counts, draws, labels, by),
        confusion=tuple(tuple(int(cell) for cell in row) for row in pooled),
        folds=folds,
        per_speaker=_groups(scored, "speaker", labels),
        per_corpus=corpora if len(corpora) > 1 else (),
        baselines=_baselines(pooled, labels),
        resamples=resamples,
        level=level,
        seed=seed,
        calibration=calibration(scored, labels, by, held_out, applied) if has_scores else None,
        by_group=compare_groups(scored, labels, by),
    )


def _check(scored: pd.DataFrame) -> None:
    missing = [column for column in REQUIRED_COLUMNS if column not in scored.columns]
    if missing:
        raise UsageError(
            f"scored table: no column {', '.join(missing)}; it needs {', '.join(REQUIRED_COLUMNS)}"
        )
    if scored.empty:
        raise UsageError("scored table: no rows; there is nothing to evaluate")
    for column in REQUIRED_COLUMNS:
        empty = int(scored[column].isna().sum())
        if empty:
            raise UsageError(
                f"scored table: column {column} is empty in {empty} rows; fill it or leave them out"
            )


def _groups(scored: pd.DataFrame, column: str, labels: Sequence[str]) -> tuple[Group, ...]:
    groups = []
    for name, rows in scored.groupby(column, sort=True, observed=True):
        counts = confusion(rows["emotion"], rows["predicted"], labels)
        figures = {metric: float(function(counts)) for metric, function in METRICS.items()}
        groups.append(Group(str(name), len(rows), int(rows["speaker"].nunique()), **figures))
    return tuple(groups)


def _recall_intervals(
    counts: Counts, draws: Values, labels: Sequence[str], by: Resampling
) -> dict[str, Interval]:
    values, drawn = recalls(counts.sum(axis=0)), recalls(draws)
    # A class that one speaker alone acts has the same recall in every draw: width 0 would be a lie.
    speakers: NDArray[np.int64] = (counts.sum(axis=-1) > 0).sum(axis=0)
    return {
        label: by.interval(values[place], drawn[:, place], int(speakers[place]))
        for place, label in enumerate(labels)
    }


def _spread(values: Sequence[float]) -> Spread:
    mean = math.fsum(values) / len(values)
    return Spread(mean, float(np.std(values, ddof=1)) if len(values) > 1 else None)


def _baselines(pooled: Counts, labels: Sequence[str]) -> tuple[Baseline, ...]:
    """A uniform guess (expected figures) and the class that is most frequent in these very clips."""
    guess = 1 / len(labels)
    support = pooled.sum(axis=1)
    most = int(support.argmax())
    majority = np.zeros_like(pooled)
    majority[:, most] = support
    return (
        Baseline(
            f"majority class ({labels[most]})",
            *(float(metric(majority)) for metric in METRICS.values()),
        ),
        Baseline("chance (uniform guess)", guess, guess, None),
    )
