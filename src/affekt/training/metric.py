"""Losses of embeddings beside or instead of the head's, and a head that is made of centroids."""

from __future__ import annotations

from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.losses import centre, centroid_layer, moved_centres, triplet
from affekt.recipe import Recipe
from affekt.training import distributed


class Metric:
    """Triplets and centres, weighed as `train.losses` says. Triplets are of one process's clips alone."""

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        self._losses, self._network = recipe.train.losses, network

    @classmethod
    def wanted(cls, network: nn.Module, recipe: Recipe) -> Self | None:
        """None where cross-entropy is all that counts."""
        losses = recipe.train.losses
        plain = losses.cross_entropy == 1 and not losses.triplet and not losses.centre
        return None if plain else cls(network, recipe)

    def join(
        self, cross_entropy: Tensor, sums: Tensor, embeddings: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The whole loss, and the batch's (weighted sum, weight) with it; the centres move on.

        Args:
            cross_entropy: this process's part of it, as it goes backward.
            sums: over all processes, of cross-entropy and of weights.
            embeddings, targets: of this process's clips, [batch, size] and [batch].
        """
        settings = self._losses
        metric = cross_entropy.new_zeros(())
        if settings.triplet:
            metric = metric + settings.triplet * triplet(embeddings, targets, margin=settings.margin)
        if settings.centre:
            metric = metric + settings.centre * self._to_centres(embeddings, targets)
        mean = distributed.total(metric) / distributed.world()
        whole = settings.cross_entropy * sums[0] + mean.detach() * sums[1]
        return settings.cross_entropy * cross_entropy + metric, torch.stack([whole, sums[1]])

    def _to_centres(self, embeddings: Tensor, targets: Tensor) -> Tensor:
        centres: Tensor = cast(Any, self._network).head.centres
        loss = centre(embeddings, targets, centres).mean()
        units = functional.normalize(embeddings.detach())
        sums = distributed.total(torch.zeros_like(centres).index_add(0, targets, units))
        counts = distributed.total(torch.bincount(targets, minlength=len(centres)))
        with torch.no_grad():
            centres.copy_(moved_centres(centres, sums, counts, rate=self._losses.centre_rate))
        return loss


@torch.no_grad()
def set_centroids(network: nn.Module, embeddings: Tensor, targets: Tensor, classes: int) -> None:
    """Makes the network's linear head decide for the class whose centroid is nearest.

    Args:
        embeddings, targets: of the training clips, [clips, size] and [clips].
    """
    weights, biases = centroid_layer(embeddings, targets, classes)
    head = cast(nn.Linear, network.get_submodule("head"))
    # Some heads are given the embedding at another length.
    head.weight.copy_(weights / getattr(network, "head_scale", 1.0))
    head.bias.copy_(biases)
