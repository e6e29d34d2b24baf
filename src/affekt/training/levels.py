"""How fast which part of a network learns: layer-wise rates, frozen trunks, gradual unfreezing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import nn

from affekt.recipe import Recipe


def levels(network: nn.Module) -> list[list[nn.Module]]:
    """The network's parts from the input to the head; each parameter is in one of them."""
    return cast(list[list[nn.Module]], cast(Any, network).levels())


def parameter_groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Groups for the optimiser, with `share`, their part of the learning rate, and `depth` below the head.

    Biases and normalisation are not decayed: it would only pull features towards zero. Without `init` every
    share is 1. Layer-wise rates: Howard and Ruder, ACL 2018, section 3.2.
    """
    groups: list[dict[str, Any]] = []
    for depth, modules in enumerate(reversed(levels(network))):
        share = 1.0
        if recipe.init is not None and depth:
            share = recipe.transfer.rate * recipe.transfer.decay ** (depth - 1)
        groups += _groups([one for module in modules for one in module.parameters()], recipe, share, depth)
    return groups


def groups_beside(module: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The same of what learns beside the network, as fast as its head."""
    return _groups(list(module.parameters()), recipe, 1.0, 0)


def _groups(
    parameters: Sequence[nn.Parameter], recipe: Recipe, share: float, depth: int
) -> list[dict[str, Any]]:
    decayed = [one for one in parameters if one.ndim > 1]
    plain = [one for one in parameters if one.ndim <= 1]
    return [
        {"params": members, "weight_decay": decay, "share": share, "depth": depth}
        for members, decay in ((decayed, recipe.train.weight_decay), (plain, 0.0))
        if members
    ]


def is_frozen(depth: int, epoch: int, recipe: Recipe) -> bool:
    """Whether a level so far below the head rests in this epoch (counted from 0)."""
    if recipe.init is None or depth == 0:
        return False
    return recipe.transfer.freeze or epoch < depth * recipe.transfer.unfreeze_epochs


def rest(network: nn.Module, epoch: int, recipe: Recipe) -> None:
    """Training mode for what learns; what rests keeps the batch statistics that it came with."""
    network.train()
    for depth, modules in enumerate(reversed(levels(network))):
        if is_frozen(depth, epoch, recipe):
            for module in modules:
                module.eval()
