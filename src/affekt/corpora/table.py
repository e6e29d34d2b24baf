"""Tables: one row per clip or segment, in memory and on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from affekt.errors import MissingExtraError

if TYPE_CHECKING:
    from pandas import DataFrame

TIMES = ("start", "end")
WORDS = ("speaker", "emotion", "label", "gender", "language", "corpus", "session", "text", "split")
COLUMNS = ("file", *TIMES, *WORDS)


def pandas() -> ModuleType:
    """pandas, or the hint how to get it.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingExtraError("reading tables", "train") from error
    return pandas


def frame(rows: Iterable[Mapping[str, object]], root: Path) -> DataFrame:
    """A table of rows; see `complete`."""
    return complete(pandas().DataFrame(list(rows)), root)


def complete(table: DataFrame, root: Path) -> DataFrame:
    """The table with all of `COLUMNS` first, extras next, and `path`, the absolute place of the audio.

    Words are strings, None where unknown; `start` and `end` are seconds, NaN where the whole file is meant.
    """
    pd = pandas()
    out: DataFrame = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for name in COLUMNS:
        kind = float if name in TIMES else object
        values = table[name].to_numpy() if name in table.columns else [None] * len(table)
        out[name] = pd.Series(values, dtype=kind, index=out.index)
    for name in (*WORDS,):
        out[name] = out[name].where(out[name].notna(), None)
    for name in table.columns:
        if name not in out.columns and name != "path":
            out[name] = table[name].to_numpy()
    base = root.resolve()
    out["path"] = pd.Series([str(base / file) for file in out["file"]], dtype=object, index=out.index)
    return out
