"""From what a user names to recordings: files, folders, archives, patterns, addresses, tables, and lists."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator

from affekt import archives, remote
from affekt.errors import AudioError, AudioFormatError, AudioNotFoundError
from affekt.span_tables import is_table, read_spans

SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64", ".caf"}
    | {".m4a", ".aac", ".mp4", ".mov", ".webm", ".mkv"}
)
"""What counts as a recording in a folder; a file that is named itself is taken whatever its suffix."""

STDIN = "-"


def expand(
    names: Iterable[str | os.PathLike[str]],
    lines: Iterable[str] | None = None,
    *,
    tables: bool = False,
) -> Iterator[str | AudioError]:
    """The recordings that `names` stand for, in a fixed order; for a name that stands for none, the reason.

    A folder gives its recordings at any depth, sorted by name, without hidden ones and without archives; an
    archive those in it, in its order, as `calls.zip/2021/a.wav`; a pattern such as `calls/**/*.wav` what it
    matches, sorted; an address such as `s3://bucket/calls` what is there; `-` each of `lines` (standard input
    if not given); all else itself. With `tables` a table gives the recordings that it names, and a `Span` for
    each stretch of one.

    Raises:
        UsageError: a table that is none.
        MissingExtraError: an address or a table needs an extra.
    """
    for given in names:
        name = os.fspath(given)
        if name == STDIN:
            listed = (line.rstrip("\r\n") for line in (sys.stdin if lines is None else lines))
            yield from expand((line for line in listed if line not in ("", STDIN)), tables=tables)
        elif remote.is_remote(name):
            yield from _remote(name)
        elif tables and is_table(name) and os.path.isfile(name):  # noqa: PTH113
            yield from _or_reason(name, read_spans(name), "a table without rows", "name recordings in it")
        elif archives.is_archive(name) and os.path.isfile(name):  # noqa: PTH113
            yield from _or_reason(
                name, _archived(name), "an archive without recordings", "name one that holds some"
            )
        elif archives.split(name) is not None:
            yield name
        elif os.path.isdir(name):  # noqa: PTH112
            yield from _or_reason(
                name, _walk(name), "a folder without recordings", "name a folder that holds some"
            )
        elif glob.has_magic(name) and not os.path.lexists(name):
            found = sorted(glob.iglob(name, recursive=True))  # noqa: PTH207
            yield from _or_reason(
                name, expand(found, tables=tables), "nothing matches this pattern", "check the path"
            )
        else:
            yield name


def spelled(name: str) -> str:
    """A file name that is not UTF-8 is spelled with escapes: a table or JSON could not hold it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_recording(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122


def _archived(archive: str) -> Iterator[str | AudioError]:
    from affekt.archives.reading import members

    try:
        for member in members(archive):
            name = f"{archive}/{member.name}"
            if archives.is_archive(member.name):
                yield AudioFormatError(name, "an archive in an archive", "unpack it first")
            elif _is_recording(member.name):
                refused = AudioFormatError(name, member.problem, "make the archive again without it")
                yield refused if member.problem else name
    except AudioError as error:
        yield error


def _remote(address: str) -> Iterator[str | AudioError]:
    try:
        found = remote.listed(address, _is_recording)
    except AudioError as error:
        yield error
        return
    if found is None:
        yield address
    else:
        yield from _or_reason(address, iter(found), "no recordings there", "check the address")


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
        elif _is_recording(name):
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
