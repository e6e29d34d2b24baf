"""Speaker keys: one per person, across corpora and spellings."""

from __future__ import annotations

import pandas as pd
import pytest

from affekt import corpora
from affekt.errors import CorpusError


def keys(*rows: tuple[str | None, str | None]) -> list[str]:
    table = pd.DataFrame(rows, columns=["corpus", "speaker"], dtype=object)
    table["file"] = [f"{position}.wav" for position in range(len(table))]
    return corpora.speaker_key(table, allow_unknown=True).tolist()


def test_equal_names_in_two_corpora_are_two_people() -> None:
    assert keys(("emodb", "03"), ("ravdess", "03")) == ["emodb/03", "ravdess/03"]


def test_spellings_of_one_name_are_one_person() -> None:
    written = ["Anna B", "anna_b", "ANNA-B", "Ａnna b"]
    assert len(set(keys(*[("x", name) for name in written]))) == 1
    assert keys(("x", "3"), ("x", "03"), ("x", "spk003"), ("x", "spk3")) == [
        "x/03",
        "x/03",
        "x/spk003",
        "x/spk003",
    ]


def test_names_that_differ_stay_apart() -> None:
    names = ["1", "10", "100", "0", "1-11", "11-1", "a1", "a-1", "1a", "?x"]
    assert len(set(keys(*[(None, name) for name in names]))) == len(names)


def test_the_key_does_not_depend_on_the_order_of_rows() -> None:
    rows: list[tuple[str | None, str | None]] = [("x", "anna"), ("x", "Anna"), ("x", "Bert")]
    assert keys(*rows) == list(reversed(keys(*reversed(rows))))


@pytest.mark.parametrize("nobody", [None, "", " ", "Unknown", "nan"])
def test_unknown_speakers_are_refused_or_kept_apart(nobody: str | None) -> None:
    table = pd.DataFrame({"file": ["a.wav", "b.wav"], "speaker": ["x", nobody]}, dtype=object)
    with pytest.raises(CorpusError, match=r"1 rows have no speaker, first b\.wav"):
        corpora.speaker_key(table)
    assert len(set(keys((None, nobody), (None, nobody)))) == 2


def test_the_key_stands_on_the_rows_of_the_table() -> None:
    table = pd.DataFrame({"file": ["a", "b"], "speaker": ["x", "y"]}, index=[7, 3])
    assert corpora.speaker_key(table).to_dict() == {7: "x", 3: "y"}
