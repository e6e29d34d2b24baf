"""Rows over time: of windows, of segments, of whole recordings; of channels and of stretches."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import parselmouth
import pytest
import soundfile
from typer.testing import CliRunner

import affekt
from affekt import Recognizer, UsageError, audio, cli
from affekt.span_tables import Span
from affekt.verbs.predict import lopsided
from tests.fixtures import tiny

RATE = audio.SAMPLE_RATE
CLIPS = [audio.read(path) for path in sorted(tiny.EXAMPLES.glob("*.flac"))]
SILENCE = np.zeros(4 * RATE, np.float32)


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Recognizer:
    return Recognizer.load(tiny_model_folder, threads=1)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mono recording with a pause, and a call with a speaker in each channel."""
    folder = tmp_path_factory.mktemp("calls")
    soundfile.write(folder / "mono.wav", np.concatenate([CLIPS[0], SILENCE, CLIPS[3]]), RATE)
    left, right = np.concatenate([CLIPS[0], SILENCE]), np.concatenate([SILENCE, CLIPS[3]])
    soundfile.write(folder / "stereo.wav", np.stack([left, right], axis=1), RATE)
    return folder


def rows_of(paths: Any, model: Recognizer, **asked: Any) -> list[dict[str, Any]]:
    with affekt.predict(paths, model, threads=1, **asked) as rows:
        found = list(rows)
        assert all(list(row) == rows.columns for row in found)
    return found


def command(*words: str | Path) -> Any:
    ran = CliRunner().invoke(cli.app, ["predict", *map(str, words)])
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran


def test_windows_are_those_of_the_timeline(model: Recognizer, calls: Path) -> None:
    rows = rows_of(calls / "mono.wav", model, window=1.0, hop=0.5, scores=True)
    timeline = model.over_time(calls / "mono.wav", window=1.0, hop=0.5)
    assert [(row["start"], row["end"], row["emotion"]) for row in rows] == [
        (one.start, one.end, one.label) for one in timeline.windows
    ]
    silent = [row for row in rows if row["emotion"] == "no_speech"]
    assert silent
    for row in silent:
        assert (row["confidence"], row["status"], row["score_anger"]) == (None, "no_speech", None)
    assert all(row["score_anger"] is not None for row in rows if row not in silent)


def test_segments_leave_no_gap(model: Recognizer, calls: Path) -> None:
    rows = rows_of(calls / "mono.wav", model, segments=True)
    assert (rows[0]["start"], rows[-1]["end"]) == (0.0, 8.0)
    assert all(one["end"] == other["start"] for one, other in itertools.pairwise(rows))
    assert "no_speech" in [row["emotion"] for row in rows]


def test_a_summary_is_one_row_with_shares(model: Recognizer, calls: Path) -> None:
    rows = rows_of([calls / "mono.wav", "nowhere.wav"], model, summary=True)
    told = model.over_time(calls / "mono.wav").summary
    assert rows[0]["emotion"] == told.dominant
    for label in (*tiny.LABELS, "no_speech", "unknown"):
        assert rows[0][f"share_{label}"] == pytest.approx(told.shares.get(label), abs=1e-6)
    assert rows[0]["transitions"] == sum(told.transitions.values())
    assert 0.2 < rows[0]["speech_share"] < 0.7
    assert rows[1]["error"] == "not_found"


def test_channels_of_a_call_are_speakers_of_their_own(model: Recognizer, calls: Path) -> None:
    rows = rows_of(calls / "stereo.wav", model, window=2.0, hop=2.0, split=True)
    told = [(row["channel"], row["start"], row["emotion"] == "no_speech") for row in rows]
    assert told == [
        (1, 0.0, False), (1, 2.0, True), (1, 4.0, True),
        (2, 0.0, True), (2, 2.0, True), (2, 4.0, False),
    ]  # fmt: skip
    alone = model.over_time(CLIPS[3], sampling_rate=RATE).windows[0]
    assert rows[-1]["emotion"] == alone.label
    # 16 bits in the file.
    assert rows[-1]["confidence"] == pytest.approx(alone.confidence, abs=1e-3)
    whole = rows_of([calls / "mono.wav", calls / "stereo.wav", "nowhere.wav"], model, split=True)
    assert [(row["channel"], row["error"]) for row in whole] == [
        (1, None), (1, None), (2, None), (None, "not_found"),
    ]  # fmt: skip


def test_a_stretch_is_scored_as_if_cut_out(model: Recognizer, calls: Path) -> None:
    path = str(calls / "mono.wav")
    samples = audio.read(path)
    stretches = [Span(path, 0.5, 1.75), Span(path, 6.0), Span(path, 9.0, 10.0)]
    rows = [row for one in stretches for row in rows_of([one], model, scores=True)]
    for row, (start, end) in zip(rows[:2], ((0.5, 1.75), (6.0, 8.0)), strict=True):
        alone = model(samples[round(start * RATE) : round(end * RATE)], sampling_rate=RATE)
        assert (row["start"], row["end"], row["emotion"]) == (start, end, alone.label)
        assert row["score_anger"] == pytest.approx(alone.scores["anger"], abs=1e-4)
    assert (rows[2]["error"], rows[2]["start"]) == ("empty", 9.0)
    windows = rows_of([Span(path, 6.0)], model, window=1.0, hop=1.0)
    assert [(row["start"], row["end"]) for row in windows] == [(6.0, 7.0), (7.0, 8.0)]


def test_the_command_writes_windows_as_a_table(tiny_model_folder: Path, calls: Path) -> None:
    ran = command(calls / "mono.wav", "-m", tiny_model_folder, "--window", "2", "--hop", "1")
    table = pd.read_csv(io.StringIO(ran.stdout)).set_index(["file", "start", "end"])
    assert len(table) == 7
    assert not table.index.duplicated().any()


def test_the_command_writes_a_file_for_each_recording(
    tiny_model_folder: Path, calls: Path, tmp_path: Path
) -> None:
    out = tmp_path / "labels"
    ran = command(calls, "nowhere.wav", "-m", tiny_model_folder, "-f", "textgrid", "-o", out)
    assert ran.exit_code == 1
    assert sorted(path.name for path in out.iterdir()) == ["mono.TextGrid", "stereo.TextGrid"]
    grid = parselmouth.Data.read(str(out / "mono.TextGrid"))
    count = parselmouth.praat.call(grid, "Get number of intervals", 1)
    labels = [parselmouth.praat.call(grid, "Get label of interval", 1, at + 1) for at in range(count)]
    assert labels == [
        row["emotion"]
        for row in rows_of(calls / "mono.wav", Recognizer.load(tiny_model_folder), segments=True)
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--hop", "1"], "give --window too"),
        (["--smoothing", "1"], "give --window too"),
        (["--window", "1", "--hop", "2"], "there would be gaps"),
        (["--segments", "--summary"], "one or the other"),
        (["--window", "2", "--coverage", "0.9"], "holds for whole recordings"),
        (["--channels", "left"], "known are mix, split"),
        (["-f", "eaf"], "add -o FOLDER"),
        (["-f", "vtt", "-o", "out.vtt"], "name a folder"),
    ],
)
def test_what_does_not_go_together_is_refused_at_once(
    tiny_model_folder: Path, calls: Path, words: list[str], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        command(calls / "mono.wav", "-m", tiny_model_folder, *words)


def test_one_label_for_nearly_all_is_told(tiny_model_folder: Path, calls: Path) -> None:
    clip = str(sorted(tiny.EXAMPLES.glob("*.flac"))[0])
    assert "50 of 50 recordings are" in command(*[clip] * 50, "-m", tiny_model_folder).stderr
    assert command(*[clip] * 49, "-m", tiny_model_folder).stderr == ""
    assert lopsided({"anger": 90, "fear": 10}) == ""
    assert lopsided({"anger": 91, "fear": 9}).startswith("91 of 100 recordings are anger")
    assert lopsided({}) == ""
