"""Labels that are likely wrong: confident learning over scores by networks that never saw the clip.

Northcutt, Jiang & Chuang, *Confident Learning: Estimating Uncertainty in Dataset Labels*, JAIR 70, 2021.
cleanlab, its authors' library, is under the AGPL; the method is a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from affekt.corpora.findings import Finding
from affekt.doctor.giveaway import apart, usable
from affekt.doctor.hearing import Heard
from affekt.doctor.subjects import Subject
from affekt.errors import UsageError
from affekt.evaluation.scored import clip_keys, read_run, score_matrix

if TYPE_CHECKING:
    from affekt.evaluation.scored import ScoredRun

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUICK = "a quick model of band energies"
LEAST_SKILL = 0.35
"""Scores whose uar is less of the way from chance to 1 say nothing about single labels."""
LEAST_MARGIN = 0.5
"""A label is doubted where another class is likelier by this much."""


@dataclass(frozen=True)
class Suspect:
    """A row whose label is doubted: what it is labelled, what it sounds like, and the probability of each."""

    row: int
    label: str
    instead: str
    given: float
    other: float


@dataclass(frozen=True)
class Doubts:
    """The suspects of a corpus, the likeliest first; `source` says whose scores, `uar` how good they are."""

    suspects: tuple[Suspect, ...]
    rows: int
    source: str
    uar: float
    chance: float

    @property
    def skilled(self) -> bool:
        """Whether the scores are good enough to doubt anything."""
        return self.uar - self.chance >= LEAST_SKILL * (1 - self.chance)


def confident_joint(scores: Floats, labels: Ints) -> tuple[Ints, Ints]:
    """Counts [given, likely], and for each clip [clips] the class it is confidently of, -1 where of none.

    A clip is confidently of a class where its score is at least the mean score of that class among the clips
    labelled so; of several such classes, it is of the one with the highest score. `scores` [clips, classes]
    are probabilities by a model that has not seen the clip; `labels` [clips] are positions.
    """
    classes = scores.shape[1]
    thresholds = np.array(
        [scores[labels == one, one].mean() if (labels == one).any() else np.inf for one in range(classes)]
    )
    above = np.where(scores >= thresholds, scores, -1.0)
    likely = np.where(above.max(axis=1) >= 0, above.argmax(axis=1), -1)
    counts = np.zeros((classes, classes), np.int64)
    sure = likely >= 0
    np.add.at(counts, (labels[sure], likely[sure]), 1)
    return counts, likely


def doubts(scores: Floats, labels: Ints, names: tuple[str, ...], rows: list[int], source: str) -> Doubts:
    """The clips off the diagonal of the confident joint, by how much the other class is likelier."""
    _, likely = confident_joint(scores, labels)
    given = scores[np.arange(len(labels)), labels]
    off = np.flatnonzero((likely >= 0) & (likely != labels))
    off = off[scores[off, likely[off]] - given[off] >= LEAST_MARGIN]
    margins = scores[off, likely[off]] - given[off]
    recalls = [float((scores[labels == one].argmax(axis=1) == one).mean()) for one in np.unique(labels)]
    suspects = tuple(
        Suspect(
            rows[at],
            names[labels[at]],
            names[likely[at]],
            round(float(given[at]), 4),
            round(float(scores[at, likely[at]]), 4),
        )
        for at in off[np.argsort(-margins, kind="stable")].tolist()
    )
    return Doubts(suspects, len(labels), source, float(np.mean(recalls)), 1 / len(recalls))


def quick_doubts(subject: Subject, heard: dict[int, Heard], seed: int = 0) -> Doubts | None:
    """By logistic regression on simple features, less a speaker's own mean and spread; None for too few."""
    rows = usable(subject, heard, seed)
    if not rows:
        return None
    from sklearn.linear_model import LogisticRegression

    values = np.stack([heard[at].features for at in rows]).astype(np.float64)
    speakers = np.array([subject.speakers[at] for at in rows])
    names = tuple(sorted({subject.emotions[at] for at in rows}))
    labels = np.array([names.index(subject.emotions[at]) for at in rows])
    for speaker in np.unique(speakers):
        own = speakers == speaker
        values[own] = (values[own] - values[own].mean(axis=0)) / (values[own].std(axis=0) + 1e-6)
    scores = np.zeros((len(rows), len(names)))
    for train, test in apart(speakers, seed):
        # Against the classes' own weight, and mild enough that a wrong label is not learnt by heart.
        model = LogisticRegression(C=0.02, class_weight="balanced", max_iter=300)
        model.fit(values[train], labels[train])
        scores[np.ix_(test, model.classes_)] = model.predict_proba(values[test])
    return doubts(scores, labels, names, rows, QUICK)


def run_doubts(subject: Subject, folder: Path) -> Doubts:
    """By the scores of a cross-validation, from its folder.

    Raises:
        UsageError: no such run, not one of folds, or of other clips.
    """
    run = read_run(folder)
    if run.protocol == "fixed model":
        raise UsageError(
            f"{folder}: scores of one model, which may have learnt these labels; "
            "give a run of `affekt train --protocol`"
        )
    places = {key: at for at, key in enumerate(_keys(subject))}
    found = [(place, at) for at, key in enumerate(_keys_of(run)) if (place := places.get(key)) is not None]
    if not found:
        raise UsageError(f"{folder}: scored none of these clips; give a run on this corpus")
    kept = run.table.iloc[[at for _, at in found]]
    scores, labels = score_matrix(kept, run.labels)
    return doubts(scores, labels, run.labels, [place for place, _ in found], str(folder))


def _keys(subject: Subject) -> list[tuple[str, str, str]]:
    return [key[1:] for key in clip_keys(subject.table)]


def _keys_of(run: ScoredRun) -> list[tuple[str, str, str]]:
    return [key[1:] for key in clip_keys(run.table)]


def examine_doubts(subject: Subject, found: Doubts | None) -> Iterator[Finding]:
    """The suspects as one finding; none where the scores are too poor to doubt anything."""
    if found is None or not found.suspects or not found.skilled:
        return
    first = found.suspects[0]
    message = (
        f"{len(found.suspects)} of {found.rows} labels are doubted by {found.source} (uar {found.uar:.2f}), "
        f"first {subject.files[first.row]}: {first.label} {first.given:.2f}, "
        f"{first.instead} {first.other:.2f}"
    )
    rows = [one.row for one in found.suspects]
    quick = found.source == QUICK
    numbers = {"suspected": len(rows), "of": found.rows, "uar": found.uar}
    yield subject.finding("info" if quick else "warning", "label_suspected", message, rows, numbers)
