"""Where somebody speaks: real speech between silence, hum and noise, however it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt import audio, voice
from affekt.errors import ModelFolderError
from affekt.voice import FRAME, VoiceActivity
from tests.fixtures import tiny

SPEECH = np.concatenate([audio.read(path) for path in sorted(tiny.EXAMPLES.glob("*.flac"))])
PAUSE = 2 * audio.SAMPLE_RATE


def heard(samples: np.ndarray) -> np.ndarray:
    detector = VoiceActivity()
    return np.concatenate([detector.push(samples.astype(np.float32)), detector.finish()])


def sounds() -> dict[str, np.ndarray]:
    """Two seconds of what is no speech, at about -30 dBFS."""
    random = np.random.default_rng(0)
    time = np.arange(PAUSE) / audio.SAMPLE_RATE
    chord = np.sin(2 * np.pi * np.outer([220, 277.2, 329.6, 440], time)).sum(axis=0)
    hum = np.sin(2 * np.pi * 50 * np.outer([1, 2, 3, 5], time)).sum(axis=0)
    return {
        "silence": np.zeros(PAUSE),
        "noise": 0.03 * random.standard_normal(PAUSE),
        "hum": 0.02 * hum,
        "chord": 0.02 * chord,
    }


@pytest.mark.parametrize("kind", ["silence", "noise", "hum", "chord"])
def test_speech_is_told_from_what_stands_around_it(kind: str) -> None:
    sound = sounds()[kind]
    frames = heard(np.concatenate([sound, SPEECH, sound]))
    edge, tail = len(sound) // FRAME, (len(sound) + len(SPEECH)) // FRAME + 1
    assert frames[: edge - 1].mean() < 0.1
    # A network that never looks ahead needs a moment to be sure that speech has ended.
    assert frames[tail + 15 :].mean() < 0.1
    assert frames[edge:tail].mean() > 0.7


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 40_000), max_size=12))
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    samples = SPEECH[:40_000]
    detector = VoiceActivity()
    pieces = [detector.push(piece) for piece in np.split(samples, sorted(cuts))]
    frames = np.concatenate([*pieces, detector.finish()])
    assert frames.tolist() == heard(samples).tolist()
    assert len(frames) == -(-len(samples) // FRAME)


def test_a_changed_detector_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = tmp_path / "detector.onnx"
    monkeypatch.setattr(voice, "_NETWORK", changed)
    voice._session.cache_clear()
    with pytest.raises(ModelFolderError, match="no such file"):
        VoiceActivity()
    changed.write_bytes(b"other")
    with pytest.raises(ModelFolderError, match="not the file that affekt ships"):
        VoiceActivity()
    voice._session.cache_clear()
