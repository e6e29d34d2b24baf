"""IEMOCAP in its real layout: who speaks, what was felt, and what is wrong with a copy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from affekt import corpora
from affekt.doctor import check_corpus
from affekt.errors import CorpusError
from affekt.splits import make_folds

RATE = 16000
HEAD = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
REMARKS = "C-E2:\tNeutral;\t()\nC-F1:\tNeutral;\t(curious)\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"

# What is said in a small copy: by dialogue, the turns and their words.
TURNS = {
    "Ses01F_impro01": {"F000": "neu", "M003": "exc"},
    "Ses01M_script01_1b": {"F001": "ang", "M000": "xxx"},
    "Ses02F_impro03": {"F000": "hap", "M000": "sad"},
    "Ses02M_impro03": {"F007": "fru", "M001": "oth"},
}


def label_file(root: Path, dialogue: str) -> Path:
    return root / f"Session{dialogue[4]}" / "dialog" / "EmoEvaluation" / f"{dialogue}.txt"


def recording(root: Path, turn: str) -> Path:
    dialogue = turn.rpartition("_")[0]
    return root / f"Session{turn[4]}" / "sentences" / "wav" / dialogue / f"{turn}.wav"


def line(turn: str, word: str, dimensions: str = "[2.5000, 3.0000, 3.5000]") -> str:
    return f"[6.2901 - 8.2357]\t{turn}\t{word}\t{dimensions}\n"


def write_labels(root: Path, dialogue: str, turns: dict[str, str]) -> None:
    path = label_file(root, dialogue)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [line(f"{dialogue}_{turn}", word) + REMARKS for turn, word in turns.items()]
    path.write_text(HEAD + "".join(lines))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A tone of its own pitch for every turn of `TURNS`, the labels, and the rest that comes with them."""
    number = 0
    for dialogue, turns in TURNS.items():
        write_labels(tmp_path, dialogue, turns)
        for turn in turns:
            number += 1
            time = np.arange(int(0.2 * RATE)) / RATE
            path = recording(tmp_path, f"{dialogue}_{turn}")
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, 0.4 * np.sin(2 * np.pi * (150 + 40 * number) * time), RATE)
            (path.parent / f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
        hidden = label_file(tmp_path, f"{dialogue}")
        (hidden.parent / f"._{hidden.name}").write_bytes(b"\x00\x05\x16\x07[\n")
        own = hidden.parent / "Categorical" / f"{dialogue}_e2_cat.txt"
        own.parent.mkdir(exist_ok=True)
        own.write_text(f"{dialogue}_F000 :Neutral state; ()\n")
        whole = tmp_path / f"Session{dialogue[4]}" / "dialog" / "wav" / f"{dialogue}.wav"
        whole.parent.mkdir(exist_ok=True)
        whole.write_text(dialogue)
    return tmp_path


def by_turn(root: Path, labels: dict[str, str | None] | None = None) -> dict[str, dict[str, Any]]:
    """The rows of a corpus, by the names of their turns."""
    table = corpora.load(f"iemocap:{root}", labels=labels)
    return {
        Path(str(row["file"])).stem: {str(k): v for k, v in row.items()} for row in table.to_dict("records")
    }


def test_every_labelled_turn_is_a_row_and_nothing_else_is(copy: Path) -> None:
    rows = by_turn(copy)
    assert sorted(rows) == [f"{dialogue}_{turn}" for dialogue, turns in TURNS.items() for turn in turns]
    assert {(row["corpus"], row["language"]) for row in rows.values()} == {("iemocap", "en")}
    # The times in the labels are those of the dialogue; a turn's own file is taken whole.
    assert all(math.isnan(row["start"]) and math.isnan(row["end"]) for row in rows.values())


def test_hidden_files_and_whole_dialogues_are_not_taken_for_lost_turns(copy: Path) -> None:
    findings = check_corpus(f"iemocap:{copy}").findings
    codes = [(finding.severity, finding.code) for finding in findings]
    assert codes == [("warning", "missing_speakers"), ("warning", "too_short"), ("info", "not_compared")]
    assert "6 of 10 speakers are missing (here are 01F, 01M, 02F, 02M); 8 of 10039" in findings[0].message


def test_the_speaker_is_the_letter_of_the_turn_not_the_one_with_the_markers(copy: Path) -> None:
    rows = by_turn(copy)
    assert {turn: (row["speaker"], row["gender"], row["session"]) for turn, row in rows.items()} == {
        "Ses01F_impro01_F000": ("01F", "female", "1"),
        "Ses01F_impro01_M003": ("01M", "male", "1"),
        "Ses01M_script01_1b_F001": ("01F", "female", "1"),
        "Ses01M_script01_1b_M000": ("01M", "male", "1"),
        "Ses02F_impro03_F000": ("02F", "female", "2"),
        "Ses02F_impro03_M000": ("02M", "male", "2"),
        "Ses02M_impro03_F007": ("02F", "female", "2"),
        "Ses02M_impro03_M001": ("02M", "male", "2"),
    }


def test_labels_keep_their_words_and_two_of_them_are_no_emotion(copy: Path) -> None:
    felt = {row["label"]: row["emotion"] for row in by_turn(copy).values()}
    assert felt == {
        "neu": "neutral", "exc": "excitement", "ang": "anger", "xxx": None,
        "hap": "happiness", "sad": "sadness", "fru": "frustration", "oth": None,
    }  # fmt: skip


def test_parts_and_dimensions_are_columns(copy: Path) -> None:
    write_labels(copy, "Ses01F_impro01", {"F000": "neu"})
    with label_file(copy, "Ses01F_impro01").open("a") as stream:
        stream.write(line("Ses01F_impro01_M003", "exc", "[NaN, 4.5000, 1.6667]"))
    rows = by_turn(copy)
    parts = [turn for turn, row in rows.items() if row["part"] == "scripted"]
    assert parts == ["Ses01M_script01_1b_F001", "Ses01M_script01_1b_M000"]
    assert {row["part"] for row in rows.values()} == {"improvised", "scripted"}
    known, unknown = rows["Ses01F_impro01_F000"], rows["Ses01F_impro01_M003"]
    assert (known["valence"], known["activation"], known["dominance"]) == (2.5, 3.0, 3.5)
    assert math.isnan(unknown["valence"])
    assert (unknown["activation"], unknown["dominance"]) == (4.5, 1.6667)


def test_excitement_is_merged_into_happiness_where_asked(copy: Path) -> None:
    rows = by_turn(copy, {"excitement": "happiness", "fru": None})
    assert [rows["Ses01F_impro01_M003"][name] for name in ("emotion", "label")] == ["happiness", "exc"]
    assert rows["Ses02M_impro03_F007"]["emotion"] is None


def test_a_session_is_left_out_with_both_of_its_speakers(copy: Path) -> None:
    table = corpora.load(f"iemocap:{copy}")
    folds = make_folds(table, "session", validation_speakers=0).folds
    assert [set(table["speaker"].iloc[fold.test]) for fold in folds] == [{"01F", "01M"}, {"02F", "02M"}]
    assert [set(table["session"].iloc[fold.train]) for fold in folds] == [{"2"}, {"1"}]
    alone = make_folds(table, "loso").folds
    assert [set(table["speaker"].iloc[fold.test]) for fold in alone] == [{"01F"}, {"01M"}, {"02F"}, {"02M"}]


def test_the_improvised_part_as_a_table_beside_the_corpus_is_read_again(copy: Path) -> None:
    table = corpora.load(f"iemocap:{copy}", labels={"excitement": "happiness"})
    improvised = table[table["part"] == "improvised"]
    corpora.write(improvised, copy / "improvised.csv")
    again = corpora.load(str(copy / "improvised.csv"))
    for column in ("path", "speaker", "session", "label", "emotion", "part", "valence"):
        assert again[column].tolist() == improvised[column].tolist()
    assert len(make_folds(again, "session").folds) == 2


def test_the_release_may_lie_in_a_folder_of_its_own_and_in_another_format(copy: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    for session in ("Session1", "Session2"):
        (above / "IEMOCAP_full_release").mkdir(exist_ok=True)
        (copy / session).rename(above / "IEMOCAP_full_release" / session)
    wav = recording(above / "IEMOCAP_full_release", "Ses01F_impro01_M003")
    wav.rename(wav.with_suffix(".flac"))
    rows = by_turn(above)
    assert len(rows) == 8
    assert rows["Ses01F_impro01_M003"]["file"].endswith("Ses01F_impro01_M003.flac")


def test_a_turn_without_audio_is_named(copy: Path) -> None:
    recording(copy, "Ses02F_impro03_M000").unlink()
    with pytest.raises(CorpusError, match=r"1 clips .* first Session2/sentences/wav/.*/Ses02F_impro03_M000;"):
        corpora.load(f"iemocap:{copy}")
    findings = {finding.code: finding for finding in check_corpus(f"iemocap:{copy}").findings}
    assert findings["missing_file"].files == ("Session2/sentences/wav/Ses02F_impro03/Ses02F_impro03_M000",)


def test_a_turn_that_no_line_labels_is_left_out_and_reported(copy: Path) -> None:
    write_labels(copy, "Ses02F_impro03", {"F000": "hap"})
    assert len(corpora.load(f"iemocap:{copy}")) == 7
    findings = {finding.code: finding for finding in check_corpus(f"iemocap:{copy}", quick=True).findings}
    assert [Path(file).stem for file in findings["unmatched"].files] == ["Ses02F_impro03_M000"]


@pytest.mark.parametrize(
    "broken",
    [
        "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\n",
        "[6.2901 - 8.2357]\tSes01F_impro01_F000\t[2.5000, 2.5000, 2.5000]\n",
        "[6.2901 - 8.2357]\tSes01F_impro01_000\tneu\t[2.5000, 2.5000, 2.5000]\n",
        "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000]\n",
    ],
)
def test_a_broken_label_is_one_error_that_names_file_and_line(copy: Path, broken: str) -> None:
    label_file(copy, "Ses01F_impro01").write_text(HEAD + broken)
    with pytest.raises(CorpusError, match=r"EmoEvaluation/Ses01F_impro01\.txt: line 3: '\[6\.2901") as error:
        corpora.load(f"iemocap:{copy}")
    assert "\n" not in str(error.value)
    (finding,) = check_corpus(f"iemocap:{copy}", quick=True).findings
    assert (finding.severity, finding.code) == ("error", "unusable")


def test_an_unknown_word_is_named(copy: Path) -> None:
    write_labels(copy, "Ses01F_impro01", {"F000": "meh", "M003": "exc"})
    with pytest.raises(CorpusError, match=r"'meh' \(1 times, first Session1/.*F000\.wav"):
        corpora.load(f"iemocap:{copy}")


def test_audio_without_labels_says_what_is_missing(tmp_path: Path) -> None:
    path = recording(tmp_path, "Ses01F_impro01_F000")
    path.parent.mkdir(parents=True)
    path.write_text("audio")
    with pytest.raises(CorpusError, match="no label files here"):
        corpora.load(f"iemocap:{tmp_path}")
