"""Emotion over time: every second covered, windows as if cut out, the same live and from a file."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt import AudioEmptyError, Recognizer, UsageError, audio
from affekt.timeline import Timeline, TimelineScorer, Window
from tests.fixtures import tiny

RATE = audio.SAMPLE_RATE
CLIPS = [audio.read(path) for path in sorted(tiny.EXAMPLES.glob("*.flac"))]
PAUSE = np.zeros(5 * RATE, np.float32)
CALL = np.concatenate([CLIPS[0], CLIPS[1], PAUSE, CLIPS[2], CLIPS[3][:12_345]])
"""Eleven seconds and a bit: two clips, a long pause, two clips."""


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Recognizer:
    return Recognizer.load(tiny_model_folder, threads=1)


def hear(model: Recognizer, samples: np.ndarray, **asked: Any) -> Timeline:
    return model.over_time(samples, sampling_rate=RATE, **asked)


def test_a_windows_scores_are_those_of_the_stretch_alone(model: Recognizer) -> None:
    timeline = hear(model, CALL, window=1.5, hop=0.7, speech=False)
    for window in timeline.windows:
        piece = CALL[round(window.start * RATE) : round(window.end * RATE)]
        alone = model(piece, sampling_rate=RATE)
        assert window.label == alone.label
        assert window.scores == pytest.approx(alone.scores, abs=1e-4)


def test_the_shipped_model_scores_windows_as_if_cut_out() -> None:
    default = Recognizer.load(threads=1)
    for window in hear(default, CALL, speech=True).windows:
        piece = CALL[round(window.start * RATE) : round(window.end * RATE)]
        if window.label != "no_speech":
            assert window.scores == pytest.approx(default(piece, sampling_rate=RATE).scores, abs=1e-4)


@given(
    samples=st.integers(1, len(CALL)),
    window=st.floats(0.1, 4),
    share=st.floats(0.1, 1),
)
@settings(max_examples=25)
def test_every_sample_is_covered(model: Recognizer, samples: int, window: float, share: float) -> None:
    hop = max(0.05, window * share)
    timeline = hear(model, CALL[:samples], window=window, hop=hop)
    windows = timeline.windows
    assert windows[0].start == 0
    assert windows[-1].end == timeline.duration == samples / RATE
    for one, other in pairwise(windows):
        assert one.start < other.start <= one.end < other.end
    assert len({round(one.end - one.start, 9) for one in windows}) == 1
    for before, after in pairwise(timeline.segments):
        assert before.end == after.start
        assert before.label != after.label
    assert (timeline.segments[0].start, timeline.segments[-1].end) == (0, timeline.duration)
    assert math.isclose(sum(timeline.summary.shares.values()), 1)


def test_a_recording_shorter_than_a_window_is_one_window(model: Recognizer) -> None:
    (window,) = hear(model, CLIPS[0][:10_000]).windows
    assert (window.start, window.end) == (0, 0.625)


@given(
    cuts=st.lists(st.integers(0, len(CALL)), max_size=30),
    window=st.sampled_from([0.3, 2.0]),
    smoothing=st.sampled_from([0.0, 1.5]),
)
@settings(max_examples=12)
def test_live_windows_are_those_of_the_file(
    model: Recognizer, cuts: list[int], window: float, smoothing: float
) -> None:
    expected = hear(model, CALL, window=window, hop=None, smoothing=smoothing)
    scorer = TimelineScorer(model, window, None, smoothing=smoothing, name="array")
    live = [one for piece in np.split(CALL, sorted(cuts)) for one in scorer.push(piece)]
    assert live == list(expected.windows[: len(live)])
    assert len(live) >= len(expected.windows) - 1
    assert scorer.finish() == expected


def test_a_window_is_known_with_its_last_sample(model: Recognizer) -> None:
    scorer = TimelineScorer(model, 1.0, 0.5)
    assert scorer.push(CALL[: RATE - 1]) == []
    assert [one.end for one in scorer.push(CALL[RATE - 1 : RATE])] == [1.0]
    assert [one.end for one in scorer.push(CALL[RATE : 3 * RATE])] == [1.5, 2.0, 2.5, 3.0]


def test_a_pause_is_no_speech_and_only_where_it_is(model: Recognizer) -> None:
    timeline = hear(model, CALL, window=1.0, hop=0.5)
    silent = [one for one in timeline.windows if one.label == "no_speech"]
    assert min(one.start for one in silent) <= 5.0
    assert max(one.end for one in silent) >= 8.5
    assert all(one.start >= 3 and one.end <= 9.6 for one in silent)
    for one in silent:
        assert (one.confidence, one.scores, one.status) == (None, {}, "no_speech")
    assert [one.label for one in timeline.segments].count("no_speech") == 1
    assert timeline.speech is not None
    assert 0.3 < timeline.speech / timeline.duration < 0.65
    assert hear(model, CALL, speech=False).summary.speech_share is None


def test_silence_alone_has_no_emotion(model: Recognizer) -> None:
    summary = hear(model, PAUSE).summary
    assert summary.dominant == "no_speech"
    assert summary.shares == {"no_speech": 1.0}
    assert (summary.transitions, summary.speech_share) == ({}, 0.0)


def test_smoothing_averages_log_scores_with_those_before(model: Recognizer) -> None:
    asked: dict[str, Any] = {"window": 1.0, "hop": 0.5, "speech": False}
    raw, smooth = hear(model, CALL, **asked), hear(model, CALL, smoothing=2.0, **asked)
    assert smooth.windows[0].scores == pytest.approx(raw.windows[0].scores)
    kept = math.exp(-0.5 / 2)
    labels = tiny.LABELS

    def logs(window: Window) -> np.ndarray:
        return np.log(np.maximum([window.scores[label] for label in labels], 1e-12))

    mean = logs(raw.windows[0])
    for one, other in zip(raw.windows[1:-1], smooth.windows[1:-1], strict=True):
        mean = kept * mean + (1 - kept) * logs(one)
        expected = np.exp(mean) / np.exp(mean).sum()
        assert [other.scores[label] for label in labels] == pytest.approx(expected.tolist(), abs=1e-9)
    assert len(smooth.segments) <= len(raw.segments)


def test_smoothing_begins_anew_after_a_pause(model: Recognizer) -> None:
    asked: dict[str, Any] = {"window": 1.0, "hop": 1.0}
    raw, smooth = hear(model, CALL, **asked).windows, hear(model, CALL, smoothing=9.0, **asked).windows
    after = max(at for at, one in enumerate(raw) if one.label == "no_speech") + 1
    assert smooth[after].scores == pytest.approx(raw[after].scores)
    assert smooth[1].scores != pytest.approx(raw[1].scores)


def test_the_summary_counts_time_and_changes(model: Recognizer) -> None:
    timeline = hear(model, CALL, window=1.0, hop=1.0)
    told = [one.label for one in timeline.segments if one.label != "no_speech"]
    changes = [(one, other) for one, other in pairwise(told) if one != other]
    summary = timeline.summary
    assert sum(summary.transitions.values()) == len(changes)
    assert set(summary.transitions) == set(changes)
    seconds = sum(one.end - one.start for one in timeline.segments if one.label == summary.dominant)
    assert summary.shares[summary.dominant] == pytest.approx(seconds / timeline.duration)
    assert summary.dominant in tiny.LABELS


def test_below_the_least_confidence_a_window_is_unknown(model: Recognizer) -> None:
    timeline = hear(model, CALL, min_confidence=1.0)
    assert {one.label for one in timeline.windows} == {"unknown", "no_speech"}
    assert all(one.scores for one in timeline.windows if one.label == "unknown")


def test_all_of_it_is_plain_data(model: Recognizer) -> None:
    timeline = hear(model, CALL)
    told = json.loads(json.dumps(timeline.to_dict(), allow_nan=False))
    assert len(told["windows"]) == len(timeline.windows)
    assert told["summary"]["duration"] == pytest.approx(timeline.duration, abs=1e-6)
    assert "windows" not in timeline.to_dict(windows=False)
    rows = timeline.rows(scores=True)
    assert [row["emotion"] for row in rows] == [one.label for one in timeline.windows]
    assert {f"score_{one}" for one in tiny.LABELS} <= set(rows[0])
    assert [row["start"] for row in timeline.rows(segments=True)] == [
        round(one.start, 6) for one in timeline.segments
    ]


def test_a_file_is_heard_in_blocks_with_its_warnings_and_progress(model: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "call.flac"
    soundfile.write(path, np.tile(CALL, 3), RATE)
    cut = tmp_path / "cut.flac"
    cut.write_bytes(path.read_bytes()[:-9000])
    seen: list[tuple[float, float | None]] = []
    timeline = model.over_time(cut, progress=lambda done, expected: seen.append((done, expected)))
    assert timeline.file == str(cut)
    assert timeline.warnings == ("truncated",)
    assert timeline.rows()[0]["status"].startswith("warning:truncated")
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][1] == pytest.approx(3 * len(CALL) / RATE)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"window": 0.0}, "window: 0 s; give at least"),
        ({"window": math.nan}, "window: nan s"),
        ({"window": 1.0, "hop": 2.0}, "there would be gaps"),
        ({"smoothing": -1.0}, "smoothing: -1 s"),
        ({"min_confidence": 60}, "give a share from 0 to 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(model: Recognizer, asked: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        TimelineScorer(model, **asked)


def test_nothing_is_no_timeline(model: Recognizer) -> None:
    with pytest.raises(AudioEmptyError):
        TimelineScorer(model).finish()
