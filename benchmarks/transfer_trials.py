"""What was tried to make transfer from speakers pay, on EMO-DB: one change at a time, one seed.

Five folds of speakers, 24 epochs of the recipe `thin`, from scratch and pre-trained. These are trials on the
very clips that other tables test on: they explain what was chosen, and their figures are no result.
"""

from __future__ import annotations

import argparse
import sys
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


TRIALS = SCRATCH | PRETRAINED


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-trials-"))
    say = Console(stderr=True).print
    figures: dict[str, float] = {}
    details: dict[str, Any] = {}
    chosen = [list(TRIALS)[number - 1] for number in arguments.only or range(1, len(TRIALS) + 1)]
    for name, changes in TRIALS.items():
        folder = out / name.replace(",", "").replace(" ", "-")
        # Joined with what earlier calls left here: a finished trial is reported from its scores.
        if name not in chosen and not (folder / "report.json").exists():
            say(f"{name}: not run yet")
            continue
        say(name)
        report = train(
            _recipe(name, changes, arguments),
            folder,
            protocol="speaker-kfold",
            folds=FOLDS,
            resume=True,
            say=say,
        ).report
        assert report is not None
        figures |= {
            key: value for key, value in report.to_figures(f"emodb.trials.{name}").items() if ".uar" in key
        }
        commit = files.read_json(folder / "run.json")["commit"]
        details[name] = {"changes": changes, "commit": commit}
    record(
        "transfer_trials",
        figures,
        {"trials": details, "not_run": sorted(set(TRIALS) - set(details))},
        started,
    )


def _recipe(name: str, changes: tuple[str, ...], arguments: argparse.Namespace) -> recipe.Recipe:
    start: list[str] = []
    if name in PRETRAINED:
        if arguments.init is None:
            sys.exit(f"{name}: starts from the model folder of benchmarks/speakers.py; name it with --init")
        start = [f"init={arguments.init}"]
    source = f"data=emodb:{arguments.data / 'emodb'}"
    fixed = ["train.validation_speakers=0", f"train.epochs={EPOCHS}"]
    return recipe.load("thin", [source, *fixed, *start, *changes])


def _arguments() -> argparse.Namespace:
    listed = "; ".join(f"{number} {name}" for number, name in enumerate(TRIALS, 1))
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None, epilog=f"Trials: {listed}."
    )
    parser.add_argument(
        "--only", type=int, nargs="+", choices=range(1, len(TRIALS) + 1), help="trials to run"
    )
    parser.add_argument("--init", type=Path, help="the model folder of benchmarks/speakers.py")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, help="keep the runs here; stopped runs go on, finished ones are joined"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
