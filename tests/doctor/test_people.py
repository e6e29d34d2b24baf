"""Speakers and balance: what the columns say of them, and names that contradict the table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from affekt.doctor import check_corpus


def told(folder: Path, rows: list[tuple[str, str, str, str]]) -> dict[str, str]:
    table = pd.DataFrame(rows, columns=["file", "speaker", "emotion", "gender"])
    for name in table["file"]:
        (folder / name).write_text(name)
    table.to_csv(folder / "t.csv", index=False)
    found = check_corpus(str(folder / "t.csv"), quick=True).findings
    return {finding.code: finding.message for finding in found}


def people(*names: str, gender: str = "") -> list[tuple[str, str, str, str]]:
    return [
        (f"{at}-{emotion}.wav", name, emotion, gender)
        for at, name in enumerate(names)
        for emotion in ("anger", "fear")
    ]


def test_sound_people_give_no_finding(tmp_path: Path) -> None:
    assert told(tmp_path, people("anna", "bert", "carl")) == {}


@pytest.mark.parametrize(
    ("one", "other"), [("anna", "Anna"), ("anna b", "anna  b"), ("s7", "s07"), ("anna", "ＡＮＮＡ")]
)
def test_spellings_of_one_name_are_told(tmp_path: Path, one: str, other: str) -> None:
    assert set(told(tmp_path, people(one, other, "carl"))) == {"speaker_spelling"}


@pytest.mark.parametrize(
    ("one", "other"), [("Zoé", "Zoe"), ("spk7", "7"), ("Speaker_07", "7"), ("O'Neil", "ONeil")]
)
def test_names_that_are_merely_alike_are_told_apart_from_spellings(
    tmp_path: Path, one: str, other: str
) -> None:
    assert set(told(tmp_path, people(one, other, "carl"))) == {"speaker_similar"}


@pytest.mark.parametrize(("one", "other"), [("M01", "F01"), ("anna", "hanna"), ("1", "10")])
def test_other_people_are_not_alike(tmp_path: Path, one: str, other: str) -> None:
    assert told(tmp_path, people(one, other)) == {}


def test_one_emotion_two_genders_and_lack_of_balance_are_told(tmp_path: Path) -> None:
    rows = people("a", "b", "c", "d", gender="female") + [
        (f"x{at}.wav", "e", "anger", "female") for at in range(9)
    ]
    rows += [("y.wav", "a", "anger", "male")]
    found = told(tmp_path, rows)
    assert set(found) == {"speaker_one_emotion", "speaker_gender", "label_imbalance", "gender_imbalance"}
    assert "1 of 5 speakers" in found["speaker_one_emotion"]
    assert found["label_imbalance"] == "14 clips of anger, 4 of fear"


def test_unknown_words_are_told_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    found = told(tmp_path, [*people("a", "A"), ("z.wav", "b", "hapiness", "")])
    assert set(found) == {"unknown_label", "speaker_spelling"}
    assert "'hapiness' (1 times, first z.wav, near 'happiness')" in found["unknown_label"]


def test_a_table_that_contradicts_published_names_is_told(tmp_path: Path) -> None:
    names = ["03a01Fa.wav", "03a01Wa.wav", "08a02Ea.wav", "08a02Aa.wav"]
    right = ["happiness", "anger", "disgust", "fear"]
    assert told(tmp_path, [(name, name[:2], word, "") for name, word in zip(names, right, strict=True)]) == {}
    wrong = ["happiness", "anger", "fear", "disgust"]
    found = told(tmp_path, [(name, name[:2], word, "") for name, word in zip(names, wrong, strict=True)])
    assert (
        "2 rows: `emotion` is disgust where names say fear, fear where names say disgust"
        in found["name_contradicts"]
    )
    found = told(tmp_path, [(name, "08", word, "") for name, word in zip(names, right, strict=True)])
    assert "`speaker` is 08 where names say 03" in found["name_contradicts"]
