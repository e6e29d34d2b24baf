"""Recordings of any length with attention: in the memory of a piece, and with the scores of the whole."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors.torch import save

import affekt
from affekt import Recognizer, audio, model_folder
from affekt.models.onnx import to_onnx
from tests.fixtures import tiny, toy
from tests.models.test_networks import CLASSES, small, trained

SECONDS = 11 * 60


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    """The smallest network of system C as a model folder."""
    network = trained("attention-fcn")
    folder = tmp_path_factory.mktemp("model") / "model"
    model_folder.write(
        folder,
        config=tiny.config(
            system="attention-fcn",
            labels=[*tiny.LABELS, "fear"][:CLASSES],
            embedding_size=8,
            recipe=small("attention-fcn").model_dump(mode="json"),
        ),
        onnx=to_onnx(network),
        weights=save({name: value.contiguous() for name, value in network.state_dict().items()}),
        card="# Small\n",
        golden=tiny.golden(),
    )
    return Recognizer.load(folder, threads=1)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven minutes at 8 kHz: longer than what is taken whole."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    samples = np.resize(toy.speech()[::2], SECONDS * 8000)
    soundfile.write(path, samples * np.linspace(0.1, 1, len(samples)), 8000, subtype="PCM_U8")
    return path


def test_a_long_recording_is_heard_in_pieces(model: Recognizer, recording: Path) -> None:
    assert model.any_length
    tracemalloc.start()
    found = model(recording)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < SECONDS * toy.RATE * 4 / 2
    assert found.end == pytest.approx(SECONDS, abs=0.01)
    whole = audio.load(recording, limits=audio.Limits(seconds=None))
    expected = model.recognize(whole)
    assert found.scores == pytest.approx(expected.scores, abs=1e-6)
    assert found.warnings == expected.warnings
    (row,) = affekt.predict(recording, model)
    assert row["status"] == "ok" and row["emotion"] == found.label


def test_a_short_one_is_heard_as_ever(model: Recognizer) -> None:
    clip = tiny.EXAMPLES / "anger-03a01Wa.flac"
    assert model(clip).scores == model.recognize(model.listen(clip)).scores
    assert model(clip).end == 2.0
    tiny_clip = model(np.ones(800, np.float32) * 0.1, sampling_rate=toy.RATE)
    assert tiny_clip.end == 0.05
