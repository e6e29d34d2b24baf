"""Tables of a corpus: several of them, in any folder; several raters of a clip; what is said of speakers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from affekt.corpora.counts import compare_counts
from affekt.corpora.index_files import about_people, entries_of_index
from affekt.corpora.scan import Row, inspect_declared
from affekt.corpora.shapes import Index, People
from affekt.corpora.spec import CorpusSpec, parse
from affekt.errors import CorpusError

TRAIN = Index(
    file="train.csv", audio="train/d{Dialogue.ID}", separator=",",
    columns={"label": "Emotion", "speaker": "Who"}, always={"split": "train"},
)  # fmt: skip
TEST = TRAIN.model_copy(
    update={"file": "test.csv", "audio": "test/d{Dialogue.ID}", "always": {"split": "test"}}
)
HEAD = "Dialogue.ID,Emotion,Who\n"


def put(root: Path, name: str, text: str) -> str:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return name


def test_several_tables_are_found_in_any_folder_and_say_what_is_always_so(tmp_path: Path) -> None:
    files = [
        put(tmp_path, "a/b/test.csv", HEAD + "0,joy,Ann\n"),
        put(tmp_path, "train.csv", HEAD + "0,fear, \n"),
    ]
    assert list(entries_of_index(tmp_path, files, [TRAIN, TEST])) == [
        ("train/d0", {"label": "fear", "speaker": None, "split": "train"}),
        ("test/d0", {"label": "joy", "speaker": "Ann", "split": "test"}),
    ]


def test_of_two_tables_of_a_name_the_one_under_fewer_folders_counts(tmp_path: Path) -> None:
    files = [
        put(tmp_path, "a/b/train.csv", HEAD + "1,joy,x\n"),
        put(tmp_path, "z/train.csv", HEAD + "2,joy,x\n"),
        put(tmp_path, "no_train.csv", HEAD + "3,joy,x\n"),
    ]
    assert [place for place, _ in entries_of_index(tmp_path, files, [TRAIN])] == ["train/d2"]


def test_one_table_of_several_may_be_absent_and_not_all(tmp_path: Path) -> None:
    files = [put(tmp_path, "test.csv", HEAD + "0,joy,x\n")]
    assert len(list(entries_of_index(tmp_path, files, [TRAIN, TEST]))) == 1
    with pytest.raises(CorpusError, match=r"train\.csv or test\.csv: missing"):
        list(entries_of_index(tmp_path, [], [TRAIN, TEST]))


def test_braces_in_a_value_are_no_columns(tmp_path: Path) -> None:
    files = [put(tmp_path, "train.csv", HEAD + "{Who.__class__},joy,x\n")]
    assert next(entries_of_index(tmp_path, files, [TRAIN]))[0] == "train/d{Who.__class__}"


RATED = Index(
    file="labels.csv", audio="{clip}", separator=",", columns={"session": "video"},
    ratings={"anger": "Answer.anger", "fear": "Answer.fear"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("votes", "label", "anger"),
    [
        (["3,0", "0,1", "0,1"], "anger", "1"),
        (["1,0", "0,1"], None, "0.5"),
        (["0,0", "0,0"], None, "0"),
        (["1,2", ",2", "0,2"], "fear", "0.5"),
    ],
)
def test_the_highest_mean_of_raters_is_the_label(
    tmp_path: Path, votes: list[str], label: str | None, anger: str
) -> None:
    rows = "".join(f"c,v,{vote}\n" for vote in votes)
    files = [put(tmp_path, "labels.csv", "clip,video,Answer.anger,Answer.fear\n" + rows + "d,v,2,1\n")]
    (place, columns), other = entries_of_index(tmp_path, files, [RATED])
    assert (place, columns["session"], columns["label"], columns["anger"]) == ("c", "v", label, anger)
    assert other == ("d", {"session": "v", "label": "anger", "anger": "2", "fear": "1"})


@pytest.mark.parametrize("odd", ["much", "nan", "inf"])
def test_a_rating_that_is_no_number_is_refused(tmp_path: Path, odd: str) -> None:
    files = [put(tmp_path, "labels.csv", f"clip,video,Answer.anger,Answer.fear\nc,v,1,0\nc,v,{odd},0\n")]
    with pytest.raises(CorpusError, match=f"line 3: '{odd}' in the column 'Answer.anger' is no number"):
        list(entries_of_index(tmp_path, files, [RATED]))


def test_people_are_known_by_name_and_a_missing_table_says_nothing(tmp_path: Path) -> None:
    people = People(file="who.csv", speaker="id", columns={"gender": "sex", "age": "years"})
    files = [put(tmp_path, "x/who.csv", "id,sex,years\n7,Female,30\n8,Male,\n")]
    assert about_people(tmp_path, files, people) == {
        "7": {"gender": "Female", "age": "30"},
        "8": {"gender": "Male"},
    }
    assert about_people(tmp_path, [], people) == {}
    with pytest.raises(CorpusError, match="line 2: no column 'years'"):
        about_people(tmp_path, [put(tmp_path, "who.csv", "id,sex\n7,f\n")], people)


def declared(**changes: Any) -> CorpusSpec:
    text = """
name = "tiny"
title = "Tiny"
language = "mul"
citation = "Nobody 2020"
url = "https://example.org"
licence = { text = "CC0", non_commercial = false }
emotions = { joy = "happiness", fear = "fear" }
words = { speaker = { Unknown = "" } }
speakers = { ann = { gender = "female", age = 40, language = "zh" } }
expected = { clips = 3, speakers = 1 }
"""
    indices = [index.model_dump() for index in (TRAIN, TEST)]
    spec = parse(text + "files = { pattern = 'a' }", "tiny.toml")
    return CorpusSpec.model_validate({**spec.model_dump(), "files": None, "index": indices, **changes})


def test_a_listed_clip_lies_in_any_folder_and_each_recording_is_one_clip(tmp_path: Path) -> None:
    put(tmp_path, "train.csv", HEAD + "0,joy,ann\n0,joy,ann\n1,fear,Unknown\n2,fear,ann\n")
    for name in ("deep/train/d0.wav", "copy/train/d0.wav", "train/d1.mp4", "train/d3.wav"):
        put(tmp_path, name, name)
    lost = [{**TRAIN.model_dump(), "lost": ("train/d2",)}]
    found = inspect_declared(tmp_path, declared(index=lost))
    assert [(row["file"], row["speaker"], row["language"], row["age"]) for row in found.rows] == [
        ("copy/train/d0.wav", "ann", "zh", "40"),
        ("train/d1.mp4", None, None, None),
    ]
    assert found.missing == ["train/d0"]
    assert found.unmatched == ["deep/train/d0.wav", "train/d3.wav"]


def test_what_the_corpus_says_of_a_speaker_fills_what_is_not_known(tmp_path: Path) -> None:
    put(tmp_path, "train.csv", HEAD + "0,joy,ann\n1,joy,Unknown\n")
    put(tmp_path, "people.csv", "id,sex,note\nann,male,tired\nUnknown,female,\n")
    for name in ("train/d0.wav", "train/d1.wav"):
        put(tmp_path, name, name)
    people = {"file": "people.csv", "speaker": "id", "columns": {"gender": "sex", "note": "note"}}
    rows = inspect_declared(tmp_path, declared(people=people, words={})).rows
    assert [(row["speaker"], row["gender"], row.get("note")) for row in rows] == [
        ("ann", "female", "tired"),
        ("Unknown", "female", None),
    ]


def test_counts_without_speakers_or_with_caution_are_told_as_such() -> None:
    spec = declared(expected={"clips": 2, "speakers": None})
    (finding,) = compare_counts(spec, [{"file": "a"}])
    assert (finding.severity, finding.message) == ("error", "1 clips; published are 2")
    (finding,) = compare_counts(spec, [{"file": "a"}, {"file": "b"}])
    assert (finding.code, finding.message) == ("complete", "2 clips, as published")
    spec = declared(expected={"clips": 2, "speakers": 11, "caution": "of release 1"})
    (finding,) = compare_counts(spec, [{"file": "a"}, {"file": "b"}, {"file": "c", "speaker": None}])
    assert (finding.severity, finding.message) == ("warning", "3 clips; published are 2 (of release 1)")


def test_splits_are_counted_and_then_the_emotions() -> None:
    spec = declared(
        expected={
            "clips": 2, "speakers": None, "emotions": {"fear": 2},
            "splits": {"train": {"clips": 1}, "test": {"clips": 1}},
        }
    )  # fmt: skip
    rows: list[Row] = [
        {"file": "a", "split": "train", "emotion": "fear"}, {"file": "b", "split": "test", "emotion": "fear"},
    ]  # fmt: skip
    assert [finding.code for finding in compare_counts(spec, rows)] == ["complete"]
    rows[0]["split"] = "test"
    rows[1]["emotion"] = "happiness"
    assert [finding.message for finding in compare_counts(spec, rows)] == [
        "test: 2 clips; published are 1",
        "clips by emotion differ: fear 1 (published 2)",
    ]
