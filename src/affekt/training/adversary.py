"""A head that tells training speakers apart, and a network that learns to leave it nothing to go by."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.errors import CorpusError
from affekt.losses import reversal_at, reversed_gradient
from affekt.recipe import Recipe
from affekt.training.task import Moment

_LEAST_HIDDEN = 64


class Adversary(nn.Module):
    """Embeddings [batch, size] to logits [batch, speakers]; what flows back is reversed.

    It learns beside the network and is no part of it: a model folder has nothing of it.

    Args:
        size: of the embedding.
        speakers: how many speakers the training clips have.
    """

    def __init__(self, size: int, speakers: int, recipe: Recipe) -> None:
        super().__init__()
        self._size, self._losses = size, recipe.train.losses
        hidden = max(size, _LEAST_HIDDEN)
        # The network's own draws, such as dropout's, stay those of a run without.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.layers = nn.Sequential(nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, speakers))

    @classmethod
    def wanted(cls, speakers: int, recipe: Recipe) -> Self | None:
        """None where `train.losses.adversarial` is 0.

        Raises:
            CorpusError: there are not two speakers to tell apart.
        """
        if not recipe.train.losses.adversarial:
            return None
        if speakers < 2:
            raise CorpusError(
                f"train.losses.adversarial: {speakers} speakers to train on, and two are needed; set it to 0"
            )
        return cls(recipe.network.embedding, speakers, recipe)

    def forward(self, embeddings: Tensor, moment: Moment) -> Tensor:
        """Logits [batch, speakers]; embeddings are heard at one length: shrinking them hides nothing."""
        settings = self._losses
        strength = settings.adversarial * reversal_at(
            moment.step, moment.steps, gamma=settings.adversarial_rise
        )
        heard = functional.layer_norm(reversed_gradient(embeddings, strength), (self._size,))
        logits: Tensor = self.layers(heard)
        return logits
