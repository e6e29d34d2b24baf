"""Sends what a tracker has not heard yet, and notes in the run's folder what it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from affekt import files
from affekt.errors import UsageError
from affekt.run_folder import History
from affekt.tracking.contents import Contents

NOTE = "tracking.json"
"""The file of a run's folder that says what trackers have been told."""
_FORMAT = 1


@dataclass
class Note:
    """What one tracker has been told of one run.

    Fields:
        names: what each history is called there; `""` is the run itself.
        rows: how many epochs of each it has.
        described: whether it has parameters and tags.
        ended: the status that it was told last; empty before any.
        key: marks the run there, so that one whose answer got lost is found again.
    """

    names: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    described: bool = False
    ended: str = ""
    key: str = field(default_factory=lambda: uuid4().hex)

    def forget(self) -> None:
        """Starts over: the tracker no longer has the run."""
        vars(self).update(vars(Note()))

    def news(self, run: Contents, history: str) -> Sequence[tuple[int, dict[str, float]]]:
        """The epochs that were not told yet, and the values of each."""
        rows: History = run.histories[history][self.rows.get(history, 0) :]
        return [
            (int(row["epoch"]), {name: value for name, value in row.items() if name != "epoch"})
            for row in rows
        ]

    def complete(self, run: Contents) -> bool:
        """Whether there is nothing left to tell."""
        told = all(self.rows.get(name, 0) >= len(rows) for name, rows in run.histories.items())
        return self.described and told and self.ended == run.status


class Tracker(Protocol):
    """A place where runs are told; `target` is what a user calls it.

    `remarks` are what a user should know of it that is no failure.
    """

    target: str
    remarks: list[str]

    def tell(self, run: Contents, note: Note) -> None:
        """Tells what the note has not, and notes each part once it is told.

        Raises:
            TrackingError: it cannot be reached, or refuses.
        """
        ...


def send(run: Contents, folder: Path, tracker: Tracker) -> bool:
    """Tells a tracker what it has not heard of a run; whether there was something.

    Raises:
        TrackingError: it cannot be reached, or refuses; what it has heard is noted.
        WriteError: the note cannot be written.
    """
    notes = _read(folder)
    note = notes.get(tracker.target) or Note()
    # Its key is on the disk before anything is told under it.
    if tracker.target not in notes:
        notes[tracker.target] = note
        _write(folder, notes)
    before = repr(note)
    try:
        tracker.tell(run, note)
    finally:
        if repr(note) != before:
            _write(folder, notes)
    return repr(note) != before


def _read(folder: Path) -> dict[str, Note]:
    """The notes of a folder by target; those that are not as they should be are none."""
    try:
        found = files.read_json(folder / NOTE)
        if found["format"] != _FORMAT:
            return {}
        return {str(target): _note(plain) for target, plain in found["trackers"].items()}
    except (UsageError, KeyError, TypeError, ValueError, AttributeError):
        return {}


def _note(plain: Any) -> Note:
    return Note(
        {str(key): str(value) for key, value in plain["names"].items()},
        {str(key): int(value) for key, value in plain["rows"].items()},
        bool(plain["described"]),
        str(plain["ended"]),
        str(plain["key"]),
    )


def _write(folder: Path, notes: dict[str, Note]) -> None:
    plain = {target: vars(note) for target, note in notes.items()}
    files.write_json(folder / NOTE, {"format": _FORMAT, "trackers": plain})
