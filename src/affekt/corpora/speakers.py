"""Who speaks: one key per person, across corpora and spellings."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from affekt.corpora.table import pandas
from affekt.errors import CorpusError

if TYPE_CHECKING:
    import pandas as pd

_UNKNOWN = frozenset({"", "unknown", "nan", "none", "?"})


def speaker_key(table: pd.DataFrame, *, allow_unknown: bool = False) -> pd.Series[str]:
    """`corpus/speaker` for each row, on the table's own row labels; `speaker` alone where no corpus is named.

    Spellings that differ in case, spaces, dashes or leading zeros are one speaker, under the spelling that
    sorts first. With `allow_unknown`, each file of an unknown speaker counts as a speaker of its own.

    Raises:
        CorpusError: rows without a speaker, unless allowed.
    """
    speakers = words(table, "speaker")
    corpora = words(table, "corpus")
    unknown = [speaker.casefold() in _UNKNOWN for speaker in speakers]
    files = words(table, "file")
    if any(unknown) and not allow_unknown:
        first = unknown.index(True)
        raise CorpusError(
            f"{sum(unknown)} rows have no speaker, first {files[first]}; fill the column 'speaker' "
            f"or allow unknown speakers"
        )
    written = [
        f"{corpus}/?{file}" if missing else (f"{corpus}/{speaker}" if corpus else speaker)
        for corpus, speaker, file, missing in zip(corpora, speakers, files, unknown, strict=True)
    ]
    folded = {key: key if "/?" in key else _fold_spelling(key) for key in set(written)}
    first_spelling: dict[str, str] = {}
    for key in sorted(folded):
        first_spelling.setdefault(folded[key], key)
    keys = [first_spelling[folded[key]] for key in written]
    result: pd.Series[str] = pandas().Series(keys, index=table.index, dtype=object, name="speaker_key")
    return result


def words(table: pd.DataFrame, column: str) -> list[str]:
    """A column as stripped strings, `""` where unknown or absent."""
    if column not in table.columns:
        return [""] * len(table)
    return ["" if value is None or value != value else str(value).strip() for value in table[column]]  # noqa: PLR0124


def _fold_spelling(key: str) -> str:
    plain = unicodedata.normalize("NFKC", key).casefold()
    return re.sub(r"[\s_-]+", "-", re.sub(r"(?<!\d)0+(?=\d)", "", plain))
