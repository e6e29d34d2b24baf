"""`affekt.evaluate`: what is compared, what is left out, and clips that cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from affekt.errors import CorpusError, UsageError
from affekt.recognizer import Recognizer
from affekt.verbs.evaluate import evaluate
from tests.fixtures import tiny, toy


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Clips of two speakers: three emotions that the model knows, fear, and one without any."""
    written = toy.corpus(tmp_path, speakers=2)
    for at in range(2):
        soundfile.write(tmp_path / "toy" / f"x{at}.wav", toy.clip("anger", at, 0.4), toy.RATE)
    with written.open("a") as stream:
        stream.write("toy/x0.wav,s0,fear,toy\ntoy/x1.wav,s1,,toy\n")
    return written


def test_labels_are_compared_where_both_sides_have_them(tiny_model_folder: Path, table: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = evaluate(tiny_model_folder, str(table), threads=1, tick=lambda *at: seen.append(at))
    assert found.compared == ("anger", "neutral", "sadness")
    assert found.only_model == ("happiness",)
    assert found.only_table == ("fear",)
    assert (found.left_out, found.failures) == (2, ())
    assert found.report.labels == found.compared
    assert found.report.clips == len(found.scored) == 12
    assert seen[-1] == (12, 12)
    for part in ("Compared: anger, neutral, sadness.", "happiness", "2 clips", "(fear)"):
        assert part in found.statement()


def test_scores_are_the_recognisers_over_the_shared_labels(tiny_model_folder: Path, table: Path) -> None:
    found = evaluate(tiny_model_folder, str(table))
    recognizer = Recognizer.load(tiny_model_folder)
    shared = [tiny.LABELS.index(label) for label in found.compared]
    for row in found.scored.to_dict("records"):
        scores = recognizer.predict_proba([table.parent / row["file"]])[0][shared]
        scores /= scores.sum()
        assert np.abs([row[f"score_{label}"] for label in found.compared] - scores).max() < 1e-5
        assert row["predicted"] == found.compared[int(scores.argmax())]
        assert row["speaker"] in ("toy/s0", "toy/s1")


def test_a_broken_clip_is_named_and_left_out(tiny_model_folder: Path, table: Path) -> None:
    (table.parent / "toy" / "s0-anger-1.wav").write_bytes(b"RIFF but not for long")
    found = evaluate(tiny_model_folder, str(table))
    assert found.report.clips == 11
    assert len(found.failures) == 1
    assert "s0-anger-1.wav" in found.failures[0]
    assert "1 clips could not be read" in found.statement()
    assert found.to_json()["failures"] == list(found.failures)


def test_segments_are_scored_by_their_times(tiny_model_folder: Path, tmp_path: Path) -> None:
    both = np.concatenate([toy.clip("anger", 1, 0.5), toy.clip("sadness", 2, 0.5)])
    soundfile.write(tmp_path / "call.wav", both, toy.RATE)
    table = tmp_path / "segments.csv"
    table.write_text(
        "file,start,end,speaker,emotion\ncall.wav,0,0.5,a,anger\ncall.wav,0.5,,b,sadness\ncall.wav,7,8,b,anger\n"
    )
    found = evaluate(tiny_model_folder, str(table))
    recognizer = Recognizer.load(tiny_model_folder)
    waveform = recognizer.listen(tmp_path / "call.wav").samples
    first, second = recognizer.logits([waveform[:8000], waveform[8000:]])
    places = [tiny.LABELS.index(label) for label in found.compared]
    assert [found.compared[int(one[places].argmax())] for one in (first, second)] == list(
        found.scored["predicted"]
    )
    assert len(found.failures) == 1
    assert "between 7.0 and 8.0 s" in found.failures[0]


def test_what_cannot_be_compared_is_refused(tiny_model_folder: Path, table: Path) -> None:
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines if "anger" in line or "fear" in line)]))
    with pytest.raises(CorpusError, match="shares"):
        evaluate(tiny_model_folder, str(table))
    with pytest.raises(UsageError, match="neither a known model"):
        evaluate("defualt", str(table))


def test_nothing_that_can_be_read_is_an_error(tiny_model_folder: Path, table: Path) -> None:
    for clip in (table.parent / "toy").glob("*.wav"):
        clip.write_bytes(b"gone")
    with pytest.raises(CorpusError, match="no clip could be read"):
        evaluate(tiny_model_folder, str(table))
