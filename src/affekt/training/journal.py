"""What a run tells: a JSONL row for each epoch, and a line with the time left for whoever watches."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from affekt.files import write_text

Watcher = Callable[[int, int, str], None]
"""Called as watcher(done, total, text)."""


class Journal:
    """Writes `log.jsonl` in a run's folder and tells the watcher.

    Args:
        path: the file; None for processes that do not write.
        watcher: told of every step.
        label: stands before the watcher's text, such as the fold's name.
    """

    def __init__(self, path: Path | None, watcher: Watcher | None = None, label: str = "") -> None:
        self._path, self._watcher, self._label = path, watcher, label
        self._last = ""
        self._rows: list[dict[str, float]] = []

    def begin(self, known: Sequence[dict[str, float]]) -> None:
        """Starts from the rows that the checkpoint knows of: a row that outlived its epoch is dropped."""
        self._rows = list(known)
        self._write()

    def step(self, done: int, total: int, epoch: int, loss: float) -> None:
        """A step is done."""
        if self._watcher:
            self._watcher(done, total, f"{self._label}epoch {epoch}  loss {loss:.3f}{self._last}")

    def epoch(self, row: dict[str, float]) -> None:
        """An epoch is done; its checkpoint is already on the disk."""
        self._rows.append(row)
        self._write()
        if "validation_uar" in row:
            self._last = f"  validation uar {row['validation_uar']:.3f}"

    def _write(self) -> None:
        if self._path is not None:
            write_text(self._path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in self._rows))
