"""Counts against published ones, by emotion, label and subset."""

from __future__ import annotations

from affekt import corpora
from affekt.corpora.counts import compare_counts
from affekt.corpora.scan import Row

FOUR = ("ang", "exc", "hap", "neu", "sad")


def whole_iemocap() -> list[Row]:
    """10,039 rows with the published numbers by label, session and part."""
    expected = corpora.spec("iemocap").expected
    wholes = {
        subset.where["session"][0]: subset.clips for subset in expected.subsets if "session" in subset.where
    }
    assert wholes == {"1": 1085, "2": 1023, "3": 1151, "4": 1031, "5": 1241}
    sessions = [number for number, clips in wholes.items() for _ in range(clips)]
    improvised = {
        subset.where["label"][0]: subset.clips for subset in expected.subsets if "part" in subset.where
    }
    rows: list[Row] = []
    for label, count in expected.labels.items():
        for at in range(count):
            session = sessions.pop() if label in FOUR else str(at % 5 + 1)
            rows.append(
                {
                    "file": f"{len(rows)}.wav",
                    "label": label,
                    "session": session,
                    "speaker": f"0{session}{'FM'[at // 5 % 2]}",
                    "part": "improvised" if at < improvised.get(label, 0) else "scripted",
                }
            )
    assert not sessions
    return rows


def test_a_whole_corpus_is_said_to_be_as_published() -> None:
    (finding,) = compare_counts(corpora.spec("iemocap"), whole_iemocap())
    assert (finding.code, finding.message) == ("complete", "10039 clips of 10 speakers, as published")


def test_a_changed_label_is_found_in_every_count_that_it_changes() -> None:
    rows = whole_iemocap()
    changed = next(row for row in rows if (row["label"], row["part"]) == ("ang", "improvised"))
    changed["label"] = "xxx"
    findings = list(compare_counts(corpora.spec("iemocap"), rows))
    assert {(finding.severity, finding.code) for finding in findings} == {("error", "wrong_count")}
    assert [finding.message for finding in findings] == [
        "clips by label differ: ang 1102 (published 1103), xxx 2508 (published 2507)",
        "session 5, label ang or exc or hap or neu or sad: 1240 clips; published are 1241",
        "part improvised, label ang: 288 clips; published are 289",
    ]


def test_a_clip_too_few_is_an_error_and_a_missing_session_a_warning() -> None:
    rows = whole_iemocap()
    (finding,) = compare_counts(corpora.spec("iemocap"), rows[1:])
    assert (finding.severity, finding.message) == (
        "error", "10038 clips of 10 speakers; published are 10039 of 10",
    )  # fmt: skip
    (finding,) = compare_counts(corpora.spec("iemocap"), [row for row in rows if row["session"] == "1"])
    assert finding.severity == "warning"
    assert finding.message.startswith("8 of 10 speakers are missing (here are 01F, 01M); ")


def test_of_many_speakers_some_are_named() -> None:
    rows: list[Row] = [{"file": f"{at}.wav", "speaker": f"id{10270 + at}"} for at in range(40)]
    (finding,) = compare_counts(corpora.spec("voxceleb1"), rows)
    assert finding.message.startswith("1211 of 1251 speakers are missing (here are id10270, id10271, ")
    assert "id10299 and 10 more); 40 of 153516 clips" in finding.message
