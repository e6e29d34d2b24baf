"""One protocol under several conditions and seeds: what the reproductions of the three papers are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affekt import files
from affekt.evaluation.ablation import Ablation, ablation
from affekt.evaluation.plots import ablation_figure
from affekt.evaluation.scored import read_run
from affekt.recipe import Recipe
from affekt.training import distributed
from affekt.training.journal import Watcher
from affekt.training.run import Say
from affekt.verbs.train import train

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cell:
    """A condition: a name and what it changes in the recipe, by section (`{"augment": {"copies": 1}}`).

    `inits` are networks to start from, for each seed another one.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    inits: Mapping[int, str] | None = None

    def apply(self, recipe: Recipe, seed: int) -> Recipe:
        """The recipe under this condition and seed."""
        updates: dict[str, Any] = {"seed": seed}
        if self.inits is not None:
            updates["init"] = self.inits[seed]
        for key, value in self.changes.items():
            section = getattr(recipe, key)
            updates[key] = section.model_copy(update=value) if isinstance(value, Mapping) else value
        return recipe.model_copy(update=updates)


def ablate(
    recipe: Recipe,
    out: Path,
    cells: Sequence[Cell],
    differences: Sequence[tuple[str, str]],
    *,
    title: str,
    protocol: str,
    folds: int,
    seeds: Sequence[int],
    speaker_dependent: bool = False,
    say: Say | None = None,
    watcher: Watcher | None = None,
) -> Ablation:
    """Cross-validates each cell with each seed on the same folds, and compares them.

    Each run has its own folder, `out/CELL/seed-N`; what is there is gone on with, or taken.
    `out` gets `ablation.json`, `ablation.md` and `ablation.png`.

    Raises:
        UsageError, CorpusError, TrainingError: as `train`.
        KeyboardInterrupt: on Ctrl-C, after a checkpoint.
    """
    say = say or (lambda text: None)
    scored: dict[str, list[pd.DataFrame]] = {}
    labels: tuple[str, ...] = ()
    title_of_folds = ""
    for seed in seeds:
        for cell in cells:
            folder = out / cell.name.replace(" ", "-") / f"seed-{seed}"
            say(f"{cell.name}, seed {seed}")
            made = cell.apply(recipe, seed)
            report = train(
                made,
                folder,
                protocol=protocol,
                folds=folds,
                speaker_dependent=speaker_dependent,
                resume=True,
                say=say,
                watcher=watcher,
            ).report
            assert report is not None
            labels, title_of_folds = tuple(sorted({*labels, *report.labels})), report.protocol
            scored.setdefault(cell.name, []).append(read_run(folder).table)
    result = ablation(scored, labels, differences, title=title, protocol=title_of_folds)
    if distributed.rank() == 0:
        files.write_json(out / "ablation.json", result.to_json())
        files.write_text(out / "ablation.md", result.to_markdown())
        ablation_figure(result, out / "ablation.png")
    return result
