"""A model folder in use: what can be given, what comes back, and that nothing but the clip matters."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt import AudioNotFoundError, ModelFolderError, Recognizer, UsageError, audio, recognizer
from affekt.model_folder import scoring
from tests.fixtures import tiny

CLIPS = sorted(tiny.EXAMPLES.glob("*.flac"))


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Recognizer:
    return Recognizer.load(tiny_model_folder, threads=1)


def chirp(seconds: float) -> Any:
    time = np.arange(round(seconds * 16_000)) / 16_000
    return (0.3 * np.sin(2 * np.pi * (200 * time + 400 * time**2))).astype(np.float32)


def test_every_kind_of_source_gives_the_same(model: Recognizer) -> None:
    path = CLIPS[0]
    samples, rate = soundfile.read(path, dtype="float32")
    expected = model(path)
    with path.open("rb") as stream:
        others = [
            model(str(path)),
            model(path.read_bytes()),
            model(stream),
            model(samples, sampling_rate=rate),
            model({"array": samples, "sampling_rate": rate}),
        ]
    for other in others:
        assert other.scores == expected.scores
    assert expected.file == str(path)
    assert (expected.start, expected.end) == (0.0, 2.0)


def test_scores_are_named_and_sorted(model: Recognizer) -> None:
    prediction = model(CLIPS[0])
    values = list(prediction.scores.values())
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1)
    assert set(prediction.scores) == set(tiny.LABELS)
    assert prediction.label == next(iter(prediction.scores))
    assert prediction.confidence == values[0]


def test_many_are_scored_as_each_alone(model: Recognizer) -> None:
    sources = [*CLIPS, *reversed(CLIPS)]
    assert model(sources) == [model(source) for source in sources]
    assert model(tuple(CLIPS)) == model(CLIPS)
    assert model([]) == []


def test_the_scikit_learn_face_agrees(model: Recognizer) -> None:
    table = model.predict_proba(CLIPS)
    assert list(model.classes_) == tiny.LABELS
    assert list(model.predict(CLIPS)) == [one.label for one in model(CLIPS)]
    for row, prediction in zip(table, model(CLIPS), strict=True):
        assert dict(zip(tiny.LABELS, row.tolist(), strict=True)) == prediction.scores
    assert model.predict_proba([]).shape == (0, 4)
    assert model.predict([]).shape == (0,)


def test_logits_and_embeddings_have_a_row_per_clip(model: Recognizer) -> None:
    waveforms = [audio.read(path) for path in CLIPS]
    logits = model.logits(waveforms)
    np.testing.assert_allclose(
        scoring.probabilities(logits, model.config.temperature), model.predict_proba(CLIPS), rtol=1e-9
    )
    assert model.embed(waveforms).shape == (len(CLIPS), tiny.BANDS)
    assert model.embed([]).shape == (0, tiny.BANDS)


def test_different_audio_scores_differently(model: Recognizer) -> None:
    table = model.predict_proba(CLIPS)
    assert len(np.unique(table.round(4), axis=0)) == len(CLIPS)


def test_threads_may_share_it(model: Recognizer) -> None:
    expected = [model(path) for path in CLIPS]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(model, CLIPS * 8)) == expected * 8


@pytest.mark.parametrize(("samples", "warned"), [(1, True), (tiny.WINDOW - 1, True), (tiny.WINDOW, False)])
def test_a_clip_below_the_models_least_is_scored_with_a_warning(
    model: Recognizer, samples: int, warned: bool
) -> None:
    prediction = model(chirp(1)[100 : 100 + samples], sampling_rate=16_000)
    assert ("short" in prediction.warnings) == warned
    assert prediction.end == samples / 16_000


def test_the_recordings_own_warnings_are_kept(model: Recognizer) -> None:
    stereo = np.stack([chirp(1), -chirp(1)], axis=1)
    assert "cancelled" in model(stereo, sampling_rate=16_000).warnings


def test_a_bad_recording_raises(model: Recognizer) -> None:
    with pytest.raises(AudioNotFoundError):
        model("nowhere.wav")


@pytest.mark.parametrize("name", ["defualt", "my-model", "./nowhere", "", "README.md"])
def test_an_unknown_model_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match="neither a known model nor a folder") as caught:
        Recognizer.load(name)
    assert "./NAME" in str(caught.value)
    if name == "defualt":
        assert "did you mean 'default'?" in str(caught.value)


def test_a_copy_without_weights_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(recognizer.MODELS, "default", tmp_path / "absent")
    with pytest.raises(ModelFolderError, match="ships no weights"):
        Recognizer.load()


def test_threads_must_be_a_number_of_threads(tiny_model_folder: Path) -> None:
    with pytest.raises(UsageError, match="threads: 0"):
        Recognizer.load(tiny_model_folder, threads=0)


def test_a_prediction_is_plain_data(model: Recognizer) -> None:
    prediction = model(CLIPS[1])
    plain = json.loads(json.dumps(prediction.to_dict(), allow_nan=False))
    assert plain["scores"] == prediction.scores
    assert plain["file"] == str(CLIPS[1])


def test_a_prediction_is_a_row_of_a_segmented_table(model: Recognizer) -> None:
    prediction = model(CLIPS[1])
    table = prediction.to_pandas()
    assert table.index.names == ["file", "start", "end"]
    assert table.index.tolist() == [(str(CLIPS[1]), 0.0, 2.0)]
    assert table["emotion"].tolist() == [prediction.label]
    assert table[f"score_{prediction.label}"].tolist() == [prediction.confidence]


@given(
    st.lists(st.floats(-80, 80), min_size=2, max_size=8),
    st.floats(0.1, 10),
    st.floats(-1000, 1000),
)
def test_probabilities_are_a_softmax(logits: list[float], temperature: float, shift: float) -> None:
    values = np.array(logits)
    ours = scoring.probabilities(values, temperature)
    assert ours.sum() == pytest.approx(1)
    assert ours[values.argmax()] == ours.max()
    np.testing.assert_allclose(scoring.probabilities(values + shift, temperature), ours, atol=1e-9)
    odds = np.log(ours[0]) - np.log(ours[1]) if ours.min() > 1e-300 else None
    if odds is not None:
        assert odds == pytest.approx((values[0] - values[1]) / temperature, abs=1e-6)


@settings(max_examples=25)
@given(seconds=st.floats(0.05, 1.5), padding=st.integers(1, 8000))
def test_padding_cannot_matter_to_the_network(tiny_model_folder: Path, seconds: float, padding: int) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession((tiny_model_folder / "model.onnx").read_bytes())
    samples = chirp(seconds)
    padded = np.concatenate([samples, np.full(padding, 0.5, np.float32)])
    lengths = np.array([len(samples)])
    alone = session.run(["logits"], {"samples": samples[None], "lengths": lengths})[0]
    beside = session.run(["logits"], {"samples": padded[None], "lengths": lengths})[0]
    np.testing.assert_allclose(alone, beside, atol=1e-4)
