"""Whether training waits for its input: step time in the loop against the same steps on batches in memory.

The loop as it runs, with decoded clips put into batches one thread ahead of the network, for emotions (whole
utterances) and for speakers (pieces with noise, rooms and speed perturbation). Epochs of both kinds take
turns; reported are the medians over steps and their ratio. The network has one processor thread.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from _record import DATA, record
from torch import Tensor

from affekt import corpora, recipe
from affekt.models import build
from affekt.recipe import Recipe
from affekt.splits import train_validation
from affekt.training.batches import IntArray
from affekt.training.clips import Clips
from affekt.training.emotions import EmotionTask, Examples
from affekt.training.examples import labelled, targets
from affekt.training.fit import Fit
from affekt.training.journal import Journal
from affekt.training.speakers import SpeakerTask
from affekt.training.step import autocast

TURNS = 3
"""Epochs of each kind."""


class Timed(Journal):
    """Keeps the seconds between steps; the first step of an epoch stands beside its start and is left out."""

    def __init__(self) -> None:
        super().__init__(None)
        self.seconds: list[float] = []
        self._before: float | None = None

    def step(self, done: int, total: int, epoch: int, loss: float) -> None:
        now = time.perf_counter()
        if self._before is not None:
            self.seconds.append(now - self._before)
        self._before = now

    def epoch(self, row: dict[str, float]) -> None:
        self._before = None


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    started = time.perf_counter()
    figures: dict[str, float] = {}
    details: dict[str, object] = {}
    for name, network, task, settings in (_emotions(arguments.data), _speakers(arguments.data)):
        waits, ready = _measure(network, task, settings)
        figures |= {
            f"training_input.{name}.step.s": statistics.median(waits),
            f"training_input.{name}.in_memory_step.s": statistics.median(ready),
            f"training_input.{name}.ratio": statistics.median(waits) / statistics.median(ready),
        }
        details[name] = {"steps": len(waits), "loop_s": waits, "in_memory_s": ready}
    record("training_input", figures, details, started)


def _measure(
    network: torch.nn.Module, task: EmotionTask | SpeakerTask, settings: Recipe
) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory(prefix="affekt-input-") as folder:
        fit = Fit(network, task, settings, Path(folder))
        loop, memory = Timed(), Timed()
        made = task.collate
        for turn in range(2 * TURNS):
            fit.position.epoch = 0
            if turn % 2:
                batches = {tuple(one.tolist()): made(one, 0) for one in fit._plan(0)}

                def ready(
                    examples: IntArray,
                    epoch: int,
                    kept: dict[tuple[int, ...], tuple[Tensor, Tensor]] = batches,
                ) -> tuple[Tensor, Tensor]:
                    return kept[tuple(examples.tolist())]

                task.collate = ready  # type: ignore[method-assign]
            else:
                task.collate = made  # type: ignore[method-assign]
            fit._epoch(memory if turn % 2 else loop)
        return loop.seconds, memory.seconds


def _emotions(data: Path) -> tuple[str, torch.nn.Module, EmotionTask, Recipe]:
    settings = recipe.load("thin", [f"data=emodb:{data / 'emodb'}", "train.epochs=100"])
    table, _ = labelled(corpora.load_many(settings.data), None)
    learnt = targets(table, None)
    fold = train_validation(table, 0, 0)
    examples = Examples(Clips(table), learnt, fold.train, fold.validation)
    task = EmotionTask(examples, settings, lambda: autocast(settings))
    return "emotions", build(settings, len(learnt.labels)), task, settings


def _speakers(data: Path) -> tuple[str, torch.nn.Module, SpeakerTask, Recipe]:
    settings = recipe.load("speakers", ["train.epochs=100", "speakers.speeds=[1.0, 0.9]"])
    table = corpora.load(f"librispeech:{data / 'librispeech-mini'}")
    table = table[table["split"] == "train-clean-100"].reset_index(drop=True)[:80]
    task = SpeakerTask(Clips(table), list(corpora.speaker_key(table)), settings)
    return "speakers", build(settings, len(task.labels)), task, settings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds the corpora")
    return parser.parse_args()


if __name__ == "__main__":
    main()
