"""From scores of speakers that a network has not heard to what its model folder says of calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affekt import recipe as recipes
from affekt.config import CalibrationRecord, Threshold
from affekt.errors import UsageError
from affekt.evaluation.calibration_report import VALIDATION
from affekt.evaluation.label_sets import COVERAGES, threshold
from affekt.evaluation.scored import PREFIX, read_run, score_matrix
from affekt.evaluation.temperature import fit_temperature, tempered
from affekt.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

_SAME = ("task", "system", "network")
_ELSEWHERE = ("data", "labels", "seed", "init_sha256")
"""Keys that need not agree, or that are compared by what came of them."""
_NAMED = 6


@dataclass(frozen=True)
class Calibrated:
    """A temperature, what it rests on, and how the run it came from differs."""

    temperature: float
    record: CalibrationRecord
    differs: tuple[str, ...] = ()

    def line(self) -> str:
        """What was found, for a person."""
        record = self.record
        text = (
            f"calibrated on {record.source}: {record.clips} clips of {record.speakers} speakers, "
            f"temperature {self.temperature:.2f}"
        )
        more = ", ..." if len(self.differs) > _NAMED else ""
        return f"{text}; it differs in {', '.join(self.differs[:_NAMED])}{more}" if self.differs else text


def calibrate(scored: pd.DataFrame, labels: Sequence[str], source: str = VALIDATION) -> Calibrated:
    """Temperature and thresholds from a table (`scored_table`) of clips that no network scored had heard."""
    scores, truth = score_matrix(scored, labels)
    temperature = round(fit_temperature(scores, truth), 6)
    calibrated = tempered(scores, temperature)
    record = CalibrationRecord(
        source="".join(one if one.isprintable() else " " for one in source)[:4000],
        clips=len(scored),
        speakers=int(scored["speaker"].nunique()),
        thresholds=[
            Threshold(coverage=coverage, score=min(1.0, threshold(calibrated, truth, coverage)))
            for coverage in COVERAGES
        ],
    )
    return Calibrated(temperature, record)


def calibrate_from(folder: Path, recipe: Recipe, labels: Sequence[str], corpora: set[str]) -> Calibrated:
    """The same from a cross-validation's folder: every clip scored by a network that had not heard it.

    Args:
        recipe: of the model to calibrate, with its `labels` and the names of its `corpora`.

    Raises:
        UsageError: no such run, one of another kind of network or other labels, or one that tested speakers
            it had heard.
    """
    run = read_run(folder)
    path = folder / "recipe.yaml"
    if not path.is_file():
        raise UsageError(f"{folder}: no recipe.yaml; give a folder that `affekt train --protocol` wrote")
    other = recipes.load(str(path), [])
    if "speaker-dependent" in run.protocol:
        raise UsageError(
            f"{folder}: tested speakers that it had heard ({run.protocol}); give one of --protocol loso"
        )
    if set(run.labels) != set(labels):
        raise UsageError(
            f"{folder}: tells {', '.join(run.labels)} apart, the model {', '.join(labels)}; "
            "give a run with the same labels"
        )
    ours, theirs = (dict(_flat(one.model_dump(mode="json"))) for one in (recipe, other))
    differs = [key for key in sorted(ours | theirs) if ours.get(key) != theirs.get(key)]
    if strange := [key for key in differs if key.partition(".")[0] in _SAME]:
        raise UsageError(
            f"{folder}: another network, {strange[0]} is {theirs.get(strange[0])} where the model's is "
            f"{ours.get(strange[0])}; cross-validate the model's own recipe"
        )
    found = calibrate(run.table, labels, f"out-of-fold scores of {folder.resolve().name} ({run.protocol})")
    told = [key for key in differs if key.partition(".")[0] not in _ELSEWHERE]
    if set(run.table["corpus"]) != corpora:
        told.insert(0, "corpora")
    columns = [f"{PREFIX}{label}" for label in labels]
    if (run.table.groupby("corpus")[columns].max() == 0).any(axis=None):
        told.insert(0, "classes: each corpus's own alone were compared")
    return Calibrated(found.temperature, found.record, tuple(told))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner
