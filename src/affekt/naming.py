"""A file of its own for each recording, below one folder."""

from __future__ import annotations

from pathlib import Path

from affekt.inputs import spelled

_MOST_BYTES = 150
"""Of a name: a file system takes 255, and the temporary file's name is longer."""


class NamesBelow:
    """Names files after recordings; two recordings of one name get numbers, in the order of being asked."""

    def __init__(self, folder: Path, suffix: str) -> None:
        """`suffix` has its point: `.png`."""
        self._folder = folder
        self._suffix = suffix
        self._taken: set[str] = set()

    def path(self, recording: str) -> Path:
        """Where the file of the next recording goes: its own name with the suffix, made safe."""
        stem = "".join(one if one.isprintable() else "_" for one in spelled(Path(recording).stem))
        stem = stem.encode()[:_MOST_BYTES].decode(errors="ignore") or "recording"
        name, number = f"{stem}{self._suffix}", 1
        # Some file systems take a.png and A.png for one.
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-{number}{self._suffix}"
        self._taken.add(name.casefold())
        return self._folder / name
