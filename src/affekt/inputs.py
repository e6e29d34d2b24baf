"""From what a user names to recordings: files, folders, patterns, and a list on standard input."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from affekt.errors import AudioError, AudioNotFoundError

SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64", ".caf"}
    | {".m4a", ".aac", ".mp4", ".mov", ".webm", ".mkv"}
)
"""What counts as a recording in a folder; a file that is named itself is taken whatever its suffix."""

STDIN = "-"


class Span(str):
    """A recording of which the stretch from `start` to `end` seconds is meant; None: to its own end."""

    start: float
    end: float | None

    def __new__(cls, name: str, start: float = 0.0, end: float | None = None) -> Span:
        span = super().__new__(cls, name)
        span.start, span.end = start, end
        return span


def expand(
    names: Iterable[str | os.PathLike[str]], lines: Iterable[str] | None = None
) -> Iterator[str | AudioError]:
    """The recordings that `names` stand for, in a fixed order; for a name that stands for none, the reason.

    A folder gives its recordings at any depth, sorted by name, without hidden ones; a pattern such as
    `calls/**/*.wav` what it matches, sorted; `-` each of `lines` (standard input if not given); all else
    itself.
    """
    for given in names:
        name = os.fspath(given)
        if name == STDIN:
            listed = (line.rstrip("\r\n") for line in (sys.stdin if lines is None else lines))
            yield from expand(line for line in listed if line not in ("", STDIN))
        elif os.path.isdir(name):  # noqa: PTH112
            yield from _or_reason(
                name, _walk(name), "a folder without recordings", "name a folder that holds some"
            )
        elif glob.has_magic(name) and not os.path.lexists(name):
            found = sorted(glob.iglob(name, recursive=True))  # noqa: PTH207
            yield from _or_reason(name, expand(found), "nothing matches this pattern", "check the path")
        else:
            yield name


def spelled(name: str) -> str:
    """A file name that is not UTF-8 is spelled with escapes: a table or JSON could not hold it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _walk(folder: str) -> Iterator[str | AudioError]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        yield AudioNotFoundError(folder, problem, "check the permissions of the folder")
        return
    for name, is_folder in found:
        path = os.path.join(folder, name)  # noqa: PTH118
        if name.startswith("."):
            continue
        if is_folder:
            yield from _walk(path)
        elif Path(name).suffix.lower() in SUFFIXES:
            yield path


def _or_reason(
    name: str, found: Iterator[str | AudioError], problem: str, remedy: str
) -> Iterator[str | AudioError]:
    empty = True
    for item in found:
        empty = False
        yield item
    if empty:
        yield AudioNotFoundError(name, problem, remedy)
