"""Starting from a network that has learnt something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from affekt.errors import UsageError
from affekt.model_folder import ModelFolder, read_weights
from affekt.recipe import NetworkRecipe, Recipe


@dataclass(frozen=True)
class Transfer:
    """What became of the tensors: `taken` from the source, `new` in the network, `left` in the source."""

    source: str
    taken: tuple[str, ...]
    new: tuple[str, ...]
    left: tuple[str, ...]

    def line(self) -> str:
        """The same for a person to read."""
        return (
            f"init {self.source}: {len(self.taken)} tensors taken; new: {_listed(self.new)}; "
            f"left: {_listed(self.left)}"
        )

    def to_json(self) -> dict[str, Any]:
        """The names, as plain data."""
        return {key: list(value) if key != "source" else value for key, value in asdict(self).items()}


def inherit(recipe: Recipe, source: ModelFolder) -> Recipe:
    """The recipe with the shape of the source's network.

    Raises:
        UsageError: another system, or a shape that the recipe asks for and the source does not have.
    """
    config = source.config
    if config.system != recipe.system:
        raise UsageError(f"{source.path}: is a {config.system}, and the recipe wants a {recipe.system}")
    shape = NetworkRecipe.model_validate(config.recipe.get("network", {}))
    for key in sorted(recipe.network.model_fields_set):
        wanted, given = getattr(recipe.network, key), getattr(shape, key)
        if wanted != given:
            raise UsageError(
                f"network.{key}: the recipe says {wanted}, and {source.path} has {given}; leave it out, or "
                f"say network.{key}={given}"
            )
    return recipe.model_copy(update={"network": shape})


def start(network: nn.Module, recipe: Recipe, labels: Sequence[str], source: ModelFolder) -> Transfer:
    """Copies the source's tensors into the network; the head only where both have the same labels in order.

    Raises:
        UsageError: not one tensor below the head fits.
    """
    found = read_weights(source)
    config = source.config
    same_head = config.task == recipe.task and list(config.labels) == list(labels)
    wanted = network.state_dict()
    taken = [
        name
        for name, value in wanted.items()
        if name in found
        and tuple(found[name].shape) == tuple(value.shape)
        and (same_head or not name.startswith("head."))
    ]
    if not any(not name.startswith("head.") for name in taken):
        raise UsageError(f"{source.path}: holds no tensor of this network's names and shapes")
    network.load_state_dict(
        {**wanted, **{name: torch.from_numpy(found[name].copy()) for name in taken}}, strict=True
    )
    return Transfer(
        str(source.path),
        tuple(taken),
        tuple(name for name in wanted if name not in taken),
        tuple(sorted(set(found) - set(taken))),
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return (", ".join(names[:4]) or "none") + more
