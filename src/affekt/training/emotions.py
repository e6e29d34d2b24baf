"""The task that all of Affekt is for: the emotion of a whole utterance."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from affekt.errors import TrainingError
from affekt.evaluation.metrics import confusion, uar
from affekt.losses import class_weights, cross_entropy
from affekt.recipe import Recipe
from affekt.training.batches import IntArray
from affekt.training.clips import Clips
from affekt.training.examples import Targets
from affekt.training.scoring import score_rows


@dataclass(frozen=True)
class Examples:
    """What is learnt, and which rows of it are watched."""

    clips: Clips
    targets: Targets
    train: IntArray
    validation: IntArray


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
        self.weights = class_weights(examples.targets.positions[examples.train], len(examples.targets.labels))
        if not recipe.train.class_weights:
            self.weights = torch.ones_like(self.weights)

    def collate(self, examples: IntArray, epoch: int) -> tuple[Tensor, Tensor]:
        """The clips whole; the epoch changes nothing before the spectrogram."""
        return self.examples.clips.collate(self._rows(examples))

    def changed(self, examples: IntArray) -> Tensor:
        """All examples, or the additional copies alone."""
        return torch.from_numpy(examples >= (len(self.examples.clips) if self._recipe.augment.copies else 0))

    def loss(self, logits: Tensor, examples: IntArray, step: int, steps: int) -> tuple[Tensor, Tensor]:
        """Cross-entropy over the classes of each clip's corpus, weighted by class.

        Classes that the corpus lacks enter the softmax with the weight `train.absent_classes`.
        """
        rows, learnt = self._rows(examples), self.examples.targets
        targets, allowed = learnt.positions[rows].to(logits.device), learnt.allowed[rows].to(logits.device)
        settings = self._recipe.train
        if settings.absent_classes:
            logits = logits + math.log(settings.absent_classes) * ~allowed
            allowed = torch.ones_like(allowed)
        losses = cross_entropy(logits, targets, allowed, smoothing=settings.label_smoothing)
        return losses, self.weights.to(logits.device)[targets]

    def watch(self, network: nn.Module) -> dict[str, float]:
        """Loss and uar on the validation rows.

        Raises:
            TrainingError: the loss is not finite.
        """
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
        return digest.digest()

    def _rows(self, examples: IntArray) -> IntArray:
        return examples % len(self.examples.clips)


_SPREAD = 0x9E3779B1
"""2^32 over the golden ratio: copies of clips get numbers that no clip has, but for chance."""
