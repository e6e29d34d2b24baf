"""What the loss of a training is made of."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from affekt.recipe.section import Section


class LossesRecipe(Section):
    """What the loss is a weighted sum of; without cross-entropy, the nearest class centroid decides."""

    cross_entropy: float = Field(1.0, ge=0, le=100)
    """Of the head's logits."""
    triplet: float = Field(0.0, ge=0, le=100)
    """Triplets of embeddings with semi-hard mining; needs `train.balance`."""
    margin: float = Field(0.2, gt=0, le=4)
    """How much farther a triplet's negative must be than its positive: squared distance of unit vectors."""
    centre: float = Field(0.0, ge=0, le=100)
    """Squared distances of embeddings to the centres of their classes."""
    centre_rate: float = Field(0.5, gt=0, le=1)
    """How far centres move towards each batch."""
    adversarial: float = Field(0.0, ge=0, le=100)
    """How strongly embeddings unlearn by whom they are: a head beside the network tells the training speakers
    apart, and its gradient reaches the embedding reversed and so many times."""
    adversarial_rise: float = Field(10.0, gt=0, le=1000)
    """How fast that strength rises from 0 over the run: 2 / (1 + exp(-rise * share of the steps)) - 1."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.cross_entropy or self.triplet or self.centre):
            raise ValueError("all are 0; one must count")
        return self
