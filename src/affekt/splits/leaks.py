"""The leak check: nothing that is in one part of a fold may be heard in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from affekt.corpora.near_copies import Match, Samples, settled
from affekt.errors import SplitError

if TYPE_CHECKING:
    import pandas as pd

IntArray: TypeAlias = npt.NDArray[np.int64]
PARTS = ("train", "validation", "test")


def refuse_leaks(
    name: str,
    parts: Sequence[IntArray],
    *,
    speakers: Sequence[str] | None,
    recordings: Sequence[str],
    contents: Sequence[str],
) -> None:
    """Compares the parts of a fold (train, validation, test; row positions) by what each row holds.

    `speakers` is None where a speaker may be in several parts; `recordings` and `contents` name each row's
    file and the file its bytes were first seen in.

    Raises:
        SplitError: a speaker, a recording or the same audio stands in two parts.
    """
    if speakers is not None and (leak := _shared(parts, speakers)):
        first, second, one, _ = leak
        raise SplitError(
            f"fold '{name}': speaker '{speakers[one]}' is in {first} and {second}; "
            f"put all clips of a speaker into one part"
        )
    if leak := _shared(parts, recordings):
        first, second, one, _ = leak
        raise SplitError(
            f"fold '{name}': file '{recordings[one]}' is in {first} and {second}; "
            f"put all segments of a recording into one part"
        )
    if leak := _shared(parts, contents):
        first, second, one, other = leak
        raise SplitError(
            f"fold '{name}': '{recordings[one]}' in {first} and '{recordings[other]}' in {second} "
            f"are the same audio; remove one of them"
        )


def refuse_copies(
    folds: Sequence[tuple[str, Sequence[IntArray]]],
    matches: Sequence[Match],
    samples: Callable[[int], Samples],
    recordings: Sequence[str],
) -> None:
    """Refuses folds (name; train, validation and test rows) with two rows in two parts that sound the same.

    `matches` are of rows, as `corpora.near_copies` finds them, and decided by their `samples(row)`.

    Raises:
        SplitError: with the names of both files.
    """
    parts = [(name, _parts(fold, len(recordings))) for name, fold in folds]
    # One recording in two parts is refused by its name, and segments of one may well meet.
    across = [
        match
        for match in matches
        if recordings[match.first] != recordings[match.second]
        and any(_apart(part, match) for _, part in parts)
    ]
    for match in settled(across, samples):
        name, (first, second) = next((name, apart) for name, part in parts if (apart := _apart(part, match)))
        raise SplitError(
            f"fold '{name}': '{recordings[match.first]}' in {first} and '{recordings[match.second]}' in "
            f"{second} sound the same for {match.seconds:.1f} s; remove one of them, or say leak_check=bytes "
            "if that is meant"
        )


def _parts(fold: Sequence[IntArray], rows: int) -> IntArray:
    """The part of each row, -1 for none."""
    part = np.full(rows, -1)
    for number, positions in enumerate(fold):
        part[positions] = number
    return part


def _apart(part: IntArray, match: Match) -> tuple[str, str] | None:
    """The two parts that a match's rows are in; None where it is one, or a row is in none."""
    first, second = int(part[match.first]), int(part[match.second])
    return (PARTS[first], PARTS[second]) if first != second and min(first, second) >= 0 else None


def recordings_of(table: pd.DataFrame) -> list[str]:
    """The file each row belongs to: its absolute path where known."""
    return [str(place) for place in table["path" if "path" in table.columns else "file"]]


def leaks(parts: Sequence[IntArray], names: Sequence[str]) -> Iterator[tuple[str, str, int, int]]:
    """Rows whose name stands in an earlier part too: both parts, the first row there, and the row here."""
    seen: dict[str, tuple[str, int]] = {}
    for part, positions in zip(PARTS, parts, strict=True):
        for position in positions.tolist():
            where, row = seen.setdefault(names[position], (part, position))
            if where != part:
                yield where, part, row, position


def _shared(parts: Sequence[IntArray], names: Sequence[str]) -> tuple[str, str, int, int] | None:
    return next(leaks(parts, names), None)
