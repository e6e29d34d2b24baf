"""`POST /v1/predict` on a real server."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pytest

from affekt import Recognizer
from tests.fixtures import tiny

CLIPS = sorted(tiny.EXAMPLES.glob("*.flac"))


def form(*parts: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", part) for part in parts]


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_each_recording_gets_the_row_that_the_recogniser_gives(base: str, tiny_model_folder: Path) -> None:
    recognizer = Recognizer.load(tiny_model_folder)
    sent = form(*((path.name, path.read_bytes()) for path in CLIPS))
    answer = httpx.post(f"{base}/v1/predict", files=sent)
    assert answer.json()["model"] == "tiny"
    for path, row in zip(CLIPS, results(answer), strict=True):
        expected = recognizer(path)
        assert (row["file"], row["emotion"], row["status"]) == (path.name, expected.label, "ok")
        assert row["end"] == pytest.approx(expected.end)
        assert row["scores"] == pytest.approx(expected.scores, abs=1e-5)


def test_a_raw_body_is_one_recording(base: str) -> None:
    content = CLIPS[0].read_bytes()
    alone = results(httpx.post(f"{base}/v1/predict", content=content))
    in_form = results(httpx.post(f"{base}/v1/predict", files=form(("x", content))))
    assert alone == [in_form[0] | {"file": "recording"}]


def test_a_bad_recording_is_a_bad_row_between_good_ones(base: str) -> None:
    good = CLIPS[0].read_bytes()
    rows = results(
        httpx.post(f"{base}/v1/predict", files=form(("a", good), ("b.wav", b"no audio"), ("c", good)))
    )
    assert [row["error"] for row in rows] == [None, "format", None]
    assert rows[1]["status"] == "error:format" and rows[1]["message"].startswith("b.wav: ")
    assert rows[1]["emotion"] is rows[1]["scores"] is rows[1]["end"] is None
    assert rows[0]["scores"] == rows[2]["scores"]


def test_csv_is_what_predict_writes(base: str) -> None:
    content = CLIPS[0].read_bytes()
    sent = form(("a,b.flac", content), ("bad", b"x"))
    answer = httpx.post(f"{base}/v1/predict", params={"format": "csv"}, files=sent)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["file"] for row in rows] == ["a,b.flac", "bad"]
    assert float(rows[0]["score_anger"]) > 0 and rows[1]["error"] == "format"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"content": b""}, 400, "no_recording"),
        ({"files": [("other", ("x", b"x"))]}, 400, "unknown_field"),
        ({"json": {"url": "http://127.0.0.1/"}}, 415, "unsupported_body"),
        ({"data": {"file": "/etc/passwd"}}, 415, "unsupported_body"),
        ({"content": b"x", "headers": {"content-encoding": "gzip"}}, 415, "unsupported_encoding"),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 400, "malformed_form"),
        (
            {"content": b"?", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            400,
            "malformed_form",
        ),
        ({"content": b"x", "params": {"model": "../default"}}, 404, "unknown_model"),
        ({"content": b"x", "params": {"format": "xml"}}, 422, "query"),
    ],
)
def test_what_cannot_be_answered_says_why(base: str, body: dict[str, Any], status: int, code: str) -> None:
    answer = httpx.post(f"{base}/v1/predict", **body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["message"] and error["request_id"] == answer.headers["x-request-id"]


def test_names_are_shown_as_text_and_nothing_else(base: str) -> None:
    for name in ("../../etc/passwd", "<script>", "a\u202eb", "C:\\x", "x" * 3000, "ü.wav"):
        row = results(httpx.post(f"{base}/v1/predict", files=form((name, b"x"))))[0]
        assert len(row["file"]) <= 255 and row["file"].isprintable()
        assert row["error"] == "format"
