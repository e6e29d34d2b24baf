"""Trials of one change of a recipe at a time: how they are named, chosen and kept."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Trial:
    """A name, the overrides of the recipe, and whether it starts from the model of `--init`."""

    name: str
    changes: tuple[str, ...] = ()
    pretrained: bool = False
    corpora: tuple[str, ...] | None = None
    """The corpora that it learns from; None: all."""

    def overrides(self, init: Path | None) -> list[str]:
        """What it says beside the base recipe; ends the program where it needs a model and there is none."""
        if self.pretrained and init is None:
            sys.exit(
                f"{self.name}: starts from the model folder of benchmarks/speakers.py; give it by --init"
            )
        return [*([f"init={init}"] if self.pretrained else []), *self.changes]


def picked(trials: Sequence[Trial], only: Sequence[str] | None) -> list[Trial]:
    """The trials of these names or numbers (from 1), all if none are given; ends the program at another."""
    by_name = {trial.name: trial for trial in trials}
    by_name |= {str(number): trial for number, trial in enumerate(trials, 1)}
    if strange := [name for name in only or () if name not in by_name]:
        sys.exit(f"--only {strange[0]}: no such trial; there are {listed(trials)}")
    return [by_name[name] for name in only] if only else list(trials)


def listed(trials: Sequence[Trial]) -> str:
    """All of them, with their numbers."""
    return "; ".join(f"{number} {trial.name}" for number, trial in enumerate(trials, 1))


def slug(name: str, overrides: Sequence[str] = ()) -> str:
    """A folder's name; with overrides, another one for each set of them."""
    words = re.sub(r"[^a-z0-9.]+", "-", name.casefold()).strip("-")
    if not overrides:
        return words
    return f"{words}-{hashlib.sha256(chr(0).join(overrides).encode()).hexdigest()[:8]}"
