"""Starting from a network that has learnt something else: a model folder or a public checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from affekt import recipe as recipes
from affekt.config import NETWORKS, TrainingCorpus
from affekt.errors import UsageError
from affekt.model_folder import open_folder, read_weights
from affekt.models import public
from affekt.recipe import AttentionFcnNetworkRecipe, AttentionFcnRecipe, Recipe


@dataclass(frozen=True)
class Source:
    """A network to start from.

    Attributes:
        name: what it is called in messages.
        system: one of Affekt's.
        network: the settings of its network, as far as they bind what starts from it.
        task, labels: what its head tells apart; no labels where it comes without a head.
        tensors: its weights, in the names of Affekt's network.
        corpora: what it learnt from.
    """

    name: str
    system: str
    network: Mapping[str, Any]
    task: str
    labels: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    corpora: tuple[TrainingCorpus, ...]


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


def from_folder(path: Path) -> Source:
    """A model folder as a source.

    Raises:
        UsageError: it holds no network of its own.
        ModelFolderError: it is damaged or not to be trusted.
    """
    folder = open_folder(path)
    config = folder.config
    if config.system not in NETWORKS:
        raise UsageError(f"init: {path} is of {config.system}; start from one of {', '.join(NETWORKS)}")
    shape = recipes.parse(config.recipe, f"{path}: config.json").network
    tensors = {name: torch.from_numpy(value.copy()) for name, value in read_weights(folder).items()}
    if config.task == "images":
        # The rest of the network has heard nothing yet.
        tensors = {name: value for name, value in tensors.items() if not name.startswith("pooling.")}
    return Source(
        name=str(path),
        system=config.system,
        network=_binding(config.system, config.task, shape.model_dump()),
        task=config.task,
        labels=tuple(config.labels),
        tensors=tensors,
        corpora=tuple(config.training.corpora),
    )


def from_public(
    init: str, sha256: str | None = None, tick: Callable[[int, int | None], None] | None = None
) -> Source:
    """A public checkpoint, by its name or its file, as a source; a name is downloaded once.

    Raises:
        UsageError, DownloadError, ModelFolderError: as `models.public.resolve` and `read_public`.
    """
    name, path = public.resolve(init, sha256=sha256, tick=tick)
    checkpoint = public.find(name)
    learnt = TrainingCorpus(
        name=name,
        licence=checkpoint.licence,
        non_commercial=False,
        citation=checkpoint.citation,
        clips=None,
        speakers=None,
    )
    tensors = public.read_public(name, path)
    network = _binding(checkpoint.system, checkpoint.task, checkpoint.network)
    return Source(name, checkpoint.system, network, checkpoint.task, (), tensors, (learnt,))


_ATTENTIVE = "attention-fcn"


def _binding(system: str, task: str, network: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a source's network that what starts from it cannot choose anew."""
    if system != _ATTENTIVE:
        return dict(network)
    if task == "images":
        return {key: value for key, value in network.items() if key in AttentionFcnNetworkRecipe.TRUNK}
    return {key: value for key, value in network.items() if key not in AttentionFcnNetworkRecipe.FREE}


def inherit(recipe: Recipe, source: Source) -> Recipe:
    """The recipe with the system and the shape of the source's network.

    Raises:
        UsageError: the recipe asks for another system or shape.
    """
    if "system" in recipe.model_fields_set and recipe.system != source.system:
        raise UsageError(f"{source.name}: is a {source.system}, and the recipe wants a {recipe.system}")
    own: dict[str, Any] = {}
    if source.system == _ATTENTIVE and isinstance(recipe, AttentionFcnRecipe):
        own = recipe.network.model_dump(mode="json", include=recipe.network.model_fields_set)
    shape = type(recipe.network) if recipe.system == source.system else object
    free: frozenset[str] = getattr(shape, "FREE", frozenset())
    chosen = recipe.network.model_dump(mode="json", include=recipe.network.model_fields_set & free)
    plain = recipe.model_dump(mode="json")
    plain |= {"system": source.system, "network": own | dict(source.network) | chosen}
    inherited = recipes.parse(plain, source.name)
    for key in sorted(recipe.network.model_fields_set):
        wanted, given = getattr(recipe.network, key), getattr(inherited.network, key, None)
        if wanted != given:
            raise UsageError(
                f"network.{key}: the recipe says {wanted}, and {source.name} has {given}; leave it out, or "
                f"say network.{key}={given}"
            )
    return inherited


def start(network: nn.Module, recipe: Recipe, labels: Sequence[str], source: Source) -> Transfer:
    """Copies the source's tensors into the network; the head only where both have the same labels in order.

    Raises:
        UsageError: not one tensor below the head fits.
    """
    same_head = source.task == recipe.task and source.labels == tuple(labels)
    wanted = network.state_dict()
    fit = getattr(network, "adopt", dict)
    tensors: dict[str, Tensor] = fit(source.tensors)
    taken = [
        name
        for name, value in wanted.items()
        if name in tensors
        and tensors[name].shape == value.shape
        and (same_head or not name.startswith("head."))
    ]
    if not any(not name.startswith("head.") for name in taken):
        raise UsageError(f"{source.name}: holds no tensor of this network's names and shapes")
    network.load_state_dict({**wanted, **{name: tensors[name] for name in taken}}, strict=True)
    return Transfer(
        source.name,
        tuple(taken),
        tuple(name for name in wanted if name not in taken),
        tuple(sorted(set(source.tensors) - set(taken))),
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return (", ".join(names[:4]) or "none") + more
