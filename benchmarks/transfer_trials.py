"""What was tried to make transfer from speakers pay, on EMO-DB: one change at a time, one seed.

Five folds of speakers, 24 epochs of the recipe `thin`, from scratch and pre-trained. These are trials on the
very clips that other tables test on: they explain what was chosen, and their figures are no result.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from _record import DATA, record
from rich.console import Console

from affekt import files, recipe
from affekt.verbs.train import train

FOLDS, EPOCHS = 5, 24
STRONGER = ("augment.warp=0.2", "augment.stretch=0.25", "augment.frequency_width=0.3")
SCRATCH: dict[str, tuple[str, ...]] = {
    "scratch": (),
    "scratch, stronger masks and warps": STRONGER,
    "scratch, half of the clips mixed": ("augment.mixup=0.5",),
    "scratch, speed by up to 12 %": ("augment.speed=0.12",),
}
PRETRAINED: dict[str, tuple[str, ...]] = {
    "pre-trained": (),
    "pre-trained, stronger masks and warps": STRONGER,
    "pre-trained, half of the clips mixed": ("augment.mixup=0.5",),
    "pre-trained, speed by up to 12 %": ("augment.speed=0.12",),
    "pre-trained, a third of the learning rate": ("train.learning_rate=0.0007",),
    "pre-trained, trunk at a tenth of the rate": ("transfer.rate=0.1",),
    "pre-trained, a level more every 3 epochs": ("transfer.unfreeze_epochs=3",),
    "pre-trained, head alone": ("transfer.freeze=true",),
}


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-trials-"))
    say = Console(stderr=True).print
    figures: dict[str, float] = {}
    details: dict[str, Any] = {}
    trials = {name: (name, changes, None) for name, changes in SCRATCH.items()}
    trials |= {name: (name, changes, arguments.init) for name, changes in PRETRAINED.items()}
    for name, changes, init in trials.values():
        folder = out / name.replace(",", "").replace(" ", "-")
        say(name)
        start: list[str] = [f"init={init}"] if init else []
        made = recipe.load(
            "thin",
            [
                f"data=emodb:{arguments.data / 'emodb'}",
                "train.validation_speakers=0",
                f"train.epochs={EPOCHS}",
                *start,
                *changes,
            ],
        )
        report = train(made, folder, protocol="speaker-kfold", folds=FOLDS, resume=True, say=say).report
        assert report is not None
        figures |= {
            key: value for key, value in report.to_figures(f"emodb.trials.{name}").items() if ".uar" in key
        }
        commit = files.read_json(folder / "run.json")["commit"]
        details[name] = {"changes": changes, "commit": commit}
    record("transfer_trials", figures, details, started)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--init", type=Path, required=True, help="the model folder of benchmarks/speakers.py")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the runs here; stopped runs go on")
    return parser.parse_args()


if __name__ == "__main__":
    main()
