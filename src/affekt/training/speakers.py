"""Learning to tell speakers apart from random pieces of their clips, which are distorted on the way.

Each speaker at each speed is a class of its own (Yamamoto et al., Interspeech 2019). Every draw is a function
of (seed, epoch, example).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from affekt import audio, waves
from affekt.errors import UsageError
from affekt.losses import margin_at, margin_softmax
from affekt.recipe import Recipe, SpeakersRecipe
from affekt.training.batches import IntArray
from affekt.training.clips import Clips

Samples = NDArray[np.float32]
COLOURS = (0.0, 1.0, 2.0)
"""Exponents of the noise that is made where no recordings of noise are given: white, pink and brown."""
BABBLE_VOICES = (3, 7)
RECORDING_SECONDS = 60.0
"""Most of a noise recording or an impulse response that is read."""


class SpeakerTask:
    """Pieces of clips with their speakers. An example is a (clip, speed, piece) of the table.

    Args:
        speakers: the speaker of each clip [clips].
    """

    def __init__(self, clips: Clips, speakers: Sequence[str], recipe: Recipe) -> None:
        self._clips, self._recipe = clips, recipe
        settings = recipe.speakers
        self._names = sorted(set(speakers))
        place = {name: at for at, name in enumerate(self._names)}
        of_clip = np.array([place[name] for name in speakers])
        pieces = np.maximum(1, np.round(clips.seconds / settings.crop_seconds)).astype(np.int64)
        once = np.repeat(np.arange(len(clips)), pieces)
        number = np.concatenate([np.arange(count) for count in pieces])
        speeds = len(settings.speeds)
        self._row = np.tile(once, speeds)
        self._speed = np.repeat(np.arange(speeds), len(once))
        self._target = torch.from_numpy(of_clip[self._row] + self._speed * len(self._names))
        self.ids = [
            _mixed(clips.ids[row], speed, piece)
            for row, speed, piece in zip(
                self._row.tolist(), self._speed.tolist(), np.tile(number, speeds).tolist(), strict=True
            )
        ]
        self.seconds = np.full(len(self._row), settings.crop_seconds)
        self.train: IntArray = np.arange(len(self._row))
        self._distort = Distortion(settings, clips)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes: speakers, and beside them what they are at other speeds (`NAME at 0.9`)."""
        speeds = self._recipe.speakers.speeds
        return tuple(
            name if speed == 1 else f"{name} at {speed:g}" for speed in speeds for name in self._names
        )

    def collate(self, examples: IntArray, epoch: int) -> tuple[Tensor, Tensor]:
        """Pieces of equal length [batch, samples]."""
        pieces = np.stack([self._piece(int(one), epoch) for one in examples])
        return torch.from_numpy(pieces), torch.full((len(pieces),), pieces.shape[1])

    def changed(self, examples: IntArray) -> Tensor:
        """SpecAugment is for all of them."""
        return torch.ones(len(examples), dtype=torch.bool)

    def loss(self, logits: Tensor, examples: IntArray, step: int, steps: int) -> tuple[Tensor, Tensor]:
        """Margin softmax; the margin rises with the steps."""
        settings = self._recipe.speakers
        margin = margin_at(
            step,
            steps,
            start_share=settings.margin_start,
            end_share=settings.margin_end,
            margin=settings.margin,
        )
        targets = self._target[examples].to(logits.device)
        losses = margin_softmax(logits, targets, kind=settings.loss, scale=settings.scale, margin=margin)
        return losses, torch.ones_like(losses)

    def watch(self, network: nn.Module) -> dict[str, float]:
        """Nothing: the last epoch is kept, and the speakers tested on choose nothing."""
        return {}

    def digest(self) -> bytes:
        """Of clips, their speakers and how they are cut."""
        digest = hashlib.sha256(json.dumps(self.labels).encode())
        for values in (np.array(self.ids), self._target.numpy(), self._clips.seconds):
            digest.update(values.tobytes())
        return digest.digest()

    def _piece(self, example: int, epoch: int) -> Samples:
        settings = self._recipe.speakers
        rng = np.random.default_rng([self._recipe.seed, epoch, self.ids[example], _STREAM])
        speed = settings.speeds[self._speed[example]]
        heard = waves.crop(self._clips.samples(int(self._row[example])), settings.crop_seconds * speed, rng)
        return self._distort(waves.change_speed(heard, speed), rng)


class Distortion:
    """Rooms and noise, as often and as loud as the recipe says.

    Raises:
        UsageError: a folder of recordings holds none.
    """

    def __init__(self, settings: SpeakersRecipe, clips: Clips) -> None:
        self._settings, self._clips = settings, clips
        self._noises = recordings(settings.noises, "speakers.noises")
        self._responses = recordings(settings.responses, "speakers.responses")

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


_STREAM = 1
"""Keeps these draws apart from those of the spectrogram's augmentation."""

SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}


def _mixed(*numbers: int) -> int:
    return int.from_bytes(hashlib.blake2b(repr(numbers).encode(), digest_size=4).digest())
