"""One fold learnt from, by a network or by the baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from affekt import files
from affekt.models import build
from affekt.models.linear_svm import LinearSvm
from affekt.recipe import Recipe
from affekt.training import baseline, distributed
from affekt.training.batches import IntArray
from affekt.training.clips import Clips
from affekt.training.emotions import EmotionTask, Examples
from affekt.training.examples import Targets, Taught, part
from affekt.training.fit import Fit
from affekt.training.journal import Journal, Watcher
from affekt.training.scoring import score_rows
from affekt.training.step import autocast
from affekt.training.transfer import Source, start

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fitted:
    """What learnt from a fold, a row for each epoch, and its logits [rows, classes] of a table's rows."""

    model: torch.nn.Module | LinearSvm
    history: list[dict[str, float]]
    logits: Callable[[IntArray], NDArray[np.float32]]


@dataclass(frozen=True)
class Run:
    """A recipe, its clips, and where to keep what is learnt from them.

    `functionals` [clips, functionals] are of all clips, where it is the baseline that learns.
    """

    recipe: Recipe
    folder: Path
    table: pd.DataFrame
    clips: Clips
    learnt: Targets
    resume: bool
    watcher: Watcher | None
    source: Source | None
    functionals: NDArray[np.float32] | None
    taught: Taught | None = None

    def fit(self, train: IntArray, validation: IntArray, folder: Path, label: str = "") -> Fitted:
        """Trains on rows of the table, watched on others, in a folder of its own."""
        used = part(train, self.learnt.positions, self.recipe.train.share, self.recipe.seed)
        if self.functionals is not None:
            return self._fit_baseline(used, self.functionals)
        if distributed.rank() == 0:
            folder.mkdir(parents=True, exist_ok=True)
            files.sweep(folder)
        network = build(self.recipe, len(self.learnt.labels))
        if self.source is not None:
            transfer = start(network, self.recipe, self.learnt.labels, self.source)
            if distributed.rank() == 0:
                files.write_json(folder / "transfer.json", transfer.to_json())
        examples = Examples(self.clips, self.learnt, used, validation, self.taught)
        task = EmotionTask(examples, self.recipe, lambda: autocast(self.recipe))
        fit = Fit(network, task, self.recipe, folder)
        journal = Journal(folder / "log.jsonl" if distributed.rank() == 0 else None, self.watcher, label)
        trained = fit.run(journal, resume=self.resume)
        return Fitted(trained, fit.position.history, lambda rows: score_rows(trained, self.clips, rows))

    def _fit_baseline(self, used: IntArray, values: NDArray[np.float32]) -> Fitted:
        positions, classes = self.learnt.positions.numpy(), len(self.learnt.labels)
        machine = baseline.fit(values[used], positions[used], classes, self.recipe)
        return Fitted(machine, [], lambda rows: machine.logits(values[rows]))
