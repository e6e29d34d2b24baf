"""Tables read from disk: Affekt's own, nkululeko's, Hugging Face's `metadata.csv`, audformat's index."""

from __future__ import annotations

import csv
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.corpora.emotions import EmotionMap, Labels, one_line, unknown_words
from affekt.corpora.table import COLUMNS, TIMES, complete, pandas
from affekt.errors import CorpusError, MissingExtraError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")

_ALIASES = {
    "file_name": "file", "filename": "file", "wav": "file", "audio": "file",
    "speaker_id": "speaker", "spk": "speaker", "emo": "emotion", "sex": "gender", "lang": "language",
}  # fmt: skip


def read(
    path: Path,
    root: Path | None = None,
    labels: Labels | None = None,
    unknown: dict[str, list[str]] | None = None,
) -> DataFrame:
    """A table from `.csv`, `.tsv` or `.parquet`; `root` is the folder its files are relative to.

    Args:
        path: CSV with commas, semicolons or tabs, UTF-8 with or without a byte-order mark.
        root: the table's own folder where not given.
        labels: own words -> emotions; see `EmotionMap`.
        unknown: takes emotion words that are not known, each with its files, whose rows are then left without
            an emotion; without it, such a word is an error.

    Raises:
        CorpusError: no such table, no column `file`, a time that is none, an unknown emotion word, or a
            segment that is listed twice; the message names the row, counted from 1 below the header.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no such table; give a .csv, .tsv or .parquet file")
    table = _renamed(_read_parquet(path) if path.suffix.lower() == ".parquet" else _read_text(path), path)
    _require_files(table, path)
    for name in TIMES:
        if name in table.columns:
            table[name] = _seconds(table[name], path)
    done = complete(table, root or path.parent)
    strange = _map_emotions(done, EmotionMap(labels))
    if strange and unknown is None:
        raise CorpusError(unknown_words(str(path), strange))
    if unknown is not None:
        unknown.update(strange)
    _check_segments(done, path)
    return done


def _read_text(path: Path) -> DataFrame:
    pd = pandas()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            line = stream.readline()
        separator = max("\t,;", key=line.count) if path.suffix.lower() != ".tsv" else "\t"
        header = next(csv.reader([line], delimiter=separator), [])
        if len(set(header)) != len(header):
            raise CorpusError(f"{path}: a column stands twice in the header; rename one")
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table: DataFrame = pd.read_csv(
                path,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                na_values=[""],
                encoding="utf-8-sig",
                index_col=False,
            )
    except pd.errors.EmptyDataError as error:
        raise CorpusError(f"{path}: empty; a table needs a header with a column 'file'") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not UTF-8 text; save it as UTF-8") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error, ValueError) as error:
        reason = one_line(str(error))
        raise CorpusError(
            f"{path}: not a table: {reason}; each line needs as many fields as the header"
        ) from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror}") from error
    return table


def _read_parquet(path: Path) -> DataFrame:
    pd = pandas()
    try:
        table: DataFrame = pd.read_parquet(path, engine="pyarrow")
    except ImportError as error:
        raise MissingExtraError("reading Parquet", "train") from error
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: not a Parquet table: {one_line(str(error))}") from error
    return table.reset_index() if table.index.names != [None] else table


def _renamed(table: DataFrame, path: Path) -> DataFrame:
    given = [one_line(str(name)) for name in table.columns]
    ours = [name.lower() if name.lower() in (*COLUMNS, *_ALIASES) else name for name in given]
    ours = [_ALIASES[name] if name in _ALIASES and _ALIASES[name] not in ours else name for name in ours]
    if "emotion" not in ours and "label" in ours:
        ours[ours.index("label")] = "emotion"
    table = table.set_axis(ours, axis=1)
    table = table[[name for name in table.columns if name and not name.startswith("Unnamed:")]]
    if "file" not in table.columns:
        raise CorpusError(f"{path}: no column 'file'; it has {', '.join(given) or 'none'}")
    if repeated := sorted({name for name in ours if ours.count(name) > 1}):
        raise CorpusError(f"{path}: more than one column means '{repeated[0]}'; keep one")
    return table.copy()


def _require_files(table: DataFrame, path: Path) -> None:
    empty = table["file"].isna() | (table["file"].astype(str).str.strip() == "")
    if empty.any():
        raise CorpusError(f"{path}: row {int(empty.to_numpy().argmax()) + 1}: column 'file' is empty")
    broken = table["file"].astype(str).str.contains(r"[\x00-\x1f]", regex=True)
    if broken.any():
        row = int(broken.to_numpy().argmax()) + 1
        raise CorpusError(
            f"{path}: row {row}: column 'file' holds a control character; is a quote left open?"
        )
    table["file"] = table["file"].astype(str).str.replace("\\", "/", regex=False)


def _seconds(values: Series, path: Path) -> Series:
    pd = pandas()
    if values.dtype.kind == "m":
        durations: Series = values.dt.total_seconds()
        return durations
    words = values.astype(object).where(values.notna(), None)
    seconds = pd.to_numeric(words, errors="coerce").astype(float)
    rest = words[seconds.isna() & words.notna() & (words.astype(str) != "NaT")].astype(str)
    seconds[rest.index] = pd.to_timedelta(rest, errors="coerce").dt.total_seconds()
    wrong = rest[seconds[rest.index].isna()]
    infinite = seconds.isin([float("inf"), float("-inf")])
    if len(wrong) or infinite.any():
        row = wrong.index[0] if len(wrong) else int(infinite.to_numpy().argmax())
        raise CorpusError(
            f"{path}: row {row + 1}, column '{values.name}': '{one_line(str(values[row]))}' is no time; "
            f"give seconds (1.5) or '0 days 00:00:01.5'"
        )
    done: Series = seconds
    return done


def _map_emotions(table: DataFrame, emotion_of: EmotionMap) -> dict[str, list[str]]:
    """Puts emotions in the place of words; gives the unknown words, each with its files."""
    unknown: dict[str, list[str]] = defaultdict(list)
    emotions: dict[str, str | None] = {}
    for word in table["emotion"].dropna().unique():
        try:
            emotions[word] = emotion_of(word)
        except KeyError:
            unknown[word] = table.loc[table["emotion"] == word, "file"].tolist()
    words = table["emotion"]
    table["label"] = table["label"].where(table["label"].notna(), words)
    table["emotion"] = pandas().Series(
        [emotions.get(word) for word in words], dtype=object, index=table.index
    )
    return unknown


def _check_segments(table: DataFrame, path: Path) -> None:
    wrong = (table["start"] < 0) | (table["end"] <= table["start"].fillna(0))
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise CorpusError(
            f"{path}: row {row + 1}: from {table['start'][row]} s to {table['end'][row]} s is no segment; "
            f"start must be 0 or more and end after it"
        )
    twice = table.duplicated(["path", "start", "end"])
    if twice.any():
        row = int(twice.to_numpy().argmax())
        raise CorpusError(f"{path}: row {row + 1}: '{table['file'][row]}' is listed twice; take one row out")
