"""One input and what came of it, as it is kept on the disk until the end of a run."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from affekt import archives
from affekt.errors import AudioError
from affekt.inputs import spelled
from affekt.span_tables import Span

Item = str | AudioError
"""The name of a recording, or why there is none."""

Row = dict[str, Any]

PASSING = frozenset({"not_found", "crashed", "timeout", "memory", "internal"})
"""Failures that may not come again: a disk that was not there, a machine that was too busy."""


@dataclass(frozen=True)
class Entry:
    """An input, how its file looked, the values of its rows in the order of the columns, and what failed."""

    name: str
    stamp: str
    rows: list[list[Any]]
    error: str | None
    message: str = ""


def name_of(item: Item) -> str:
    """The name of an input as tables hold it, with its stretch where it is one of a recording."""
    stretch = f"#{item.start}-{item.end}" if isinstance(item, Span) else ""
    return spelled(item.name if isinstance(item, AudioError) else item) + stretch


def stamp_of(item: Item) -> str:
    """Size and time of the last change of the input's file, or of its archive; nothing where it has none."""
    if isinstance(item, AudioError):
        return ""
    inside = archives.split(item)
    try:
        status = os.stat(inside[0] if inside else item)  # noqa: PTH116
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def made(item: Item, rows_of: Callable[[Item], Iterable[Row]], columns: list[str]) -> Entry:
    """The entry of an input; its file's stamp is taken before it is read."""
    stamp, rows = stamp_of(item), list(rows_of(item))
    failed = next((row for row in rows if row["error"] is not None), None)
    error, message = (failed["error"], failed["message"]) if failed else (None, "")
    return Entry(name_of(item), stamp, [[row[column] for column in columns] for row in rows], error, message)


def dump(entries: Iterable[Entry]) -> bytes:
    """Entries as lines of JSON, and a last line with their number and checksum."""
    lines = [
        json.dumps(
            [one.name, one.stamp, one.error, one.message, one.rows], ensure_ascii=False, allow_nan=False
        )
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
            Entry(name, stamp, rows, error, message)
            for name, stamp, error, message, rows in map(json.loads, body.splitlines())
        ]
    except (ValueError, KeyError, TypeError):
        return None
