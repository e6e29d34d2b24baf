"""The folder of an unfinished run: parts of some hundred inputs each, and where they come from.

scores.csv.parts/run.json                    model, options, columns, shard
scores.csv.parts/000000000000-000256.jsonl   the first 256 inputs
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from affekt import files
from affekt.batch import entries
from affekt.batch.entries import Entry
from affekt.errors import LockedError, UsageError

SUFFIX = ".parts"
RUN = "run.json"
PART_ENTRIES = 256
PART_SECONDS = 5.0
"""A part is closed after so many inputs or so much time: what a kill costs at most."""

_NAME = re.compile(r"(\d{12})-(\d{6})\.jsonl")


@dataclass(frozen=True)
class Origin:
    """What a row depends on beside its input: all that has to be the same when a run goes on."""

    model: str
    """The digest of the model folder."""
    options: dict[str, Any]
    columns: list[str]
    affekt: str
    shard: str | None = None
    format: int = field(default=1)

    def differences(self, other: dict[str, Any]) -> list[str]:
        """What `other`, read from a run's folder, has otherwise, for people."""
        mine, theirs = _flat(asdict(self)), _flat(other)
        keys = [*mine, *(key for key in theirs if key not in mine)]
        return [
            f"{key} was {_short(theirs.get(key))} and is {_short(mine.get(key))}"
            for key in keys
            if mine.get(key) != theirs.get(key)
        ]


@dataclass(frozen=True)
class Part:
    """The entries of inputs `first` to `first + count - 1`, in a file."""

    path: Path
    first: int
    count: int


class Store:
    """Parts in a folder, under its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    @contextlib.contextmanager
    def held(cls, folder: Path, origin: Origin, *, resume: bool) -> Iterator[Store]:
        """The store of a run that begins, or goes on, locked against a second one.

        Raises:
            UsageError: there is an unfinished run and `resume` is not asked for, or it is another one.
            LockedError: it goes on right now.
            WriteError: the disk refuses.
        """
        with files.lock(folder):
            if not folder.exists():
                raise LockedError(f"{folder}: another process has just ended with it; run again")
            files.sweep(folder)
            store = cls(folder)
            if (folder / RUN).exists() and (resume or store.parts()):
                store._same(origin, resume=resume)
                store._settle()
            else:
                # Of nobody knows which run: an actor of one that was killed may have outlived it.
                for part in store.parts():
                    part.path.unlink()
                files.write_json(folder / RUN, asdict(origin))
            yield store

    def parts(self) -> list[Part]:
        """The parts that are there, in order."""
        names = map(_NAME.fullmatch, sorted(os.listdir(self.folder)))  # noqa: PTH208
        return [Part(self.folder / found[0], int(found[1]), int(found[2])) for found in names if found]

    def read(self, part: Part) -> list[Entry] | None:
        """The entries of a part; None where it is damaged, and has to be made again."""
        found = entries.parse(part.path.read_bytes())
        return found if found is not None and len(found) == part.count else None

    def write(self, first: int, kept: Sequence[Entry]) -> None:
        """Writes a part, whole and synced; one of the same inputs is replaced.

        Raises:
            WriteError: the disk refuses.
        """
        name = f"{first:012}-{len(kept):06}.jsonl"
        files.write_bytes(self.folder / name, entries.dump(kept))

    def walk(self) -> Iterator[Entry]:
        """Every entry, in the order of the inputs; one part is held at a time.

        Raises:
            UsageError: a part is damaged or missing.
        """
        position = 0
        for part in self.parts():
            kept = self.read(part)
            if kept is None:
                raise UsageError(f"{part.path}: damaged; run it again with --resume, which makes it anew")
            if part.first > position:
                raise UsageError(f"{part.path}: a part before it is missing; run it again with --resume")
            yield from kept[position - part.first :]
            position = max(position, part.first + part.count)

    def remove(self) -> None:
        """Takes the folder away: at once for whoever looks, then its files."""
        gone = self.folder.with_name(f"{files.TEMPORARY_PREFIX}{self.folder.name}.{os.getpid()}")
        self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _settle(self) -> None:
        """Removes parts of inputs that another part holds: an actor may have outlived the run before this."""
        position = 0
        for part in self.parts():
            if part.first < position:
                part.path.unlink()
            else:
                position = part.first + part.count

    def _same(self, origin: Origin, *, resume: bool) -> None:
        if not resume:
            done = sum(part.count for part in self.parts())
            raise UsageError(
                f"{self.folder}: an unfinished run, {done:,} inputs done; add --resume to go on with it, or "
                "remove the folder to begin anew"
            )
        if differences := origin.differences(files.read_json(self.folder / RUN)):
            raise UsageError(
                f"{self.folder}: cannot go on with this run: {'; '.join(differences)}; call it as it was "
                "begun, or remove the folder to begin anew"
            )


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    options = values.get("options")
    plain = {key: value for key, value in values.items() if key != "options"}
    return {**plain, **(options if isinstance(options, dict) else {})}


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
