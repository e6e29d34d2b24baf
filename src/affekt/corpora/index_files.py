"""Tables of a corpus, of its clips and of its speakers: where a clip is, what its columns hold."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from affekt.corpora.label_files import Entry
from affekt.corpora.shapes import Index, People
from affekt.errors import CorpusError

Raw = dict[str, str]
_Table = tuple[Index, Path, Sequence[tuple[int, Raw]]]


def entries_of_index(root: Path, files: Sequence[str], indices: Sequence[Index]) -> Iterator[Entry]:
    """The place of every listed clip, and its columns, None where unknown; see `Index`.

    Args:
        root: the folder of the corpus.
        files: places below it, in which the tables are looked for; one of several may be absent.
        indices: which tables list clips, and how.

    Raises:
        CorpusError: none of the tables is there, or one cannot be read or lacks a column.
    """
    found = [(index, _nearest(index.file, files)) for index in indices]
    if all(file is None for _, file in found):
        missing = " or ".join(index.file for index in indices)
        raise CorpusError(f"{root / missing}: missing; give the folder that holds the corpus's index")
    here = [(index, root / file, _rows(root / file, index.separator)) for index, file in found if file]
    for index, path, rows in here:
        if not index.ratings:
            yield from (_entry(path, number, row, index) for number, row in rows)
    yield from _rated([listed for listed in here if listed[0].ratings])


def about_people(root: Path, files: Sequence[str], declared: People) -> dict[str, Raw]:
    """What the corpus's table of speakers says of each, by Affekt's columns; nothing where it is not there.

    Raises:
        CorpusError: it cannot be read or lacks a column.
    """
    file = _nearest(declared.file, files)
    if file is None:
        return {}
    told: dict[str, Raw] = {}
    for number, row in _rows(root / file, declared.separator):
        name = _value(root / file, number, row, declared.speaker)
        values = _columns(root / file, number, row, declared.columns)
        told[name] = {column: value for column, value in values.items() if value}
    return told


def _nearest(name: str, files: Sequence[str]) -> str | None:
    """The file of that name that lies under the fewest folders."""
    found = [file for file in files if f"/{file}".endswith(f"/{name}")]
    return min(found, key=lambda file: (file.count("/"), file), default=None)


def _entry(path: Path, number: int, row: Raw, index: Index) -> Entry:
    columns = _columns(path, number, row, index.columns)
    return _filled(path, number, row, index.audio), {**columns, **index.always}


def _columns(path: Path, number: int, row: Raw, columns: dict[str, str]) -> dict[str, str | None]:
    return {ours: _value(path, number, row, theirs) or None for ours, theirs in columns.items()}


def _filled(path: Path, number: int, row: Raw, text: str) -> str:
    # Not str.format: it reads a dot in a column's name as an attribute, and would follow one in a value's.
    return re.sub(r"\{([^{}]+)\}", lambda match: _value(path, number, row, match[1]).rpartition("/")[2], text)


def _value(path: Path, number: int, row: Raw, column: str) -> str:
    if column not in row:
        raise CorpusError(f"{path}: line {number}: no column '{column}'")
    return row[column].strip()


def _rated(tables: Sequence[_Table]) -> Iterator[Entry]:
    """A clip for all of its raters: the columns of the first, the means of all, and the label these make."""
    scores: dict[str, dict[str, list[float]]] = {}
    columns: dict[str, dict[str, str | None]] = {}
    for index, path, rows in tables:
        for number, row in rows:
            place, told = _entry(path, number, row, index)
            columns.setdefault(place, told)
            given = scores.setdefault(place, {})
            for word, column in index.ratings.items():
                if text := _value(path, number, row, column):
                    given.setdefault(word, []).append(_number(path, number, column, text))
    for place, given in scores.items():
        means = {word: math.fsum(values) / len(values) for word, values in given.items()}
        highest = max(means.values(), default=0.0)
        ahead = [word for word, mean in means.items() if mean == highest > 0]
        label = ahead[0] if len(ahead) == 1 else None
        yield place, {**columns[place], **{w: f"{mean:.6g}" for w, mean in means.items()}, "label": label}


def _number(path: Path, number: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CorpusError(f"{path}: line {number}: '{text:.40}' in the column '{column}' is no number")
    return value


def _rows(path: Path, separator: str) -> list[tuple[int, Raw]]:
    """Numbers of lines, counted by rows below the header, and what stands in their columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, delimiter=separator, quoting=csv.QUOTE_MINIMAL, restval="")
            return [
                (number, {key: value for key, value in row.items() if key is not None})
                for number, row in enumerate(reader, start=2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: cannot be read ({error})") from error
