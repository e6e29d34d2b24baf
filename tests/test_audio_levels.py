"""What the samples themselves say: not finite, silent, clipped, cancelled."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from _damage import encode, voice

from affekt import audio
from affekt.errors import AudioNonFiniteError


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e38, -65.0])
@pytest.mark.parametrize("channel", [0, 1])
def test_samples_that_are_not_finite_are_refused_wherever_they_stand(bad: float, channel: int) -> None:
    sound = voice(44_100, 3.2, 2)
    sound[100_000, channel] = bad
    if not np.isfinite(bad):
        sound[100_000, 1 - channel] = -bad
    for source, rate in ((sound, 44_100), (encode(sound, 44_100, "WAV", "FLOAT"), None)):
        with pytest.raises(AudioNonFiniteError):
            audio.load(source, rate=rate)
    with pytest.raises(AudioNonFiniteError):
        audio.load(np.full((9, 1), 1e300), rate=16_000)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("none", ()),
        ("silence", ("silent",)),
        ("whisper", ("silent",)),
        ("offset", ("silent",)),
        ("clipped", ("clipped",)),
        ("opposite", ("silent", "cancelled")),
        ("nearly opposite", ("cancelled",)),
        ("one dead channel", ()),
        ("loud floats", ("clipped",)),
    ],
)
def test_what_the_samples_say(change: str, expected: tuple[str, ...]) -> None:
    sound = voice(22_050, 2.2, 2)
    if change == "silence":
        sound[:] = 0
    elif change == "whisper":
        sound *= 3e-5
    elif change == "offset":
        sound[:] = 0.3
    elif change == "clipped":
        sound = np.clip(sound * 5, -1, 1)
    elif change.endswith("opposite"):
        sound[:, 1] = -sound[:, 0] * (0.9 if "nearly" in change else 1)
    elif change == "one dead channel":
        sound[:, 1] = 0
    elif change == "loud floats":
        sound *= 20
    assert audio.load(sound, rate=22_050).warnings == expected


def test_eight_different_channels_do_not_count_as_cancelled() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (16_000, 8)).astype(np.float32)
    assert audio.load(noise, rate=16_000).warnings == ()


def test_equal_channels_are_the_single_one() -> None:
    sound = voice(44_100, 1.0)
    both = audio.read(np.repeat(sound, 2, axis=1), rate=44_100)
    assert np.abs(both - audio.read(sound, rate=44_100)).max() < 1e-6
