"""Writes rows as they come: CSV, JSON, JSON lines or Parquet, into files as a whole or onto a stream."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from affekt import annotation_files, files, parquet_files
from affekt.errors import MissingExtraError, UsageError
from affekt.labels import nearest

Write = parquet_files.Write

PARTITIONS = "parquet/"
"""A folder of Parquet files: what `target` makes of `parquet` and a folder."""


def format_of(path: Path) -> str:
    """The format that a file's suffix asks for.

    Raises:
        UsageError: it asks for none.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise UsageError(f"{path}: its suffix names no format{nearest(suffix, FORMATS)}")
    return suffix


def target(output: str | os.PathLike[str], form: str | None) -> tuple[Path, str]:
    """Where rows go, and in which format, checked: better known before a million rows than after.

    Args:
        output: a file, or a folder: one that is there, or a name with a slash at its end.
        form: one of `FORMATS`; what the suffix says if None. Parquet in a folder is `PARTITIONS`.

    Raises:
        UsageError: the format is unknown, or goes into no folder, or the folder holds something else.
        MissingExtraError: Parquet without pyarrow.
    """
    path = Path(output)
    is_folder = os.fspath(output).endswith(("/", os.sep)) or path.is_dir()
    if form is None and is_folder and not path.suffix:
        raise UsageError(f"{output}: a folder; add --format parquet for partitions, or name a file")
    form = format_of(path) if form is None else form
    check(form)
    if form in ANNOTATIONS:
        annotation_files.check(path, form)
    elif is_folder:
        if form != "parquet":
            raise UsageError(
                f"{output}: a folder, and {form} is one file; name one, or take --format parquet"
            )
        form = PARTITIONS
        parquet_files.check(path)
    return path, form


def check(form: str) -> None:
    """Whether this format can be written here: better known before a million rows than after.

    Raises:
        UsageError: it is unknown.
        MissingExtraError: Parquet without pyarrow.
    """
    if form not in FORMATS:
        raise UsageError(f"{form}: not a format{nearest(form, FORMATS)}")
    if form == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError("writing Parquet", "train")


@contextlib.contextmanager
def to_file(path: Path, columns: list[str], form: str) -> Iterator[Write]:
    """Gives a function that takes rows; the file stands, whole, once the block ends well.

    In a format of annotations `path` is a folder, with a file for each recording, and one of Parquet files
    with `PARTITIONS`.

    Raises:
        MissingExtraError: Parquet without pyarrow.
        WriteError: the disk refuses.
    """
    if form in ANNOTATIONS:
        with annotation_files.to_folder(path, form) as write:
            yield write
        return
    if form == PARTITIONS:
        with parquet_files.to_folder(path, columns) as write:
            yield write
        return
    mode = "wb" if form == "parquet" else "w"
    with files.atomic(path, mode) as stream, _WRITERS[form](stream, columns) as write:
        yield write


@contextlib.contextmanager
def to_stream(stream: IO[str], columns: list[str], form: str) -> Iterator[Write]:
    """Gives a function that writes rows to a text stream.

    Raises:
        UsageError: Parquet, which only a file can hold.
    """
    if form == "parquet":
        raise UsageError("parquet: only a file can hold it; add -o NAME.parquet")
    if form in ANNOTATIONS:
        raise UsageError(f"{form}: is a file for each recording; add -o FOLDER")
    with _WRITERS[form](stream, columns) as write:
        yield write


@contextlib.contextmanager
def _csv(stream: IO[str], columns: list[str]) -> Iterator[Write]:
    table = csv.DictWriter(stream, columns, lineterminator="\n")
    table.writeheader()
    yield table.writerow


@contextlib.contextmanager
def _jsonl(stream: IO[str], columns: list[str]) -> Iterator[Write]:
    yield lambda row: stream.write(f"{_line(row)}\n")


@contextlib.contextmanager
def _json(stream: IO[str], columns: list[str]) -> Iterator[Write]:
    before = "["

    def write(row: dict[str, Any]) -> None:
        nonlocal before
        stream.write(f"{before}\n{_line(row)}")
        before = ","

    yield write
    stream.write("[]\n" if before == "[" else "\n]\n")


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


_WRITERS: dict[str, Callable[[IO[Any], list[str]], contextlib.AbstractContextManager[Write]]] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
    "parquet": parquet_files.to_stream,
}

ANNOTATIONS = tuple(annotation_files.FORMATS)
"""Formats of a file for each recording, in a folder."""

TABLES = tuple(_WRITERS)
"""Formats of one file for all rows; Parquet also of a folder of them."""

FORMATS = (*TABLES, *ANNOTATIONS)
