"""What a run left in its folder, read with suspicion: half of it may be missing, or someone else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from affekt import files
from affekt import recipe as recipes
from affekt.errors import UsageError
from affekt.evaluation.scored import SCORES
from affekt.provenance import RECORD
from affekt.recipe import Recipe

Kind = Literal["cross-validation", "training", "evaluation", "ablation", "comparison", "matrix", "model"]
State = Literal["finished", "running", "stopped"]
History = tuple[Mapping[str, float], ...]
"""A row for each epoch: `epoch`, `train_loss` and what else was measured."""

RECIPE, REPORT, JOURNAL, FOLDS, MODEL = "recipe.yaml", "report.json", "log.jsonl", "folds", "model"
_TABLES: dict[str, Kind] = {
    "ablation.json": "ablation",
    "comparison.json": "comparison",
    "cross.json": "matrix",
}
_MOST_JOURNAL_BYTES = 8 * 2**20


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and what it says of itself.

    Fields:
        record: `run.json`, empty where there is none.
        recipe: None where there is none, or one of another version.
        missing: a sentence for each thing that should be there and is not, or cannot be read.
    """

    path: Path
    kind: Kind
    state: State
    record: Mapping[str, Any]
    recipe: Recipe | None
    missing: tuple[str, ...] = ()

    def said(self, key: str) -> str:
        """A text of the record, `""` where there is none."""
        value = self.record.get(key)
        return str(value) if isinstance(value, str | int | float) else ""

    def corpora(self) -> list[str]:
        """The names of its corpora: `emodb` of `emodb:FOLDER`, `clips` of `clips.csv`, or a folder's own."""
        sources = self.recipe.data if self.recipe else (self.said("data"),)
        parted = [(source, *source.partition(":")) for source in sources if source]
        names = [
            kind if colon and kind not in ("folder", "table") else Path(place or source).stem
            for source, kind, colon, place in parted
        ]
        return list(dict.fromkeys(names))

    def fold(self, name: str) -> Path:
        """The folder of a fold."""
        return self.path / FOLDS / name.replace("/", "-")

    def histories(self) -> dict[str, History]:
        """The epochs of each network, by the name of its fold; of a model alone under `""`."""
        places = {"": self.path / JOURNAL}
        if self.kind == "cross-validation":
            places = {one.parent.name: one for one in sorted(self.path.glob(f"{FOLDS}/*/{JOURNAL}"))}
        found = {name: read_journal(place) for name, place in places.items()}
        return {name: rows for name, rows in found.items() if rows}

    @property
    def model(self) -> Path | None:
        """The model folder that the run left, or that it is."""
        place = self.path if self.kind == "model" else self.path / MODEL
        return place if (place / "config.json").is_file() else None


def open_run(folder: Path | str) -> RunFolder:
    """Reads what a run says of itself.

    Raises:
        UsageError: there is no such folder, or no run in it.
    """
    folder = Path(folder)
    kind = kind_of(folder)
    if kind is None:
        problem = "no run in it" if folder.is_dir() else "no such folder"
        raise UsageError(
            f"{folder}: {problem}; give one of `affekt train`, `evaluate -o`, `compare -o` or `reproduce`"
        )
    missing: list[str] = []
    record = _record(folder / RECORD, kind, missing)
    return RunFolder(
        folder, kind, state_of(folder, kind), record, _recipe(folder, kind, missing), tuple(missing)
    )


def kind_of(folder: Path) -> Kind | None:
    """What kind of run a folder holds; None where it holds none."""
    for name, kind in _TABLES.items():
        if (folder / name).is_file():
            return kind
    if (folder / "MANIFEST.json").is_file() and (folder / "config.json").is_file():
        return "model"
    scored = (folder / SCORES).is_file() and (folder / REPORT).is_file()
    if (folder / RECIPE).is_file():
        return "cross-validation" if scored or (folder / FOLDS).is_dir() else "training"
    return "evaluation" if scored else None


def state_of(folder: Path, kind: Kind) -> State:
    """Whether a run came to its end, or does so at this moment."""
    ends = {"cross-validation": REPORT, "training": f"{MODEL}/config.json"}
    if files.held(folder):
        return "running"
    return "finished" if kind not in ends or (folder / ends[kind]).is_file() else "stopped"


def read_journal(path: Path) -> History:
    """The rows of a `log.jsonl` that are rows of numbers, up to the first that is not."""
    rows = []
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_JOURNAL_BYTES)
        for line in text.splitlines():
            row = files.parse_json(line)
            rows.append({str(key): float(value) for key, value in row.items() if _number(value)})
    except (OSError, ValueError, AttributeError):
        pass
    return tuple(row for row in rows if "epoch" in row)


def _record(path: Path, kind: Kind, missing: list[str]) -> Mapping[str, Any]:
    if kind not in ("cross-validation", "training", "evaluation"):
        return {}
    if not path.is_file():
        missing.append(f"No {RECORD}: the command, the commit and the versions of this run are not known.")
        return {}
    try:
        record = files.read_json(path)
    except UsageError:
        record = None
    if not isinstance(record, dict):
        missing.append(f"{RECORD} cannot be read: command, commit and versions are not known.")
        return {}
    return record


def _recipe(folder: Path, kind: Kind, missing: list[str]) -> Recipe | None:
    path = folder / RECIPE
    if not path.is_file():
        return None
    try:
        return recipes.load(str(path.resolve()))
    except UsageError as error:
        missing.append(f"{RECIPE} cannot be read: {str(error).partition(': ')[2]}.")
        return None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
