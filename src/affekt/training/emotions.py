"""The task that all of Affekt is for: the emotion of a whole utterance."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from affekt import waves
from affekt.errors import CorpusError, TrainingError
from affekt.evaluation.metrics import confusion, uar
from affekt.losses import class_weights, cross_entropy, distillation
from affekt.recipe import Recipe
from affekt.training.batches import IntArray
from affekt.training.clips import Clips, padded
from affekt.training.distortion import Distortion, transmitted
from affekt.training.examples import Targets, Taught
from affekt.training.metric import set_centroids
from affekt.training.scoring import score_rows
from affekt.training.task import Moment

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """What is learnt, and which rows of it are watched."""

    clips: Clips
    targets: Targets
    train: IntArray
    validation: IntArray
    taught: Taught | None = None


class EmotionTask:
    """Clips with their emotions. Example `copy * clips + row` is a copy of a table's row; copy 0 is the clip.

    With `augment.copies` the clip is seen as it is and its copies are augmented, as additional samples
    (Padi et al., ICMI 2021); without, the clip itself is augmented each time it is seen.
    """

    def __init__(self, examples: Examples, recipe: Recipe, autocast: Callable[[], torch.autocast]) -> None:
        self.examples, self._recipe, self._autocast = examples, recipe, autocast
        clips, copies = examples.clips, recipe.augment.copies
        self.seconds = np.tile(clips.seconds, 1 + copies)
        self.ids = [one ^ copy * _SPREAD for copy in range(1 + copies) for one in clips.ids]
        self.train = np.concatenate([examples.train + copy * len(clips) for copy in range(1 + copies)])
        settings = recipe.augment
        balanced = {
            "none": None,
            "classes": examples.targets.positions.numpy(),
            "corpora": examples.targets.corpora,
        }
        kinds = balanced[recipe.train.balance]
        self.kinds: IntArray | None = None if kinds is None else np.tile(kinds, 1 + copies)
        self.corpora: IntArray = np.tile(examples.targets.corpora, 1 + copies)
        self._waves_change = any(getattr(settings, name) for name in _OF_SAMPLES)
        self._distort = Distortion(settings, clips, "augment")
        self.speakers, self._speaker = self._heard()
        self.weights = self._weights()

    def collate(self, examples: IntArray, epoch: int) -> tuple[Tensor, Tensor]:
        """The clips whole; changed ones at another speed, in rooms, with noise, over lines, mixed."""
        clips = self.examples.clips
        heard = [clips.samples(int(row)) for row in self._rows(examples)]
        if self._waves_change:
            changed = self.changed(examples).tolist()
            heard = [
                self._changed(samples, int(example), epoch) if change else samples
                for samples, example, change in zip(heard, examples, changed, strict=True)
            ]
        return padded(heard)

    def changed(self, examples: IntArray) -> Tensor:
        """All examples, or the additional copies alone."""
        return torch.from_numpy(examples >= (len(self.examples.clips) if self._recipe.augment.copies else 0))

    def loss(self, logits: Tensor, examples: IntArray, moment: Moment) -> tuple[Tensor, Tensor]:
        """Cross-entropy over the classes of each clip's corpus, weighted by class.

        Classes that the corpus lacks enter the softmax with the weight `train.absent_classes`. What is mixed
        into a clip has its share of the loss (Zhang et al., ICLR 2018).
        """
        losses, weights = self._row_loss(logits, self._rows(examples))
        if not self._recipe.augment.mixup:
            return losses, weights
        rows, shares = self._mixed_in(examples, moment.epoch, logits)
        others, theirs = self._row_loss(logits, rows)
        whole = (1 - shares) * weights + shares * theirs
        return ((1 - shares) * weights * losses + shares * theirs * others) / whole, whole

    def speaker_loss(self, logits: Tensor, examples: IntArray, moment: Moment) -> Tensor:
        """Cross-entropy [batch] of logits [batch, speakers]; who is mixed in has that share of it."""
        speaker = self._speaker.to(logits.device)
        losses = cross_entropy(logits, speaker[self._rows(examples)])
        if not self._recipe.augment.mixup:
            return losses
        rows, shares = self._mixed_in(examples, moment.epoch, logits)
        return (1 - shares) * losses + shares * cross_entropy(logits, speaker[rows])

    def positions(self, examples: IntArray) -> Tensor:
        """The classes of examples [batch]."""
        return self.examples.targets.positions[self._rows(examples)]

    def watch(self, network: nn.Module) -> dict[str, float]:
        """Loss and uar on the validation rows; a head that learns nothing gets the training clips' centroids.

        Raises:
            TrainingError: the loss is not finite.
        """
        if not self._recipe.train.losses.cross_entropy:
            self._set_centroids(network)
        rows = self.examples.validation
        if not len(rows):
            return {}
        scores = score_rows(network, self.examples.clips, rows, autocast=self._autocast)
        logits, learnt = torch.from_numpy(scores), self.examples.targets
        truth, allowed = learnt.positions[rows], learnt.allowed[rows]
        loss = float(cross_entropy(logits, truth, allowed).mean())
        if not math.isfinite(loss):
            raise TrainingError("the loss on the validation clips is not finite; lower train.learning_rate")
        predicted = logits.masked_fill(~allowed, float("-inf")).argmax(1)
        meant, said = ([learnt.labels[at] for at in one.tolist()] for one in (truth, predicted))
        return {"validation_loss": loss, "validation_uar": float(uar(confusion(meant, said, learnt.labels)))}

    def digest(self) -> bytes:
        """Of labels, clips and the parts they are in."""
        examples = self.examples
        digest = hashlib.sha256(json.dumps(examples.targets.labels).encode())
        digest.update(examples.targets.positions.numpy().tobytes())
        for values in (
            np.array(examples.clips.ids),
            examples.clips.seconds,
            examples.train,
            examples.validation,
        ):
            digest.update(values.tobytes())
        if examples.taught is not None:
            digest.update(examples.taught.logits.numpy().tobytes())
        if self.speakers:
            digest.update(self._speaker.numpy().tobytes())
        return digest.digest()

    def _weights(self) -> Tensor:
        """Of each row [rows]: its class's among the training clips of its corpus.

        Over all corpora, a class that few of them have would outweigh what else their clips may be.
        """
        learnt, train = self.examples.targets, self.examples.train
        weights = torch.ones(len(learnt.positions))
        if not self._recipe.train.class_weights:
            return weights
        for corpus in np.unique(learnt.corpora[train]):
            own = train[learnt.corpora[train] == corpus]
            weighed = class_weights(learnt.positions[own], len(learnt.labels))
            rows = learnt.corpora == corpus
            weights[rows] = weighed[learnt.positions[rows]]
        return weights

    def _set_centroids(self, network: nn.Module) -> None:
        learnt, rows = self.examples.targets, self.examples.train
        vectors = score_rows(network, self.examples.clips, rows, output="embedding", autocast=self._autocast)
        set_centroids(network, torch.from_numpy(vectors), learnt.positions[rows], len(learnt.labels))

    def _row_loss(self, logits: Tensor, rows: IntArray) -> tuple[Tensor, Tensor]:
        learnt, settings = self.examples.targets, self._recipe.train
        targets, allowed = learnt.positions[rows].to(logits.device), learnt.allowed[rows].to(logits.device)
        if settings.absent_classes:
            logits = logits + math.log(settings.absent_classes) * ~allowed
            allowed = torch.ones_like(allowed)
        losses = cross_entropy(logits, targets, allowed, smoothing=settings.label_smoothing)
        if (taught := self.examples.taught) is not None:
            distil = self._recipe.distil
            theirs = distillation(
                logits, taught.logits[rows].to(logits.device), allowed, temperature=distil.temperature
            )
            share = distil.weight
            losses = (1 - share) * losses + share * theirs
        return losses, self.weights[rows].to(logits.device)

    def _changed(self, samples: Samples, example: int, epoch: int) -> Samples:
        settings, rng = self._recipe.augment, self._rng(example, epoch, _WAVES)
        if settings.mixup:
            row, share = self._partner(example, epoch)
            samples = waves.mix(samples, self.examples.clips.samples(row), share)
        if settings.speed:
            samples = waves.change_speed(samples, 1 + settings.speed * rng.uniform(-1, 1))
        return transmitted(self._distort(samples, rng), settings, rng)

    def _partner(self, example: int, epoch: int) -> tuple[int, float]:
        """The row that is mixed into an example, and its share: 0 to 0.5."""
        rng, rows = self._rng(example, epoch, _PARTNERS), self.examples.train
        row = int(rows[rng.integers(len(rows))])
        return row, rng.uniform(0, 0.5) if rng.random() < self._recipe.augment.mixup else 0.0

    def _mixed_in(self, examples: IntArray, epoch: int, like: Tensor) -> tuple[IntArray, Tensor]:
        """What is mixed into each example: rows [batch], and their shares [batch], 0 where nothing is."""
        changed = self.changed(examples).tolist()
        mixed = [self._partner(int(one), epoch) for one in examples]
        shares = [share if change else 0.0 for (_, share), change in zip(mixed, changed, strict=True)]
        return np.array([row for row, _ in mixed]), like.new_tensor(shares)

    def _heard(self) -> tuple[int, Tensor]:
        """How many speakers the training rows have, and whose each row is [rows]: -1 for all other speakers.

        Raises:
            CorpusError: the recipe wants them unlearnt, and rows have none.
        """
        if not self._recipe.train.losses.adversarial:
            return 0, torch.empty(0)
        codes = self.examples.targets.speakers
        if codes is None:
            raise CorpusError(
                "train.losses.adversarial: needs the speaker of every clip; fill the column 'speaker', or "
                "set it to 0"
            )
        heard, place = np.unique(codes[self.examples.train]), np.full(codes.max() + 1, -1)
        place[heard] = np.arange(len(heard))
        return len(heard), torch.from_numpy(place[codes])

    def _rng(self, example: int, epoch: int, stream: int) -> np.random.Generator:
        return np.random.default_rng([self._recipe.seed, epoch, self.ids[example], stream])

    def _rows(self, examples: IntArray) -> IntArray:
        return examples % len(self.examples.clips)


_OF_SAMPLES = ("speed", "noise", "reverberation", "gain", "telephone", "codec", "mixup")
"""Keys of `augment` that change samples, not the spectrogram."""
_WAVES, _PARTNERS = 1, 2
"""Keep these draws apart from each other and from those of the spectrogram's augmentation."""
_SPREAD = 0x9E3779B1
"""2^32 over the golden ratio: copies of clips get numbers that no clip has, but for chance."""
