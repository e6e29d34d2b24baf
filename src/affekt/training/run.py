"""A run's folder: held against others, and what is written there of where the run comes from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from affekt import files, provenance
from affekt import recipe as recipes
from affekt.errors import UsageError
from affekt.recipe import Recipe
from affekt.training import distributed
from affekt.training.journal import Watcher

Say = Callable[[str], None]
"""Told of what is done, a line at a time."""


@contextlib.contextmanager
def held(out: Path, resume: bool) -> Iterator[None]:
    """The run's folder, new or with a run to resume, held against others by the first process."""
    if distributed.rank() != 0:
        yield
        return
    with files.lock(out):
        files.sweep(out)
        others = [entry for entry in out.iterdir() if entry.name != ".lock"]
        if others and not resume:
            raise UsageError(
                f"{out}: holds a run already; add --resume to go on with it, or choose another folder"
            )
        yield


def decoding(watcher: Watcher | None) -> Callable[[int, int], None] | None:
    """Tells the watcher of the clips that are read."""
    return (lambda done, total: watcher(done, total, "reading clips")) if watcher else None


def finished(out: Path, recipe: Recipe, protocol: str) -> bool:
    """Whether a cross-validation by this recipe and protocol ended in this folder.

    Raises:
        UsageError: one by another recipe did.
    """
    if not (out / "report.json").exists():
        return False
    if _differs(out / "recipe.yaml", recipe):
        raise UsageError(f"{out}: holds a run of another recipe, see recipe.yaml; choose another folder")
    if files.read_json(out / provenance.RECORD)["protocol"] != protocol:
        raise UsageError(f"{out}: holds a run of another protocol, see run.json; choose another folder")
    return True


def _differs(kept: Path, recipe: Recipe) -> bool:
    """It may be of a time when recipes had fewer keys: what is compared is what they mean."""
    return recipes.load(str(kept)).model_dump() != recipe.model_dump()


def record_run(out: Path, recipe: Recipe, protocol: str, resume: bool) -> None:
    """Writes the resolved recipe, and the command, versions and machine of the run.

    Raises:
        UsageError: the folder holds a run of another recipe or protocol.
    """
    if distributed.rank() != 0:
        return
    kept, before = out / "recipe.yaml", {}
    if resume and (out / provenance.RECORD).exists():
        before = files.read_json(out / provenance.RECORD)
        if _differs(kept, recipe) or before["protocol"] != protocol:
            raise UsageError(
                f"{out}: holds a run of another recipe or protocol, see {kept.name} and run.json; "
                "resume with those, or choose another folder"
            )
    files.write_text(kept, recipes.dump(recipe))
    record = provenance.record() | {
        "protocol": protocol,
        "seed": recipe.seed,
        "threads": torch.get_num_threads(),
    }
    if "started" in before:
        record["started"] = before["started"]
    files.write_json(out / provenance.RECORD, record)
