"""What a table is asked about: its words row by row, and how its rows are named in findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from affekt.corpora.findings import Finding, Severity
from affekt.corpora.speakers import speaker_key, words

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Subject:
    """A table under examination; `listed` where it was read from a table, whose rows have numbers."""

    table: DataFrame
    listed: bool = False

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def files(self) -> list[str]:
        """Of each row, its file as the table has it."""
        return words(self.table, "file")

    @cached_property
    def paths(self) -> list[str]:
        """Of each row, the absolute place of its file."""
        return [str(path) for path in self.table["path"]]

    @cached_property
    def speakers(self) -> list[str]:
        """Of each row, the key of its speaker; each file of an unknown one is a speaker of its own."""
        return [str(key) for key in speaker_key(self.table, allow_unknown=True)]

    @cached_property
    def speakers_known(self) -> bool:
        """Whether every row has a speaker."""
        return all(words(self.table, "speaker"))

    @cached_property
    def emotions(self) -> list[str]:
        """Of each row, its emotion, "" where it has none."""
        return words(self.table, "emotion")

    @cached_property
    def labelled(self) -> list[int]:
        """The rows that have an emotion."""
        return [at for at, emotion in enumerate(self.emotions) if emotion]

    def finding(
        self,
        severity: Severity,
        code: str,
        message: str,
        rows: Sequence[int] = (),
        numbers: dict[str, float] | None = None,
    ) -> Finding:
        """A finding about rows, by their positions."""
        files = tuple(dict.fromkeys(self.files[at] for at in rows))
        return Finding(
            severity, code, message, files, tuple(at + 1 for at in rows) if self.listed else (), numbers
        )


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
