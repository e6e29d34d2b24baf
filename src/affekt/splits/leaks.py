"""The leak check: nothing that is in one part of a fold may be heard in another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

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
