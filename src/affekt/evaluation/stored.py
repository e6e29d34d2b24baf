"""Comparisons, ablations and matrices read back from the JSON that they were written as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from affekt import files
from affekt.errors import UsageError
from affekt.evaluation.ablation import Ablation, Condition, Difference
from affekt.evaluation.bootstrap import Interval, Resampling
from affekt.evaluation.cross import Cell, Cross
from affekt.evaluation.metrics import METRICS
from affekt.evaluation.paired import Comparison, Pair, System

_T = TypeVar("_T")


def read_ablation(path: Path) -> Ablation:
    """An `ablation.json`.

    Raises:
        UsageError: it is none.
    """

    def read(plain: Any) -> Ablation:
        conditions = tuple(
            Condition(
                _text(one["name"]),
                {key: _interval(one[key]) for key in METRICS},
                tuple(float(seed) for seed in one["seeds"]),
            )
            for one in plain["conditions"]
        )
        differences = tuple(
            Difference(_text(one["condition"]), _text(one["reference"]), _interval(one["uar"]))
            for one in plain["differences"]
        )
        return Ablation(
            _text(plain["title"]),
            _text(plain["protocol"]),
            int(plain["clips"]),
            int(plain["speakers"]),
            conditions,
            differences,
        )

    return _read(path, read)


def read_comparison(path: Path) -> Comparison:
    """A `comparison.json`.

    Raises:
        UsageError: it is none.
    """

    def read(plain: Any) -> Comparison:
        systems = tuple(
            System(_text(one["name"]), _text(one["protocol"]), _figures(one)) for one in plain["systems"]
        )
        pairs = tuple(
            Pair(
                _text(one["system"]),
                _text(one["reference"]),
                _figures(one),
                _number(one["p"]),
                _number(one["p_holm"]),
            )
            for one in plain["pairs"]
        )
        by = Resampling(int(plain["resamples"]), float(plain["level"]), int(plain["seed"]))
        labels = tuple(_text(one) for one in plain["labels"])
        counts = (int(plain["clips"]), int(plain["speakers"]))
        return Comparison(*counts, labels, int(plain["left_out"]), systems, pairs, by)

    return _read(path, read)


def read_cross(path: Path) -> Cross:
    """A `cross.json`.

    Raises:
        UsageError: it is none.
    """

    def read(plain: Any) -> Cross:
        models, data = (tuple(_text(one) for one in plain[key]) for key in ("models", "data"))
        cells = tuple(
            Cell(
                _text(one["model"]),
                _text(one["data"]),
                None if one["uar"] is None else _interval(one["uar"]),
                tuple(_text(label) for label in one["compared"]),
                int(one["clips"]),
                int(one["speakers"]),
                tuple(_text(name) for name in one["heard"]),
                tuple(_text(line) for line in one["failures"]),
                _text(one["reason"]),
            )
            for one in plain["cells"]
        )
        if {(cell.model, cell.data) for cell in cells} != {(one, other) for one in models for other in data}:
            raise ValueError("a cell is missing")
        if any(cell.uar and not cell.compared for cell in cells):
            raise ValueError("a cell compares nothing")
        return Cross(models, data, cells)

    return _read(path, read)


def _read(path: Path, read: Callable[[Any], _T]) -> _T:
    plain = files.read_json(path)
    try:
        return read(plain)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: not as it was written ({error}); run it again") from None


def _figures(plain: Mapping[str, Any]) -> dict[str, Interval]:
    return {key: _interval(plain[key]) for key in METRICS}


def _interval(plain: Mapping[str, Any]) -> Interval:
    reason = plain.get("reason")
    value, low, high = (_number(plain[key]) for key in ("value", "low", "high"))
    return Interval(value, low, high, None if reason is None else _text(reason))


def _number(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError("a figure is no number")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a name is no text")
    return value
