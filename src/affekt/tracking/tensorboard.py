"""TensorBoard: event files below a folder, one folder for a run and one within it for each fold."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from affekt.errors import TrackingError
from affekt.tracking.contents import Contents
from affekt.tracking.sending import Note

_EVENTS = "events.out.tfevents."
_SIDES = (16, 20)
"""Where a PNG file says its width and its height, four bytes each."""


class TensorBoard:
    """A folder that `tensorboard --logdir` shows."""

    def __init__(self, target: str, folder: Path) -> None:
        self.target, self._folder = target, folder
        self.remarks: list[str] = []
        self._files: dict[str, Path] = {}

    def tell(self, run: Contents, note: Note) -> None:
        """Tells what the note has not, and notes each part once it is told.

        Raises:
            TrackingError: the folder cannot be written to.
        """
        try:
            if note.names and not any(self._place(note, "").glob(f"{_EVENTS}*")):
                note.forget()
            if not note.names:
                note.names[""] = self._free(run.name)
            if not note.described:
                self._write(note, "", _described(run))
                note.described = True
            for history, rows in run.histories.items():
                self._write(note, history, _epochs(run, note, history))
                note.rows[history] = max(len(rows), note.rows.get(history, 0))
            if run.status != note.ended:
                if run.status != "running":
                    self._write(note, "", _end(run))
                note.ended = run.status
        except OSError as error:
            raise TrackingError(f"{self.target}: {(error.strerror or str(error)).lower()}") from error

    def _free(self, name: str) -> str:
        """A name below the folder that no other run's events have."""
        number, free = 1, name
        while any((self._folder / free).glob(f"{_EVENTS}*")):
            number += 1
            free = f"{name}-{number}"
        return free

    def _place(self, note: Note, history: str) -> Path:
        return self._folder / note.names[""] / history

    def _write(self, note: Note, history: str, events: Iterator[Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        buffer = io.BytesIO()
        records = RecordWriter(buffer)
        for event in events:
            records.write(event.SerializeToString())
        if not buffer.tell():
            return
        place = self._place(note, history)
        place.mkdir(parents=True, exist_ok=True)
        path = self._files.pop(history, None)
        data = buffer.getvalue()
        if path is None or not path.is_file():
            path = place / f"{_EVENTS}{time.time_ns() // 10**9}.affekt.{os.getpid()}.{time.time_ns() % 10**9}"
            head = io.BytesIO()
            RecordWriter(head).write(
                Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString()
            )
            data = head.getvalue() + data
        with path.open("ab") as stream:
            stream.write(data)
        # A file that was written to in part has no name here any more: the next events get another one.
        self._files[history] = path


def _described(run: Contents) -> Iterator[Any]:
    make = _summaries()
    for name, values in (("recipe", run.parameters), ("run", run.tags)):
        if values:
            yield _event(make.text(name, _table(values)), run.started, 0)


def _epochs(run: Contents, note: Note, history: str) -> Iterator[Any]:
    make = _summaries()
    for step, values in note.news(run, history):
        for name, value in values.items():
            yield _event(make.scalar(name, value, double_precision=True), run.times[history], step)


def _end(run: Contents) -> Iterator[Any]:
    """Figures, pictures, the report's text, and what the tab of hyperparameters compares."""
    make = _summaries()
    for name, value in run.figures.items():
        yield _event(make.scalar(f"figures/{name}", value, double_precision=True), run.ended, 0)
    for name, path in run.attachments:
        if name.endswith(".png"):
            yield _event(_picture(f"figures/{Path(name).stem}", path.read_bytes()), run.ended, 0)
        elif name.endswith(".md"):
            yield _event(make.text(name, path.read_text("utf-8", "replace")), run.ended, 0)
    if run.parameters:
        compared = {f"figures/{name}": value for name, value in run.figures.items()}
        for summary in make.hparams(dict(run.parameters), compared):
            yield _event(summary, run.ended, 0)


def _summaries() -> Any:
    """torch's makers of summaries; they are without types."""
    from torch.utils.tensorboard import summary

    return summary


def _picture(tag: str, png: bytes) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    width, height = (int.from_bytes(png[at : at + 4], "big") for at in _SIDES)
    image = Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=png)
    return Summary(value=[Summary.Value(tag=tag, image=image)])


def _event(summary: Any, seconds: float, step: int) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=seconds, step=step, summary=summary)


def _table(values: Mapping[str, str]) -> str:
    rows = (f"| {key} | {_cell(value)} |" for key, value in values.items())
    return "\n".join(["| key | value |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
