"""Folds that were trained one by one, joined: what their recipe is worth on speakers it has not heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from affekt import files
from affekt import recipe as recipes
from affekt.config import Metric
from affekt.errors import UsageError
from affekt.evaluation import Report, restrict_scores, summarise
from affekt.evaluation.bootstrap import Interval
from affekt.evaluation.scored import PREFIX, read_run, score_matrix
from affekt.provenance import RECORD
from affekt.recipe import Recipe
from affekt.training.calibrate import Calibrated, calibrate

if TYPE_CHECKING:
    import pandas as pd

PROTOCOL = "speaker-kfold"


@dataclass(frozen=True)
class HeldOut:
    """Clips of speakers left out, scored over all labels, each by the network that had not heard them.

    Attributes:
        whole: over all corpora and labels; its calibration is cross-fitted over the folds.
        own, every: of each corpus, among the emotions that it has, and among all.
        calibrated: the temperature and thresholds from all of these scores, for a model of the same recipe.
    """

    table: pd.DataFrame
    labels: tuple[str, ...]
    whole: Report
    own: Mapping[str, Report]
    every: Mapping[str, Report]
    calibrated: Calibrated

    def metrics(self) -> dict[str, Metric]:
        """For a model's config and card."""
        found = {}
        for kind, reports in (("", self.own), (".all_emotions", self.every)):
            for corpus, report in reports.items():
                for name in ("uar", "wa"):
                    found[f"{corpus}.{PROTOCOL}{kind}.{name}"] = _metric(report.pooled[name])
        measured = self.whole.calibration
        if measured is not None and measured.after is not None:
            found["ece.before"] = _metric(measured.before.figures["ece"])
            found["ece"] = _metric(measured.after.figures["ece"])
            for one in measured.coverages:
                found[f"coverage.asked_{one.asked * 100:.0f}"] = _metric(one.covered)
        return found

    def sentence(self) -> str:
        """How these figures were found."""
        folds, speakers = self.table["fold"].nunique(), self.table["speaker"].nunique()
        return (
            f"Estimated by {folds} trainings of the same recipe on all corpora together, each without a part "
            f"of the speakers of every corpus: {len(self.table)} clips of {speakers} speakers, each scored "
            "by the network that had not heard its speaker. The model itself has heard all of them. "
            f"`CORPUS.{PROTOCOL}` is among the emotions that the corpus has, `.all_emotions` among all "
            f"{len(self.labels)}. `ece` is after a temperature from the other folds' speakers, and "
            "`coverage.asked_90` how often sets of labels that were asked to hold the truth nine times in "
            "ten did."
        )


def join(folders: Sequence[Path]) -> HeldOut:
    """Joins runs of `train(..., only=FOLD)` with one recipe, whose folds share no speaker.

    Raises:
        UsageError: a folder holds no such run, their recipes or labels differ, or a speaker was tested twice.
    """
    import pandas as pd

    runs = [read_run(one) for one in folders]
    one_recipe(folders)
    labels = runs[0].labels
    for run in runs[1:]:
        if run.labels != labels:
            raise UsageError(f"{run.path}: tells {', '.join(run.labels)} apart, {folders[0]} other labels")
    table = pd.concat([run.table for run in runs], ignore_index=True)
    tested = table.groupby("speaker")["fold"].nunique()
    if (tested > 1).any():
        raise UsageError(f"{tested.index[tested > 1][0]} is tested in two folds; give each fold once")
    title = f"{len(runs)} folds of speakers"

    def report(rows: pd.DataFrame, among: Sequence[str]) -> Report:
        return summarise(rows, among, title=title, protocol=PROTOCOL)

    own, every = {}, {}
    for corpus, rows in table.groupby("corpus"):
        every[str(corpus)] = report(rows, labels)
        own[str(corpus)] = report(*among_own(rows, labels))
    source = f"out-of-fold scores of {title}, all corpora together"
    return HeldOut(table, labels, report(table, labels), own, every, calibrate(table, labels, source))


def one_recipe(folders: Sequence[Path]) -> Recipe:
    """The recipe of all of these runs.

    Raises:
        UsageError: one has no `recipe.yaml`, or another one than the first.
    """
    found = []
    for folder in folders:
        if not (folder / "recipe.yaml").is_file() or not (folder / RECORD).is_file():
            raise UsageError(f"{folder}: no run of `affekt train`; train it first")
        found.append(recipes.load(str(folder / "recipe.yaml")))
        if found[-1].model_dump() != found[0].model_dump():
            raise UsageError(f"{folder}: trained by another recipe than {folders[0]}; train both by one")
    return found[0]


def commits(folders: Sequence[Path]) -> dict[str, str]:
    """What each run was trained at, by its folder's name."""
    return {one.name: str(files.read_json(one / RECORD)["commit"]) for one in folders}


def among_own(rows: pd.DataFrame, labels: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """The rows scored among the emotions that occur in them alone."""
    own = [label for label in labels if (rows["emotion"] == label).any()]
    scores = restrict_scores(score_matrix(rows, labels)[0], labels, own)
    kept = rows.drop(columns=[f"{PREFIX}{label}" for label in labels]).copy()
    kept["predicted"] = [own[at] for at in scores.argmax(1)]
    for at, label in enumerate(own):
        kept[f"{PREFIX}{label}"] = scores[:, at]
    return kept, own


def _metric(interval: Interval) -> Metric:
    assert interval.value is not None
    return Metric(value=interval.value, low=interval.low, high=interval.high)
