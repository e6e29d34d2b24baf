"""Everything a run needs to go on as if it had never stopped, in one file written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from affekt.errors import UsageError
from affekt.files import atomic

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class Position:
    """Where a run stands. Random numbers follow from (seed, epoch, clip), so none are stored."""

    identity: str
    """A digest of the recipe and the clips: another run's checkpoint is refused."""
    epoch: int = 0
    """Epochs finished."""
    step: int = 0
    """Steps finished in the epoch under way."""
    loss_sum: float = 0.0
    """Weighted loss of those steps."""
    weight_sum: float = 0.0
    speaker_sum: float = 0.0
    """Mean loss of each of those steps' adversary."""
    best_epoch: int = 0
    """The epoch whose weights are kept; 0 before there is one."""
    best_uar: float = -1.0
    best_loss: float = float("inf")
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    """One row for each finished epoch."""


def save(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimiser: torch.optim.Optimizer,
    best: dict[str, Tensor],
    position: Position,
) -> None:
    """Writes a checkpoint atomically; `modules` are the network and what learns beside it, by name.

    Raises:
        WriteError: the disk refuses; the older checkpoint is untouched.
    """
    from safetensors.torch import save as to_bytes

    tensors = {f"best.{name}": value for name, value in best.items()}
    for section, module in modules.items():
        tensors |= {f"{section}.{name}": value for name, value in module.state_dict().items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": value for name, value in state.items()}
    values = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic(path) as stream:
        stream.write(to_bytes(values, {"position": json.dumps(asdict(position))}))


def load(
    path: Path, modules: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer, identity: str
) -> tuple[dict[str, Tensor], Position]:
    """Restores modules and optimiser in place; returns the best weights so far and the position.

    Raises:
        UsageError: not a checkpoint, or one of another recipe or of other clips.
    """
    from safetensors import SafetensorError, safe_open

    tensors: dict[str, dict[str, Tensor]] = {name: {} for name in ("best", "optimiser", *modules)}
    try:
        with safe_open(path, "pt") as stream:
            position = Position(**json.loads(stream.metadata()["position"]))
            for name in stream.keys():  # noqa: SIM118
                section, _, rest = name.partition(".")
                tensors[section][rest] = stream.get_tensor(name)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path}: not a checkpoint of this version ({error}); start in a new folder"
        ) from error
    if position.identity != identity:
        raise UsageError(f"{path}: belongs to another recipe or other clips; start in a new folder")
    for name, module in modules.items():
        module.load_state_dict(tensors[name], strict=True)
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors["optimiser"].items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return tensors["best"], position
