"""Corpora from their publishers, on request alone: those with a stable address and a known checksum."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from affekt import downloads
from affekt.corpora.archives import refuse_full, unpack
from affekt.corpora.shapes import Archive
from affekt.corpora.spec import spec
from affekt.errors import UsageError


def fetch(name: str, folder: Path, *, tick: downloads.Tick | None = None) -> int:
    """Fetches a corpus into a new folder, which appears whole or not at all; the number of its files.

    What has come of an interrupted download is kept beside the folder, and taken up the next time.

    Args:
        name: a corpus of `names()`.
        folder: where it is to be; it must not be there, or be empty.
        tick: told of bytes that have come.

    Raises:
        UsageError: no such corpus, or one that has to be fetched by hand; the message says where and how.
        DownloadError: the publisher's server does not give it, or gives something else.
        CorpusError: an archive holds what it must not.
        WriteError: the folder is not empty, or cannot be written.
    """
    declared = spec(name)
    if not declared.archives:
        raise UsageError(
            f"{name}: cannot be fetched by a command; get it from {declared.url}, under its terms: "
            f"{declared.licence.text}"
        )
    return fetch_archives(declared.archives, folder, tick=tick)


def fetch_archives(archives: Sequence[Archive], folder: Path, *, tick: downloads.Tick | None = None) -> int:
    """As `fetch`, for archives that are at hand."""
    refuse_full(folder)
    waiting = folder.with_name(f".{folder.name}.affekt-download")
    paths = [
        downloads.fetch(archive.url, archive.checksum, archive.size, cache=waiting, tick=tick)
        for archive in archives
    ]
    count = unpack(paths, folder)
    shutil.rmtree(waiting, ignore_errors=True)
    return count
