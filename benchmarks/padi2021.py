"""System A's ablation: {speaker pre-training} x {SpecAugment} on one corpus, the same folds, seeds and steps.

The thin network, by the protocol of each corpus; no clip of a test speaker chooses anything: every fold
trains on all other speakers for a number of epochs set beforehand, and the last weights are tested.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from _record import DATA, record, trained
from resnet_stats import NEMO_FOLDS, PROTOCOLS
from rich.console import Console

from affekt import recipe
from affekt.verbs.reproduce import reproduce_padi2021

COPIES = 5
EPOCHS = {"emodb": 4, "ravdess": 4, "nemo": 2}
"""Epochs of the cells with copies; those without take 1 + COPIES times as many: as many steps. Set beforehand
for what two cores do in the time."""

SETTINGS = ("train.validation_speakers=0", f"augment.copies={COPIES}")


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    corpus = arguments.corpus
    started = time.perf_counter()
    chosen = [f"train.epochs={EPOCHS[corpus]}", *SETTINGS]
    resolved = recipe.load(
        "thin", [f"data={corpus}:{arguments.data / corpus}", *chosen, *arguments.overrides]
    )
    out = arguments.out or Path(tempfile.mkdtemp(prefix=f"affekt-padi2021-{corpus}-"))
    result = reproduce_padi2021(
        resolved,
        out,
        init=arguments.init,
        protocol=PROTOCOLS[corpus],
        folds=NEMO_FOLDS,
        seeds=range(arguments.seeds),
        say=Console(stderr=True).print,
    )
    print(result.to_markdown())
    details = {
        "recipe": resolved.model_copy(update={"data": (corpus,)}).model_dump(mode="json"),
        "seeds": arguments.seeds,
        "trained_at": trained(out),
        f"{corpus}.padi2021": result.to_json(),
    }
    record(f"padi2021_{corpus}", result.to_figures(f"{corpus}.padi2021"), details, started, script="padi2021")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", choices=PROTOCOLS)
    parser.add_argument("overrides", nargs="*", help="recipe overrides such as train.epochs=2")
    parser.add_argument("--init", type=Path, required=True, help="the model folder of benchmarks/speakers.py")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the runs here; stopped runs go on")
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    main()
