"""What was tried to make transfer from speakers pay, on EMO-DB: one change at a time, one seed.

Three folds of speakers, 24 epochs of the recipe `thin`, from scratch and pre-trained. These are trials on the
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
from _trials import Trial, listed, picked, slug
from rich.console import Console

from affekt import files, recipe
from affekt.errors import LockedError
from affekt.verbs.train import train

FOLDS, EPOCHS = 3, 24
STRONGER = ("augment.warp=0.2", "augment.stretch=0.25", "augment.frequency_width=0.3")
CHANGES: dict[str, tuple[str, ...]] = {
    "stronger masks and warps": STRONGER,
    "half of the clips mixed": ("augment.mixup=0.5",),
    "speed by up to 12 %": ("augment.speed=0.12",),
}
TRIALS = (
    Trial("scratch"),
    *(Trial(f"scratch, {name}", changes) for name, changes in CHANGES.items()),
    Trial("pre-trained", pretrained=True),
    *(Trial(f"pre-trained, {name}", changes, pretrained=True) for name, changes in CHANGES.items()),
    Trial("pre-trained, a third of the learning rate", ("train.learning_rate=0.0007",), pretrained=True),
    Trial("pre-trained, trunk at a tenth of the rate", ("transfer.rate=0.1",), pretrained=True),
    Trial("pre-trained, a level more every 3 epochs", ("transfer.unfreeze_epochs=3",), pretrained=True),
    Trial("pre-trained, head alone", ("transfer.freeze=true",), pretrained=True),
)


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-trials-"))
    say = Console(stderr=True).print
    figures: dict[str, float] = {}
    details: dict[str, Any] = {}
    chosen = picked(TRIALS, arguments.only)
    for trial in TRIALS:
        name, folder = trial.name, out / slug(trial.name)
        # Joined with what earlier calls left here: a finished trial is reported from its scores.
        if trial not in chosen and not (folder / "report.json").exists():
            say(f"{name}: not run yet")
            continue
        say(name)
        try:
            report = train(
                _recipe(trial, arguments),
                folder,
                protocol="speaker-kfold",
                folds=FOLDS,
                resume=True,
                say=say,
            ).report
        except LockedError:
            say(f"{name}: under way in another process")
            continue
        assert report is not None
        figures |= {
            key: value for key, value in report.to_figures(f"emodb.trials.{name}").items() if ".uar" in key
        }
        commit = files.read_json(folder / "run.json")["commit"]
        details[name] = {"changes": trial.changes, "commit": commit}
    record(
        "transfer_trials",
        figures,
        {"trials": details, "not_run": sorted({trial.name for trial in TRIALS} - set(details))},
        started,
    )


def _recipe(trial: Trial, arguments: argparse.Namespace) -> recipe.Recipe:
    source = f"data=emodb:{arguments.data / 'emodb'}"
    fixed = ["train.validation_speakers=0", f"train.epochs={EPOCHS}"]
    return recipe.load("thin", [source, *fixed, *trial.overrides(arguments.init)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None, epilog=f"Trials: {listed(TRIALS)}."
    )
    parser.add_argument("--only", nargs="+", help="trials to run, by name or number")
    parser.add_argument("--init", type=Path, help="the model folder of benchmarks/speakers.py")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--out", type=Path, help="keep the runs here; stopped runs go on, finished ones are joined"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
