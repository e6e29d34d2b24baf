"""Which runs lie below a folder, and how right each is."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from affekt import files
from affekt.errors import AffektError, UsageError
from affekt.evaluation.scored import SCORES
from affekt.labels import nearest
from affekt.provenance import RECORD
from affekt.run_folder import RECIPE, REPORT, RunFolder, kind_of, open_run
from affekt.tracking import trackers
from affekt.verbs.telling import tell

COLUMNS = (
    "run", "kind", "state", "corpus", "protocol", "recipe", "seed", "uar", "uar_low", "uar_high", "wa", "ece",
    "commit", "when", "problem",
)  # fmt: skip
TRACKED = "tracked"
_NUMBERS = frozenset({"seed", "uar", "uar_low", "uar_high", "wa", "ece"})
_MARKS = (RECIPE, RECORD, REPORT, SCORES, "MANIFEST.json", "ablation.json", "comparison.json", "cross.json")
_INSIDE = frozenset({"folds", "model"})
_DEEPEST = 12
_RELATIONS = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
    "=": operator.eq,
}  # fmt: skip

Row = dict[str, Any]


def runs(
    folder: str | Path,
    *,
    sort: str | None = None,
    where: Sequence[str] = (),
    track: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
) -> list[Row]:
    """Every run below a folder, a row of `COLUMNS` each; what is not known is None.

    A run that is half written, or not one of Affekt's, is a row with a `problem` or none, never an error.

    Args:
        sort: a column; numbers fall, text rises, what is not known comes last. By default the folders' order.
        where: conditions that rows must all meet, such as `corpus=emodb` or `uar>0.6`; `corpus` is met by any
            of several.
        track: where to tell of the trainings, cross-validations and evaluations among these that are over,
            `tensorboard:DIR` or `mlflow:URI`. Rows then have `tracked` too: `sent`, `known` where there was
            nothing new, `running`, or `error: ...`.
        say: told of each run that is sent.

    Raises:
        UsageError: no such folder, or a column, a condition or a tracker that is none.
        MissingExtraError: TensorBoard is not installed.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder; give one that holds runs")
    if sort is not None:
        _known(sort)
    conditions = [_condition(one) for one in where]
    told = trackers(track)
    found = [_row(place, root) for place in _places(root)]
    rows = [row for row in found if all(_met(row, *one) for one in conditions)]
    for row in rows if told else ():
        name = root.resolve().name if row["run"] == "." else row["run"]
        row[TRACKED] = tell(root / row["run"], name, told, say or (lambda text: None))
    if sort is None:
        return rows
    rows.sort(key=lambda row: str(row[sort]) if sort not in _NUMBERS else -(row[sort] or 0))
    return sorted(rows, key=lambda row: row[sort] is None)


def _places(root: Path) -> Iterator[Path]:
    """The folders of runs, by name; what lies within a run is its own, but for the cells of an ablation."""
    for name, inner, held in os.walk(root):
        inner.sort()
        place = Path(name)
        marked = any(mark in held for mark in _MARKS)
        inner[:] = [one for one in inner if not one.startswith(".") and not (marked and one in _INSIDE)]
        if len(place.relative_to(root).parts) >= _DEEPEST:
            inner.clear()
        if marked and kind_of(place) is not None:
            yield place


def _row(place: Path, root: Path) -> Row:
    row: Row = dict.fromkeys(COLUMNS)
    row["run"] = str(place.relative_to(root))
    try:
        run = open_run(place)
        row |= {"kind": run.kind, "state": run.state}
        row |= _origin(run)
        row |= _figures(run)
        row["problem"] = " ".join(run.missing) or None
    except (AffektError, OSError) as error:
        row["problem"] = " ".join(str(error).split())
    return row


def _origin(run: RunFolder) -> Row:
    recipe = run.recipe
    seed = run.record.get("seed", recipe.seed if recipe else None)
    return {
        "corpus": ", ".join(run.corpora()) or None,
        "protocol": run.said("protocol") or None,
        "recipe": recipe.system if recipe else None,
        "seed": seed if isinstance(seed, int) else None,
        "commit": run.said("commit")[:12] or None,
        "when": run.said("started") or _written(run.path),
    }


def _written(place: Path) -> str | None:
    """When the last of a run's own files was written, for runs that did not note when they began."""
    times = [(place / name).stat().st_mtime for name in _MARKS if (place / name).is_file()]
    return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="seconds") if times else None


def _figures(run: RunFolder) -> Row:
    if run.kind in ("cross-validation", "evaluation") and (run.path / REPORT).is_file():
        report = files.read_json(run.path / REPORT)
        uar, wa = (_at(report, "pooled", name) for name in ("uar", "wa"))
        after = _at(report, "calibration", "after") or _at(report, "calibration", "before")
        title = _at(report, "title")
        row: Row = {
            "uar": _number(uar, "value"),
            "uar_low": _number(uar, "low"),
            "uar_high": _number(uar, "high"),
        }
        row |= {"wa": _number(wa, "value"), "ece": _number(_at(after, "ece"), "value")}
        if isinstance(protocol := _at(report, "protocol"), str):
            row["protocol"] = protocol
        if isinstance(title, str) and " on " in title:
            row["corpus"] = title.rpartition(" on ")[2]
        return row
    if run.model is not None:
        metrics = _at(files.read_json(run.model / "config.json"), "metrics")
        named = {str(name).rpartition(".")[2]: one for name, one in _items(metrics)}
        uar = named.get("uar")
        row = {"uar": _number(uar, "value"), "uar_low": _number(uar, "low"), "uar_high": _number(uar, "high")}
        return row | {name: _number(named.get(name), "value") for name in ("wa", "ece")}
    return {}


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _items(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _number(value: Any, key: str) -> float | None:
    found = _at(value, key)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _condition(text: str) -> tuple[str, str, str]:
    first = [(text.index(one), -len(one), one) for one in _RELATIONS if one in text]
    relation = min(first, default=(0, 0, ""))[2]
    if not relation:
        raise UsageError(f"{text}: no condition; write one such as corpus=emodb or uar>0.6")
    column, _, value = text.partition(relation)
    column, value = column.strip(), value.strip()
    _known(column)
    if column in _NUMBERS:
        try:
            float(value)
        except ValueError:
            raise UsageError(f"{text}: {column} is a number, and '{value}' is none") from None
    return column, relation, value


def _met(row: Row, column: str, relation: str, value: str) -> bool:
    held = row[column]
    if held is None:
        return relation == "!="
    if column in _NUMBERS:
        return bool(_RELATIONS[relation](held, float(value)))
    if column == "corpus" and relation in ("=", "!="):
        return (value in str(held).split(", ")) == (relation == "=")
    return bool(_RELATIONS[relation](str(held), value))


def _known(column: str) -> None:
    if column not in COLUMNS:
        raise UsageError(
            f"{column}: no such column{nearest(column, COLUMNS)}; there are {', '.join(COLUMNS)}"
        )
