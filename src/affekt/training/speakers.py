"""Learning to tell speakers apart from random pieces of their clips, which are distorted on the way.

Each speaker at each speed is a class of its own (Yamamoto et al., Interspeech 2019). Every draw is a function
of (seed, epoch, example).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from affekt import waves
from affekt.losses import margin_at, margin_softmax
from affekt.recipe import Recipe
from affekt.training.batches import IntArray
from affekt.training.clips import Clips
from affekt.training.distortion import Distortion
from affekt.training.task import Moment

Samples = NDArray[np.float32]


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
        self._distort = Distortion(settings, clips, "speakers")

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

    def loss(self, logits: Tensor, examples: IntArray, moment: Moment) -> tuple[Tensor, Tensor]:
        """Margin softmax; the margin rises with the steps."""
        settings = self._recipe.speakers
        margin = margin_at(
            moment.step,
            moment.steps,
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


_STREAM = 1
"""Keeps these draws apart from those of the spectrogram's augmentation."""


def _mixed(*numbers: int) -> int:
    return int.from_bytes(hashlib.blake2b(repr(numbers).encode(), digest_size=4).digest())
