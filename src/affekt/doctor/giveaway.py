"""Whether the recording gives the label away: emotions told from loudness, length, silence, format alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.corpora.findings import Finding, Severity
from affekt.doctor.hearing import Heard, Measures
from affekt.doctor.subjects import Subject
from affekt.errors import MissingExtraError
from affekt.evaluation import Interval, cluster_bootstrap, uar

Floats = NDArray[np.float64]

NATURAL = "loudness", "duration", "silence at the ends"
"""What acting itself changes: anger is louder, sadness is slower."""
FORMAT = "format"
ALL = "all of these"
MOST_ROWS = 20_000
"""Rows that are looked at; of more, as many drawn by lot."""
_FOLDS = 5
_LEAST_PER_CLASS = 5


@dataclass(frozen=True)
class GiveAway:
    """How well emotions are told from some measures alone, by speakers never seen.

    `uar` has its interval over speakers; `chance` is one divided by the number of emotions.
    """

    measures: str
    uar: Interval
    chance: float

    @property
    def excess(self) -> float:
        """How far the lower end of the interval is from chance (0) to certainty (1)."""
        low = self.uar.low if self.uar.low is not None else 0.0
        return (low - self.chance) / (1 - self.chance)


def give_aways(subject: Subject, heard: dict[int, Heard], seed: int = 0) -> list[GiveAway]:
    """A random forest on each group of measures and on all, over five folds without common speakers.

    Nothing where there are fewer than two emotions, two speakers, or five clips of each emotion.
    """
    rows = usable(subject, heard, seed)
    if not rows:
        return []
    truth = np.array([subject.emotions[at] for at in rows])
    speakers = np.array([subject.speakers[at] for at in rows])
    columns = _columns([heard[at].measures for at in rows])
    found = []
    for name in (*NATURAL, FORMAT, ALL):
        values = np.concatenate(list(columns.values()), axis=1) if name == ALL else columns[name]
        predicted = _predicted(values, truth, speakers, seed)
        labels = sorted(set(truth))
        interval = cluster_bootstrap(truth, predicted, speakers, labels, uar, seed=seed)
        found.append(GiveAway(name, interval, 1 / len(labels)))
    return found


def usable(subject: Subject, heard: dict[int, Heard], seed: int) -> list[int]:
    """Rows with an emotion that occurs often enough, that were heard; at most `MOST_ROWS` by lot."""
    rows = [at for at in subject.labelled if at in heard]
    names, counts = np.unique([subject.emotions[at] for at in rows], return_counts=True)
    frequent = {str(name) for name, count in zip(names, counts, strict=True) if count >= _LEAST_PER_CLASS}
    rows = [at for at in rows if subject.emotions[at] in frequent]
    if len(frequent) < 2 or len({subject.speakers[at] for at in rows}) < 2:
        return []
    if len(rows) > MOST_ROWS:
        rows = sorted(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False).tolist())
    return rows


def apart(
    speakers: Sequence[str] | NDArray[Any], seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Training and test positions of folds without common speakers."""
    try:
        from sklearn.model_selection import GroupKFold
    except ImportError as error:
        raise MissingExtraError("the corpus check", "train") from error
    groups = np.asarray(speakers)
    count = min(_FOLDS, len(np.unique(groups)))
    yield from GroupKFold(count, shuffle=True, random_state=seed).split(groups, groups=groups)


def _columns(measures: Sequence[Measures]) -> dict[str, Floats]:
    suffixes = sorted({one.suffix for one in measures})
    return {
        "loudness": np.array([[one.level, one.peak] for one in measures]),
        "duration": np.array([[one.seconds] for one in measures]),
        "silence at the ends": np.array([[one.lead, one.tail] for one in measures]),
        FORMAT: np.array(
            [[one.rate, one.channels, suffixes.index(one.suffix), one.width] for one in measures], np.float64
        ),
    }


def _predicted(values: Floats, truth: NDArray[np.str_], speakers: NDArray[np.str_], seed: int) -> list[str]:
    from sklearn.ensemble import RandomForestClassifier

    predicted = np.empty(len(truth), dtype=truth.dtype)
    for train, test in apart(speakers, seed):
        forest = RandomForestClassifier(
            50, max_depth=8, min_samples_leaf=5, class_weight="balanced", random_state=seed, n_jobs=1
        )
        predicted[test] = forest.fit(values[train], truth[train]).predict(values[test])
    return [str(one) for one in predicted]


def examine_give_aways(subject: Subject, found: Sequence[GiveAway]) -> Iterator[Finding]:
    """Measures that tell emotions beyond chance: how grave depends on how well, and on acting."""
    for one in found:
        severity = _severity(one)
        if one.measures == ALL or severity is None or one.uar.value is None:
            continue
        low, high = one.uar.low or 0.0, one.uar.high or 0.0
        message = (
            f"{one.measures} alone tells the emotion with uar {one.uar.value:.2f} "
            f"[{low:.2f}, {high:.2f}], chance {one.chance:.2f}"
        )
        if severity == "info":
            message += "; acting can explain as much"
        numbers = {"uar": one.uar.value, "low": low, "high": high, "chance": one.chance}
        yield subject.finding(severity, "label_given_away", message, numbers=numbers)


def _severity(one: GiveAway) -> Severity | None:
    if one.excess <= 0:
        return None
    if one.measures == FORMAT:
        return "error" if one.excess >= 0.1 else "warning"
    if one.excess >= 0.5:
        return "error"
    return "warning" if one.excess >= 0.3 else "info"
