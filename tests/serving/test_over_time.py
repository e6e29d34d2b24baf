"""Timelines and explanations over HTTP: what the same calls in Python give."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from affekt import Recognizer, audio, explain
from affekt.recognizer import MODELS
from affekt.serving import Limits, Settings
from tests.fixtures import tiny
from tests.serving.conftest import running

PATHS = sorted(tiny.EXAMPLES.glob("*.flac"))
CLIP = PATHS[0].read_bytes()


@pytest.fixture(scope="module")
def talk() -> bytes:
    """Four clips and a pause in one recording of 16 bits."""
    parts = [audio.read(path) for path in PATHS]
    parts.insert(2, np.zeros(40_000, np.float32))
    held = io.BytesIO()
    soundfile.write(held, np.concatenate(parts), 16_000, format="wav", subtype="PCM_16")
    return held.getvalue()


def test_a_timeline_is_the_recognisers(base: str, tiny_model_folder: Path, talk: bytes) -> None:
    expected = Recognizer.load(tiny_model_folder).over_time(talk, window=1.5, hop=0.5).to_dict()
    answer = httpx.post(
        f"{base}/v1/predict", params={"timeline": True, "window": 1.5, "hop": 0.5}, content=talk
    )
    found = answer.json()["results"][0]["timeline"]
    assert (found["window"], found["hop"], found["summary"]) == (1.5, 0.5, expected["summary"])
    assert "no_speech" in {one["emotion"] for one in found["windows"]}
    for kind in ("windows", "segments"):
        for one, other in zip(found[kind], expected[kind], strict=True):
            assert (one["start"], one["end"], one["emotion"]) == (
                other["start"],
                other["end"],
                other["label"],
            )
            assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)


def test_captions_hold_the_segments(base: str, talk: bytes) -> None:
    answer = httpx.post(f"{base}/v1/predict", params={"format": "vtt"}, content=talk)
    assert answer.headers["content-type"].startswith("text/vtt")
    blocks = answer.text.strip().split("\n\n")
    assert blocks[0] == "WEBVTT" and len(blocks) > 2
    for block in blocks[1:]:
        assert re.fullmatch(r"(00:00:\d\d\.\d{3} --> )(00:00:\d\d\.\d{3})\n(no_speech|[a-z]+ \d+%)", block)


def test_channels_are_mixed_or_split(base: str, tiny_model_folder: Path) -> None:
    left, right = (audio.read(path)[:16_000] for path in PATHS[:2])
    held = io.BytesIO()
    soundfile.write(held, np.stack([left, right], axis=1), 16_000, format="wav", subtype="FLOAT")
    files = [("file", ("two", held.getvalue())), ("file", ("bad", b"x"))]
    rows = httpx.post(f"{base}/v1/predict?channels=split", files=files).json()["results"]
    assert [(row["file"], row["channel"], row["error"]) for row in rows] == [
        ("two", 1, None),
        ("two", 2, None),
        ("bad", 1, "format"),
    ]
    recognizer = Recognizer.load(tiny_model_folder)
    for row, samples in zip(rows, (left, right), strict=False):
        assert row["scores"] == pytest.approx(recognizer(samples, sampling_rate=16_000).scores, abs=1e-5)
    mixed = httpx.post(f"{base}/v1/predict", files=files).json()["results"][0]
    assert mixed["channel"] is None
    expected = recognizer((left + right) / 2, sampling_rate=16_000).scores
    assert mixed["scores"] == pytest.approx(expected, abs=1e-5)
    table = httpx.post(f"{base}/v1/predict?channels=split&format=csv", files=files).text
    assert [line.split(",")[3] for line in table.splitlines()] == ["channel", "1", "2", "1"]


@pytest.mark.parametrize(
    "query", [{"window": 1, "hop": 2}, {"window": 0}, {"hop": 0.01}, {"window": "nan"}, {"window": 1e9}]
)
def test_windows_that_make_no_sense_are_refused(base: str, query: dict[str, float]) -> None:
    answer = httpx.post(f"{base}/v1/predict", params={"timeline": True, **query}, content=CLIP)
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "query"


def test_captions_of_several_or_of_a_bad_one_are_refused(base: str) -> None:
    two = [("file", ("a", CLIP)), ("file", ("b", CLIP))]
    assert httpx.post(f"{base}/v1/predict?format=vtt", files=two).status_code == 422
    bad = httpx.post(f"{base}/v1/predict?format=vtt", content=b"x")
    assert bad.status_code == 422 and bad.json()["error"]["code"] == "format"


@pytest.mark.skipif(not MODELS["default"].is_dir(), reason="this copy ships no weights")
def test_an_explanation_is_that_of_the_command(base: str) -> None:
    held = io.BytesIO()
    soundfile.write(held, audio.read(PATHS[0])[4000:12_000], 16_000, format="wav")
    clip = held.getvalue()
    expected = explain(clip, "default", method="occlusion", emotion="sadness").to_dict()
    query = {"model": "default", "method": "occlusion", "emotion": "sadness"}
    files = [("file", ("clip.wav", clip))]
    found = httpx.post(f"{base}/v1/explain", params=query, files=files, timeout=60).json()
    assert found["file"] == "clip.wav" and found["emotion"] == "sadness" and set(found) == set(expected)
    np.testing.assert_allclose(found["map"]["values"], expected["map"]["values"], atol=1e-4)
    assert found["regions"] == expected["regions"]


@pytest.mark.parametrize(
    ("query", "content", "code"),
    [
        ({"method": "magic"}, CLIP, "query"),
        ({"emotion": "boredom"}, CLIP, "query"),
        ({"method": "attention"}, CLIP, "usage"),
        ({"method": "occlusion"}, CLIP, "usage"),
        ({"method": "occlusion"}, b"no audio", "format"),
    ],
)
def test_what_cannot_be_explained_says_why(
    base: str, query: dict[str, str], content: bytes, code: str
) -> None:
    answer = httpx.post(f"{base}/v1/explain", params=query, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


@pytest.fixture
def short(tiny_model_folder: Path) -> Iterator[str]:
    with running(
        f"tiny={tiny_model_folder}", Settings(port=0, limits=Limits(seconds=1.5, explained_seconds=1))
    ) as url:
        yield url


def test_long_recordings_are_a_bad_row_and_are_not_explained(short: str) -> None:
    row = httpx.post(f"{short}/v1/predict", content=CLIP).json()["results"][0]
    assert row["error"] == "too_large" and "send a smaller one" in row["message"]
    assert httpx.post(f"{short}/v1/explain", content=CLIP).status_code == 422
