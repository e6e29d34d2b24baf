"""Rooms, noise and lines for training clips, from recordings of them or made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affekt import audio, channels, waves
from affekt.errors import UsageError
from affekt.recipe import AugmentRecipe, DistortionRecipe
from affekt.training.clips import Clips

Samples = NDArray[np.float32]
COLOURS = (0.0, 1.0, 2.0)
"""Exponents of the noise that is made where no recordings of noise are given: white, pink and brown."""
BABBLE_VOICES = (3, 7)
RECORDING_SECONDS = 60.0
"""Most of a noise recording or an impulse response that is read."""
SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}


class Distortion:
    """Rooms and noise, as often and as loud as the recipe's `section` says.

    Raises:
        UsageError: a folder of recordings holds none.
    """

    def __init__(self, settings: DistortionRecipe, clips: Clips, section: str) -> None:
        self._settings, self._clips = settings, clips
        self._noises = recordings(settings.noises, f"{section}.noises")
        self._responses = recordings(settings.responses, f"{section}.responses")

    def __call__(self, samples: Samples, rng: np.random.Generator) -> Samples:
        """The piece in a room, maybe, and with noise, maybe; of the same length."""
        settings = self._settings
        if rng.random() < settings.reverberation:
            samples = waves.reverberate(samples, self._response(rng))
        if rng.random() < settings.noise:
            samples = waves.add_noise(samples, self._noise(len(samples), rng), rng.uniform(*settings.snr))
        return samples

    def _response(self, rng: np.random.Generator) -> Samples:
        if self._responses:
            return self._responses[int(rng.integers(len(self._responses)))]
        return waves.simulate_response(rng)

    def _noise(self, count: int, rng: np.random.Generator) -> Samples:
        if self._noises:
            noise = self._noises[int(rng.integers(len(self._noises)))]
            return waves.crop(noise, count / audio.SAMPLE_RATE, rng)
        kind = int(rng.integers(len(COLOURS) + 1))
        if kind < len(COLOURS):
            return waves.coloured_noise(count, rng, COLOURS[kind])
        voices = rng.integers(len(self._clips), size=int(rng.integers(*BABBLE_VOICES, endpoint=True)))
        return waves.babble([self._clips.samples(int(row)) for row in voices], count, rng)


def transmitted(samples: Samples, settings: AugmentRecipe, rng: np.random.Generator) -> Samples:
    """The clip as a microphone's level, a telephone line and a codec leave it, each as often as asked.

    The order is that of a call: first the level, then the line, then the file. Nothing is cut; a codec may
    add up to a tenth of a second of near silence.
    """
    if rng.random() < settings.gain:
        samples = channels.gain(samples, rng.uniform(*settings.gain_db))
    if rng.random() < settings.telephone:
        samples = channels.telephone(samples)
    if rng.random() < settings.codec:
        samples = channels.mp3(samples, int(rng.integers(*settings.codec_kbit, endpoint=True)))
    return samples


def recordings(folder: str | None, key: str) -> list[Samples]:
    """The recordings in a folder and below; none where no folder is named.

    Raises:
        UsageError: there are none; `key` says which setting asked for them.
        AudioError: one cannot be read.
    """
    if folder is None:
        return []
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise UsageError(f"{key}: {folder} holds no recordings ({', '.join(sorted(SUFFIXES))})")
    return [audio.load(path, limits=audio.Limits(seconds=RECORDING_SECONDS)).samples for path in paths]
