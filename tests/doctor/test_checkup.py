"""The corpus check: every planted fault is named, a sound corpus gives none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from affekt.corpora import Finding
from affekt.doctor import check_corpus
from affekt.errors import UsageError

RATE = 16000


def sing(path: Path, number: int, seconds: float = 0.3) -> Path:
    """A rising tone of its own pitch for each number."""
    time = np.arange(int(seconds * RATE)) / RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * (200 + 37 * number + 300 * time) * time), RATE)
    return path


def plant_ravdess(root: Path, actors: int = 24) -> Path:
    """Names as published, each file with bytes of its own."""
    for actor in range(1, actors + 1):
        folder = root / f"Actor_{actor:02d}"
        folder.mkdir(parents=True)
        for emotion in range(1, 9):
            for intensity in (1, 2) if emotion > 1 else (1,):
                for last in ("01-01", "01-02", "02-01", "02-02"):
                    name = f"03-01-{emotion:02d}-{intensity:02d}-{last}-{actor:02d}.wav"
                    (folder / name).write_text(name)
    return root


def codes(findings: list[Finding]) -> dict[str, Finding]:
    return {f"{finding.severity}:{finding.code}": finding for finding in findings}


def test_a_whole_corpus_is_said_to_be_complete(tmp_path: Path) -> None:
    findings = check_corpus(f"ravdess:{plant_ravdess(tmp_path)}", quick=True).findings
    assert list(codes(findings)) == ["info:complete"]
    assert findings[0].message == "1440 clips of 24 speakers, as published"


def test_missing_speakers_are_named_and_no_error(tmp_path: Path) -> None:
    findings = check_corpus(f"ravdess:{plant_ravdess(tmp_path, actors=22)}", quick=True).findings
    assert list(codes(findings)) == ["warning:missing_speakers"]
    assert "2 of 24 speakers are missing: 23, 24; 1320 of 1440" in findings[0].message


def test_a_lost_clip_is_an_error_that_names_the_speaker(tmp_path: Path) -> None:
    root = plant_ravdess(tmp_path)
    (root / "Actor_07" / "03-01-05-01-01-01-07.wav").unlink()
    found = [
        f.message for f in check_corpus(f"ravdess:{root}", quick=True).findings if f.code == "wrong_count"
    ]
    assert found[0] == "1439 clips of 24 speakers; published are 1440 of 24"
    assert found[1] == "speaker 07: 59 clips; published are 60"


def test_a_clip_in_another_actors_folder_is_reported_and_kept_with_its_own(tmp_path: Path) -> None:
    root = plant_ravdess(tmp_path)
    name = "03-01-05-01-01-01-07.wav"
    (root / "Actor_07" / name).rename(root / "Actor_08" / name)
    findings = codes(check_corpus(f"ravdess:{root}", quick=True).findings)
    assert findings["warning:misplaced"].files == (f"Actor_08/{name}",)
    assert "info:complete" in findings


def test_a_second_copy_of_the_tree_is_found(tmp_path: Path) -> None:
    plant_ravdess(tmp_path, actors=1)
    plant_ravdess(tmp_path / "copy", actors=1)
    findings = codes(check_corpus(f"ravdess:{tmp_path}", quick=True).findings)
    assert findings["error:wrong_count"].message == "speaker 01: 120 clips; published are 60"
    assert len(findings["warning:duplicate_audio"].files) == 2


def test_equal_audio_of_two_people_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "03a01Fa.wav").write_text("one")
    (tmp_path / "08a01Wa.wav").write_text("one")
    (tmp_path / "08a02Wa.wav").write_text("two")
    copies = codes(check_corpus(f"emodb:{tmp_path}", quick=True).findings)["error:duplicate_audio"]
    assert copies.files == ("03a01Fa.wav", "08a01Wa.wav")
    assert "of different speakers and emotions" in copies.message


def test_strange_names_and_letters_are_listed(tmp_path: Path) -> None:
    for name in ("03a01Fa.wav", "03a02Xa.wav", "readme.mp3"):
        (tmp_path / name).write_text(name)
    findings = codes(check_corpus(f"emodb:{tmp_path}", quick=True).findings)
    assert findings["warning:unmatched"].files == ("readme.mp3",)
    assert findings["error:unknown_label"].files == ("03a02Xa.wav",)


def test_clips_of_the_index_that_are_not_there_are_listed(tmp_path: Path) -> None:
    head = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
    rows = "".join(f"c{i}\tanger\tt\tt\tWR0\tmale\t23\n" for i in range(3))
    (tmp_path / "data.tsv").write_text(head + rows)
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "c1.opus").write_text("c1")
    (tmp_path / "samples" / "stray.opus").write_text("stray")
    findings = codes(check_corpus(f"nemo:{tmp_path}", quick=True).findings)
    assert findings["error:missing_file"].files == ("samples/c0", "samples/c2")
    assert findings["warning:unmatched"].files == ("samples/stray.opus",)
    assert "8 of 9 speakers are missing (here are WR0)" in findings["warning:missing_speakers"].message


def test_decoding_finds_damage_and_segments_past_the_end(tmp_path: Path) -> None:
    sing(tmp_path / "good.wav", 1)
    sing(tmp_path / "short.wav", 2)
    (tmp_path / "bad.wav").write_text("not audio")
    text = "file,start,end,speaker\ngood.wav,0,0.3,x\nshort.wav,0,0.9,x\nbad.wav,,,y\ngone.wav,,,y\n"
    (tmp_path / "t.csv").write_text(text)
    seen: list[tuple[int, int]] = []
    findings = codes(
        check_corpus(
            str(tmp_path / "t.csv"), progress=lambda done, total, _: seen.append((done, total))
        ).findings
    )
    errors = {"error:missing_file", "error:unreadable", "error:segment_past_end"}
    assert set(findings) == {*errors, "info:not_compared"}
    assert findings["error:missing_file"].files == ("gone.wav",)
    assert findings["error:unreadable"].files == ("bad.wav",)
    assert findings["error:segment_past_end"].files == ("short.wav",)
    assert seen == [(1, 3), (2, 3), (3, 3), (3, 3)]
    quick = codes(check_corpus(str(tmp_path / "t.csv"), quick=True).findings)
    assert set(quick) == {"error:missing_file"}


def test_what_the_decoder_warns_of_is_passed_on(tmp_path: Path) -> None:
    path = sing(tmp_path / "sad" / "loud.wav", 3)
    samples, rate = soundfile.read(path)
    soundfile.write(path, np.clip(samples * 20, -1, 1), rate)
    sing(tmp_path / "sad" / "fine.wav", 4)
    assert codes(check_corpus(f"folder:{tmp_path}").findings)["warning:clipped"].files == ("sad/loud.wav",)


def test_speakers_missing_or_spelled_twice_are_reported(tmp_path: Path) -> None:
    for number, name in enumerate("abc"):
        sing(tmp_path / f"{name}.wav", number)
    (tmp_path / "t.csv").write_text("file,speaker\na.wav,Anna\nb.wav,anna\nc.wav,\n")
    findings = codes(check_corpus(str(tmp_path / "t.csv"), quick=True).findings)
    assert findings["warning:no_speaker"].files == ("c.wav",)
    assert "Anna, anna" in findings["warning:speaker_spelling"].message


@pytest.mark.parametrize("source", ["emodb:{root}", "{root}/absent.csv", "emodb:{root}/absent"])
def test_nothing_there_is_an_error(tmp_path: Path, source: str) -> None:
    (finding,) = check_corpus(source.format(root=tmp_path)).findings
    assert finding.severity == "error"


def test_a_wrong_source_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        check_corpus("emodbb:x")
