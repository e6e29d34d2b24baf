"""The systems' networks, and the closed registry that builds them from a recipe."""

from __future__ import annotations

from typing import Literal

from torch import nn

from affekt.config import NETWORKS
from affekt.errors import UsageError
from affekt.recipe import Recipe

__all__ = ["build"]


def build(recipe: Recipe, classes: int) -> nn.Module:
    """A network with fresh weights from the recipe's seed; it maps samples and lengths to logits.

    Raises:
        UsageError: the recipe is not of a network.
    """
    import torch

    torch.manual_seed(recipe.seed)
    head: Literal["cosine", "linear"] = "cosine" if recipe.task == "speakers" else "linear"
    network: nn.Module
    match recipe.system:
        case "resnet-stats":
            # The front end is built from this package's layers: at the top, each would wait for the other.
            from affekt.models.resnet_stats import ResNetStats

            network = ResNetStats(classes, head=head, **recipe.network.model_dump())
        case "resnet-attention":
            from affekt.models.speaker_resnets import AttentiveResNet

            network = AttentiveResNet(classes, head=head, **recipe.network.model_dump())
        case "attention-fcn":
            from affekt.models.attention_fcn import AttentionFcn

            network = AttentionFcn(classes, head=head, **recipe.network.model_dump())
        case "facenet":
            from affekt.models.facenet import Facenet

            network = Facenet(classes, head=head, **recipe.network.model_dump())
        case system:
            raise UsageError(f"system: {system} is no network; take one of {', '.join(NETWORKS)}")
    if recipe.train.losses.centre:
        centres = torch.zeros(classes, recipe.network.embedding)
        network.get_submodule("head").register_buffer("centres", centres)
    return network
