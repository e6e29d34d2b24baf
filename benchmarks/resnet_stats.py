"""System A from scratch with SpecAugment, on speakers it has never heard.

The recipe `thin` by the protocol of each corpus: EMO-DB leaves one speaker out, RAVDESS takes its published
folds, nEMO has three folds of speakers. No clip of a test speaker chooses anything: every fold trains on all
other speakers for a number of epochs set beforehand, and the last weights are tested.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from _record import DATA, record, trained
from rich.console import Console

from affekt import recipe
from affekt.verbs.train import train

PROTOCOLS = {"emodb": "loso", "ravdess": "official", "nemo": "speaker-kfold"}
EPOCHS = {"emodb": 80, "ravdess": 24, "nemo": 12}
"""Set beforehand, so that each run takes about an hour on one core at most."""
NORMALISATION = {"emodb": "none", "ravdess": "utterance", "nemo": "utterance"}
"""Chosen on validation speakers: EMO-DB was recorded at one level, so that loudness is a cue."""
NEMO_FOLDS = 3


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    corpus, protocol = arguments.corpus, PROTOCOLS[arguments.corpus]
    started = time.perf_counter()
    chosen = [f"train.epochs={EPOCHS[corpus]}", f"network.normalisation={NORMALISATION[corpus]}"]
    overrides = [*chosen, "train.validation_speakers=0", *arguments.overrides]
    resolved = recipe.load("thin", [f"data={corpus}:{arguments.data / corpus}", *overrides])
    out = arguments.out or Path(tempfile.mkdtemp(prefix=f"affekt-{corpus}-"))
    console = Console(stderr=True)
    result = train(resolved, out, protocol=protocol, folds=NEMO_FOLDS, resume=True, say=console.print)
    assert result.report is not None
    print(result.report.to_markdown())
    settings = resolved.model_copy(update={"data": (corpus,)}).model_dump(mode="json")
    details = {
        "recipe": settings,
        "threads": arguments.threads,
        "trained_at": trained(out),
        f"{corpus}.{protocol}": result.report.to_json(),
    }
    figures = result.report.to_figures(f"{corpus}.{protocol}")
    record(f"resnet_stats_{corpus}", figures, details, started, script="resnet_stats")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", choices=PROTOCOLS)
    parser.add_argument("overrides", nargs="*", help="recipe overrides such as train.epochs=2")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the run here; a stopped run goes on")
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    main()
