"""Trains the default model that ships in the wheel: the thin network on all of nEMO, EMO-DB and RAVDESS.

The card's figures are those of the same network on each corpus alone, trained without the speakers it was
tested on (`benchmarks/resnet_stats.py`): the model itself has heard every speaker there is here.
"""

from __future__ import annotations

import argparse
import shlex
import tempfile
import time
from pathlib import Path

import torch
from _record import DATA, RESULTS, command, record
from rich.console import Console

from affekt import corpora, files, recipe
from affekt.config import Metric
from affekt.model_folder import load_weights, open_folder
from affekt.models import build
from affekt.recognizer import MODELS
from affekt.training.package import package, training_corpora
from affekt.verbs.train import train

CORPORA = ("emodb", "nemo", "ravdess")
EPOCHS = 24
ABSENT_CLASSES = 0.1
"""A class that a clip's corpus lacks counts a little: left out, `calm` or `boredom` would draw in clips of
corpora that do not know them."""
TESTED = (
    "The model has heard every speaker of its three corpora, so it cannot be tested on them. The figures are "
    "of the same network trained on one corpus at a time, without the speakers it was tested on, each for "
    "its own number of epochs and EMO-DB without normalisation of the level (`benchmarks/resnet_stats.py`); "
    "EMO-DB clips are cut or padded to 2.0 s."
)


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    sources = [f"{corpus}:{arguments.data / corpus}" for corpus in CORPORA]
    trained = open_folder(arguments.model or _train(sources, arguments))
    settings = recipe.parse(trained.config.recipe, "config.json")
    network = build(settings, len(trained.config.labels))
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    weights = load_weights(trained, expected)
    network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    origin = trained.config.training
    words = shlex.split(origin.command)[1:]
    record_of_training = origin.model_copy(update={"command": command("default_model", words)})
    published = package(
        MODELS["default"],
        network,
        settings,
        training_corpora(corpora.load_many(sources)),
        tuple(trained.config.labels),
        seconds=trained.config.training.seconds,
        metrics=measured(),
        tested=TESTED,
        origin=record_of_training,
    )
    sizes = {name: len(data) for name, data in published.contents.items()}
    figures = {
        "default.onnx.mb": sizes["model.onnx"] / 1e6,
        "default.folder.mb": sum(sizes.values()) / 1e6,
        "default.training.s": trained.config.training.seconds,
    }
    details = {"recipe": trained.config.recipe, "labels": trained.config.labels, "bytes": sizes}
    record("default_model", figures, details, started)


def _train(sources: list[str], arguments: argparse.Namespace) -> Path:
    settings = (f"train.epochs={EPOCHS}", f"train.absent_classes={ABSENT_CLASSES}")
    overrides = [*settings, "train.validation_speakers=0", *arguments.overrides]
    resolved = recipe.load("thin", [f"data={','.join(sources)}", *overrides])
    out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-default-"))
    result = train(resolved, out, resume=True, say=Console(stderr=True).print)
    assert result.model is not None
    return result.model


def measured() -> dict[str, Metric]:
    """The figures of the same recipe on speakers it had not heard, from their benchmarks' results."""
    found = {}
    for corpus in CORPORA:
        result = RESULTS / f"resnet_stats_{corpus}.json"
        if not result.exists():
            continue
        figures = files.read_json(result)["figures"]
        for name in figures:
            if name.endswith((".uar", ".wa")):
                found[name] = Metric(
                    value=figures[name], low=figures.get(f"{name}.low"), high=figures.get(f"{name}.high")
                )
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("overrides", nargs="*", help="recipe overrides such as train.epochs=2")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, help="publish this model folder, trained by an earlier call")
    parser.add_argument("--out", type=Path, help="keep the run here; a stopped run goes on")
    return parser.parse_args()


if __name__ == "__main__":
    main()
