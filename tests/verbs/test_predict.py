"""Exactly one row for each recording, in order, whatever is in it."""

from __future__ import annotations

import io
import itertools
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import affekt
from affekt import Recognizer, UsageError, writers
from affekt.config import CalibrationRecord, Threshold
from affekt.verbs.predict import COLUMNS, columns
from tests.fixtures import tiny


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Recognizer:
    return Recognizer.load(tiny_model_folder, threads=1)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Good clips, and one of each kind of bad one."""
    for path in tiny.EXAMPLES.glob("*.flac"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    chirp = 0.3 * np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not audio")
    soundfile.write(tmp_path / "nan.wav", np.full(1000, np.nan), 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0), 16_000)
    soundfile.write(tmp_path / "short.wav", chirp[:100], 16_000)
    (tmp_path / "cut.flac").write_bytes((tmp_path / "anger-03a01Wa.flac").read_bytes()[:20_000])
    return tmp_path


def test_one_row_for_each_also_for_the_bad_ones(model: Recognizer, mixed: Path) -> None:
    rows = list(affekt.predict([mixed, "nowhere.wav", mixed / "*.none"], model))
    names = [*sorted(str(path) for path in mixed.iterdir()), "nowhere.wav", str(mixed / "*.none")]
    assert [row["file"] for row in rows] == names
    status = {Path(row["file"]).name: row["status"] for row in rows}
    assert status["anger-03a01Wa.flac"] == "ok"
    assert status["short.wav"] == "warning:short"
    assert status["empty.wav"] == status["nothing.wav"] == "error:empty"
    assert status["text.wav"] == "error:format"
    assert status["nan.wav"] == "error:non_finite"
    assert status["nowhere.wav"] == status["*.none"] == "error:not_found"
    assert status["cut.flac"].startswith("warning:truncated")
    for row in rows:
        assert list(row) == list(COLUMNS)
        failed = row["status"].startswith("error:")
        assert failed == (row["emotion"] is None) == (row["message"] is not None) == (row["end"] is None)
        assert row["error"] == (row["status"].removeprefix("error:") if failed else None)


def test_rows_are_those_of_the_recogniser(model: Recognizer) -> None:
    for row in affekt.predict(tiny.EXAMPLES, model, scores=True):
        prediction = model(row["file"])
        assert list(row) == columns(model, scores=True)
        assert (row["emotion"], row["start"], row["end"]) == (prediction.label, 0.0, 2.0)
        for label, score in prediction.scores.items():
            assert row[f"score_{label}"] == pytest.approx(score, abs=1e-6)


def test_rows_do_not_depend_on_threads_to_the_last_digit() -> None:
    for name in ("anger-03a01Wa", "happiness-03a01Fa"):
        clip = tiny.EXAMPLES / f"{name}.flac"
        expected = list(affekt.predict([clip] * 3, threads=1, scores=True))
        assert list(affekt.predict([clip] * 3, threads=3, scores=True)) == expected
        assert expected[0] == expected[2]


def test_order_does_not_depend_on_threads(model: Recognizer) -> None:
    names = sorted(tiny.EXAMPLES.glob("*.flac")) * 10
    expected = list(affekt.predict(names, model, threads=1))
    assert list(affekt.predict(names, model, threads=4)) == expected


def test_rows_come_while_names_still_do(model: Recognizer) -> None:
    endless = itertools.repeat(next(tiny.EXAMPLES.glob("*.flac")))
    rows = affekt.predict(endless, model)
    assert len(list(itertools.islice(rows, 30))) == 30
    rows.close()


def test_the_table_has_a_segmented_index(model: Recognizer, mixed: Path) -> None:
    stream = io.StringIO()
    with writers.to_stream(stream, columns(model), "csv") as write:
        for row in affekt.predict(mixed, model):
            write(row)
    stream.seek(0)
    table = pd.read_csv(stream).set_index(["file", "start", "end"])
    assert table.index.names == ["file", "start", "end"]
    assert table["emotion"].notna().sum() == 6
    assert table.loc[(str(mixed / "anger-03a01Wa.flac"), 0.0, 2.0), "status"] == "ok"


def test_a_name_that_is_not_utf8_is_spelled_out(model: Recognizer, tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.flac")
    Path(name).write_bytes(next(tiny.EXAMPLES.glob("*.flac")).read_bytes())
    (row,) = affekt.predict(tmp_path, model)
    assert row["file"] == f"{tmp_path}/\\xff.flac"
    assert row["status"] == "ok"


def test_a_model_by_folder(tiny_model_folder: Path) -> None:
    (row,) = affekt.predict(next(tiny.EXAMPLES.glob("*.flac")), tiny_model_folder)
    assert row["status"] == "ok"


def test_an_unknown_model_raises_at_once() -> None:
    with pytest.raises(UsageError):
        affekt.predict("clip.wav", "./nowhere")


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    """The tiny model with two thresholds."""
    folder = tmp_path_factory.mktemp("models") / "calibrated"
    thresholds = [Threshold(coverage=0.8, score=0.3), Threshold(coverage=0.9, score=0.1)]
    record = CalibrationRecord(source="nobody", clips=10, speakers=2, thresholds=thresholds)
    tiny.write(folder, calibration=record)
    return Recognizer.load(folder, threads=1)


def test_below_a_confidence_the_answer_is_unknown_and_the_scores_stay(model: Recognizer) -> None:
    plain = list(affekt.predict(tiny.EXAMPLES, model, scores=True))
    middle = sum(sorted(row["confidence"] for row in plain)[1:3]) / 2
    asked = list(affekt.predict(tiny.EXAMPLES, model, scores=True, min_confidence=middle))
    assert sum(row["emotion"] == "unknown" for row in asked) == 2
    for row, before in zip(asked, plain, strict=True):
        expected = before["emotion"] if before["confidence"] >= middle else "unknown"
        assert row == before | {"emotion": expected}


def test_sets_of_labels_hold_what_reaches_the_threshold(calibrated: Recognizer) -> None:
    assert columns(calibrated, coverage=0.9)[-1] == "labels"
    for coverage, least in ((0.8, 0.3), (0.85, 0.1), (0.5, 0.3)):
        for row in affekt.predict(tiny.EXAMPLES, calibrated, scores=True, coverage=coverage):
            scores = calibrated(row["file"]).scores
            likeliest = next(iter(scores))
            expected = [label for label, one in scores.items() if one >= least or label == likeliest]
            assert row["labels"].split("+") == expected
            assert row["emotion"] == expected[0]


def test_a_bad_recording_has_no_set(calibrated: Recognizer) -> None:
    (row,) = affekt.predict("nowhere.wav", calibrated, coverage=0.9, min_confidence=0.5)
    assert row["labels"] is None and row["emotion"] is None


def test_sets_that_a_model_cannot_give_stop_at_once(model: Recognizer, calibrated: Recognizer) -> None:
    with pytest.raises(UsageError, match=r"not calibrated.*--calibrate-from"):
        affekt.predict("clip.wav", model, coverage=0.9)
    with pytest.raises(UsageError, match=r"no threshold for a coverage of 0.95; it holds at most 0.9"):
        affekt.predict("clip.wav", calibrated, coverage=0.95)
    with pytest.raises(UsageError, match="give a share between 0 and 1"):
        affekt.predict("clip.wav", calibrated, coverage=90)
    with pytest.raises(UsageError, match="give a share from 0 to 1"):
        affekt.predict("clip.wav", model, min_confidence=60)


def test_a_prediction_carries_its_set_and_its_doubt(calibrated: Recognizer) -> None:
    prediction = calibrated(next(tiny.EXAMPLES.glob("*.flac")))
    assert "labels" not in prediction.to_dict()
    told = calibrated.with_labels(prediction, 0.9).unless_below(1.0)
    assert told.label == "unknown" and told.confidence == prediction.confidence
    assert told.labels is not None and told.to_dict()["labels"] == list(told.labels)
    assert told.to_pandas()["labels"].tolist() == ["+".join(told.labels)]
    assert prediction.unless_below(0.0) == prediction
