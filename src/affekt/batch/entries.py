"""One input and what came of it, as it is kept on the disk until the end of a run."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from affekt.errors import AudioError
from affekt.inputs import spelled

Item = str | AudioError
"""The name of a recording, or why there is none."""

Row = dict[str, Any]

PASSING = frozenset({"not_found", "crashed", "timeout", "memory", "internal"})
"""Failures that may not come again: a disk that was not there, a machine that was too busy."""


@dataclass(frozen=True)
class Entry:
    """An input, how its file looked, the values of its rows in the order of the columns, and its failure."""

    name: str
    stamp: str
    rows: list[list[Any]]
    error: str | None


def name_of(item: Item) -> str:
    """The name of an input as tables hold it."""
    return spelled(item.name if isinstance(item, AudioError) else item)


def stamp_of(item: Item) -> str:
    """Size and time of the last change of the input's file; nothing where it has none."""
    try:
        status = os.stat(item)  # type: ignore[arg-type]  # noqa: PTH116
    except (OSError, ValueError, TypeError):
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def made(item: Item, stamp: str, rows: Iterable[Row], columns: list[str]) -> Entry:
    """The entry of an input whose rows are known."""
    kept = list(rows)
    error = next((row["error"] for row in kept if row["error"] is not None), None)
    return Entry(name_of(item), stamp, [[row[column] for column in columns] for row in kept], error)


def dump(entries: Iterable[Entry]) -> bytes:
    """Entries as lines of JSON, and a last line with their number and checksum."""
    lines = [
        json.dumps([one.name, one.stamp, one.error, one.rows], ensure_ascii=False, allow_nan=False)
        for one in entries
    ]
    body = "".join(f"{line}\n" for line in lines).encode()
    return body + f"{json.dumps({'entries': len(lines), 'crc32': zlib.crc32(body)})}\n".encode()


def parse(data: bytes) -> list[Entry] | None:
    """The entries that `dump` wrote; None where a byte is missing or changed."""
    body, _, last = data.rstrip(b"\n").rpartition(b"\n")
    body += b"\n" if body else b""
    try:
        if json.loads(last)["crc32"] != zlib.crc32(body):
            return None
        return [
            Entry(name, stamp, rows, error) for name, stamp, error, rows in map(json.loads, body.splitlines())
        ]
    except (ValueError, KeyError, TypeError):
        return None
