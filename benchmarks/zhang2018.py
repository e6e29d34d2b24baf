"""System C's ablation: {image pre-training} x {lambda 0, 0.3, 1} on one corpus, the same folds and seeds.

By the protocol of each corpus; no clip of a test speaker chooses anything: every fold trains on all other
speakers for a number of epochs set beforehand, and the last weights are tested.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from _record import DATA, record, trained
from resnet_stats import NEMO_FOLDS, NORMALISATION, PROTOCOLS
from rich.console import Console

from affekt import recipe
from affekt.verbs.zhang2018 import reproduce_zhang2018

EPOCHS = {"emodb": 20, "ravdess": 10, "nemo": 6}
"""Set beforehand, for what two cores do in an hour or two."""

SETTINGS = ("train.validation_speakers=0",)


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    corpus = arguments.corpus
    started = time.perf_counter()
    chosen = [f"train.epochs={EPOCHS[corpus]}", f"network.normalisation={NORMALISATION[corpus]}", *SETTINGS]
    resolved = recipe.load(
        "attention-fcn", [f"data={corpus}:{arguments.data / corpus}", *chosen, *arguments.overrides]
    )
    out = arguments.out or Path(tempfile.mkdtemp(prefix=f"affekt-zhang2018-{corpus}-"))
    result = reproduce_zhang2018(
        resolved,
        out,
        init=arguments.init,
        protocol=arguments.protocol or PROTOCOLS[corpus],
        folds=NEMO_FOLDS,
        seeds=range(arguments.seeds),
        say=Console(stderr=True).print,
    )
    print(result.to_markdown())
    details = {
        "recipe": resolved.model_copy(update={"data": (corpus,)}).model_dump(mode="json"),
        "seeds": arguments.seeds,
        "trained_at": trained(out),
        f"{corpus}.zhang2018": result.to_json(),
    }
    figures = result.to_figures(f"{corpus}.zhang2018")
    record(f"zhang2018_{corpus}", figures, details, started, script="zhang2018")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", choices=PROTOCOLS)
    parser.add_argument("overrides", nargs="*", help="recipe overrides such as train.epochs=2")
    parser.add_argument("--init", type=Path, required=True, help="the model folder of benchmarks/images.py")
    parser.add_argument("--protocol", help="instead of the corpus's own, such as speaker-kfold (three folds)")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the runs here; stopped runs go on")
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    main()
