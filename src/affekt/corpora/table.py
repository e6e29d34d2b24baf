"""Tables: one row per clip or segment; the shape that all of Affekt works on."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from affekt import files
from affekt.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

TIMES = ("start", "end")
WORDS = ("speaker", "emotion", "label", "gender", "language", "corpus", "session", "text", "split")
COLUMNS = ("file", *TIMES, *WORDS)

_GENDERS = {"m": "male", "man": "male", "f": "female", "w": "female", "woman": "female"}


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
    Extras without any value are left out; those that hold only numbers become numbers.
    """
    pd = pandas()
    out: DataFrame = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for name in COLUMNS:
        given = name in table.columns
        if name in TIMES:
            out[name] = table[name].to_numpy(dtype=float) if given else float("nan")
        else:
            values: list[str | None] = [None] * len(table)
            if given:
                values = table[name].tolist() if name == "file" else _clean(table[name])
            out[name] = pd.Series(values, dtype=object, index=out.index)
    out["gender"] = pd.Series([_gender(word) for word in out["gender"]], dtype=object, index=out.index)
    for name in table.columns:
        if name not in out.columns and name != "path" and table[name].notna().any():
            out[name] = _numbers(table[name]).to_numpy()
    base = root.resolve()
    places = [os.path.normpath(f if f.startswith("/") else f"{base}/{f}") for f in out["file"]]
    out["path"] = pd.Series(places, dtype=object, index=out.index)
    return out


def write(table: DataFrame, path: Path) -> None:
    """Writes a table as `.csv`, `.tsv` or `.parquet`, atomically, without `path` and without empty columns.

    Raises:
        UsageError: another suffix.
        MissingExtraError: Parquet without pyarrow.
    """
    shown = table.drop(columns=["path"], errors="ignore")
    shown = shown[[name for name in shown.columns if name == "file" or shown[name].notna().any()]]
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        with files.atomic(path, "w") as stream:
            stream.write(to_csv(shown, separator="\t" if suffix == ".tsv" else ","))
    elif suffix == ".parquet":
        buffer = io.BytesIO()
        try:
            shown.to_parquet(buffer, index=False, engine="pyarrow")
        except ImportError as error:
            raise MissingExtraError("writing Parquet", "train") from error
        files.write_bytes(path, buffer.getvalue())
    else:
        raise UsageError(f"{path}: tables are written as .csv, .tsv or .parquet")


def to_csv(table: DataFrame, separator: str = ",") -> str:
    """The table as CSV text with `\\n` line ends, without `path` and row labels."""
    shown = table.drop(columns=["path"], errors="ignore")
    return str(shown.to_csv(index=False, lineterminator="\n", sep=separator))


def _clean(words: Series) -> list[str | None]:
    # One string object per distinct word: a table of a million rows must not hold a million copies.
    cleaned: dict[object, str | None] = {}
    return [
        None if missing else cleaned.setdefault(word, str(word).strip() or None)
        for word, missing in zip(words, words.isna(), strict=True)
    ]


def _gender(word: str | None) -> str | None:
    return None if word is None else _GENDERS.get(word.lower(), word.lower())


def _numbers(values: Series) -> Series:
    """Numbers where all values are, unless a leading zero says that they are names (`01`)."""
    if values.dtype.kind in "biuf":
        return values
    known = values.dropna().astype(str)
    numeric = pandas().to_numeric(values, errors="coerce")
    if known.str.match(r"-?0\d").any() or numeric.notna().sum() < len(known):
        return values.astype(object).where(values.notna(), None)
    converted: Series = numeric
    return converted
