"""Tables that name recordings, or stretches of them: `file` and, where known, `start` and `end`."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from affekt.errors import AudioError, AudioFormatError, MissingExtraError, UsageError
from affekt.remote import is_remote

SUFFIXES = (".csv", ".tsv", ".parquet")

_CLOCK = re.compile(r"(?:(\d+) days? )?(?:(\d+):)?(\d+):(\d+(?:\.\d*)?)")
_MISSING = ("", "nan", "nat", "none", "null")
_BATCH_ROWS = 4096


class Span(str):
    """A recording of which the stretch from `start` to `end` seconds is meant; None: to its own end."""

    start: float
    end: float | None

    def __new__(cls, name: str, start: float = 0.0, end: float | None = None) -> Span:
        span = super().__new__(cls, name)
        span.start, span.end = start, end
        return span


def is_table(name: str) -> bool:
    """Whether a name ends like a table's."""
    return name.lower().endswith(SUFFIXES)


def read_spans(table: str) -> Iterator[str | AudioError]:
    """The recordings of a table in its order; a row without a stretch is a whole recording.

    Names count from the table's folder. Times are seconds, or as in `0 days 00:00:01.5`.

    Raises:
        UsageError: it is no table, or has no column `file`.
        MissingExtraError: Parquet without pyarrow.
    """
    folder = os.path.dirname(table)  # noqa: PTH120
    for number, row in enumerate(_rows(table), 2):
        name = str(row["file"] or "").strip()
        if not name:
            yield AudioFormatError(table, f"row {number}: no file", "name one")
            continue
        place = name if is_remote(name) else os.path.normpath(os.path.join(folder, name))  # noqa: PTH118
        try:
            start, end = _seconds(row.get("start")), _seconds(row.get("end"))
            if (start or 0.0) < 0 or (end is not None and end <= (start or 0.0)):
                raise ValueError(f"{row.get('start')} to {row.get('end')} is no stretch")
        except ValueError as error:
            yield AudioFormatError(place, f"{table}, row {number}: {error}", "write seconds")
            continue
        yield place if start is None and end is None else Span(place, start or 0.0, end)


def _rows(table: str) -> Iterable[dict[str, Any]]:
    if table.lower().endswith(".parquet"):
        yield from _parquet(table)
        return
    try:
        with Path(table).open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, delimiter="\t" if table.lower().endswith(".tsv") else ",")
            _check(table, rows.fieldnames or [])
            yield from rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{table}: no table that can be read ({error}); write it as CSV in UTF-8") from error


def _parquet(table: str) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingExtraError(f"{table}: reading Parquet", "train") from error
    try:
        with parquet.ParquetFile(table) as opened:
            names = opened.schema_arrow.names
            _check(table, names)
            wanted = [name for name in ("file", "start", "end") if name in names]
            for batch in opened.iter_batches(_BATCH_ROWS, columns=wanted):
                yield from batch.to_pylist()
    except (OSError, ArrowException) as error:
        raise UsageError(f"{table}: no Parquet that can be read ({error}); write it again") from error


def _check(table: str, names: Iterable[str]) -> None:
    if "file" not in names:
        raise UsageError(f"{table}: no column 'file'; name recordings in one, and stretches in start and end")


def _seconds(value: Any) -> float | None:
    """Seconds, or None where there are none.

    Raises:
        ValueError: it is no time.
    """
    if value is None or str(value).strip().lower() in _MISSING:
        return None
    if hasattr(value, "total_seconds"):
        return float(value.total_seconds())
    text = str(value).strip()
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"'{text:.40}' is no time") from None
    if not math.isfinite(number):
        raise ValueError(f"'{text:.40}' is no time")
    return number
