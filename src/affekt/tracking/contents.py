"""What there is to tell of a run: parameters, tags, epochs, figures with their intervals, small files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from affekt import files
from affekt.errors import UsageError
from affekt.run_folder import JOURNAL, RECIPE, REPORT, History, RunFolder

Status = Literal["running", "finished", "stopped"]
KINDS = ("training", "cross-validation", "evaluation")
"""Kinds of runs that there is something to tell of."""

_FILES = (RECIPE, "run.json", "report.md", REPORT, "report.html", "model/README.md")
_MOST_FILE_BYTES = 2 * 2**20


@dataclass(frozen=True)
class Contents:
    """A run as trackers are told of it.

    Fields:
        name: what it is called there; `started` is when it began, in seconds since 1970.
        parameters: the resolved recipe, flat: `train.epochs` -> `40`.
        histories: the epochs by fold, `""` for those of a model alone.
        times: for each history when it was last written.
        figures: final ones, `uar` with `uar.low` and `uar.high`; empty before the end.
    """

    name: str
    started: float
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    histories: Mapping[str, History] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    attachments: tuple[tuple[str, Path], ...] = ()
    status: Status = "running"
    ended: float = 0.0


def contents(run: RunFolder, name: str, status: Status | None = None) -> Contents:
    """All that a run's folder tells; `status` where the caller knows better than the folder."""
    status = status or run.state
    histories = run.histories()
    times = {one: _written(_journal(run, one)) for one in histories}
    ended = max([_written(run.path / REPORT), _written(run.path / "model/config.json"), *times.values()])
    return Contents(
        name=name,
        started=_started(run),
        parameters=parameters(run),
        tags=_tags(run),
        histories=histories,
        times=times,
        figures=_figures(run) if status == "finished" else {},
        attachments=tuple(_attachments(run.path)) if status != "running" else (),
        status=status,
        ended=ended,
    )


def parameters(run: RunFolder) -> dict[str, str]:
    """The resolved recipe, flat; what is not set is left out."""
    if run.recipe is None:
        return {}
    return dict(_flat(run.recipe.model_dump(mode="json"), ""))


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif value is not None:
        yield prefix, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tags(run: RunFolder) -> dict[str, str]:
    tags = {key: run.said(key) for key in ("command", "commit", "protocol", "started")}
    tags |= {"kind": run.kind, "corpora": ", ".join(run.corpora())}
    for group in ("versions", "machine"):
        inner = run.record.get(group)
        if isinstance(inner, dict):
            tags |= {f"{group}.{key}": str(value) for key, value in inner.items()}
    return {key: value for key, value in tags.items() if value}


def _figures(run: RunFolder) -> dict[str, float]:
    """Of a report the pooled figures and the calibration's; of a model those in its config."""
    found: dict[str, float] = {}
    report = _json(run.path / REPORT)
    for name, interval in _items(report.get("pooled")):
        found |= _ends(name, interval)
    for name, interval in _items(report.get("recall")):
        found |= _ends(f"recall.{name}", interval)
    for when in ("before", "after"):
        for name, interval in _items(_inner(report, "calibration").get(when)):
            found |= _ends(f"calibration.{when}.{name}", interval)
    if run.model is not None and not found:
        for name, interval in _items(_json(run.model / "config.json").get("metrics")):
            found |= _ends(name, interval)
    return found


def _ends(name: str, interval: Any) -> dict[str, float]:
    if not isinstance(interval, dict):
        return {}
    ends = {"": "value", ".low": "low", ".high": "high"}
    return {
        f"{name}{end}": float(interval[key])
        for end, key in ends.items()
        if isinstance(interval.get(key), int | float) and not isinstance(interval[key], bool)
    }


def _json(path: Path) -> dict[str, Any]:
    try:
        found = files.read_json(path)
    except UsageError:
        return {}
    return found if isinstance(found, dict) else {}


def _inner(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(str(key), inner) for key, inner in value.items()] if isinstance(value, dict) else []


def _attachments(folder: Path) -> Iterator[tuple[str, Path]]:
    """Reports and figures, none of them large; where a file lies within the run, and where it is."""
    pictures = sorted(one.name for one in folder.glob("*.png"))
    for name in (*_FILES, *pictures):
        path = folder / name
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MOST_FILE_BYTES:
            yield name, path


def _journal(run: RunFolder, fold: str) -> Path:
    return (run.fold(fold) if fold else run.path) / JOURNAL


def _started(run: RunFolder) -> float:
    try:
        return datetime.fromisoformat(run.said("started")).timestamp()
    except ValueError:
        return _written(run.path / RECIPE) or _written(run.path)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
