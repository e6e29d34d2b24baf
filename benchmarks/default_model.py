"""Trains the default model that ships in the wheel, and measures its recipe on speakers it has not heard.

The recipe `default` on all of nEMO, EMO-DB and RAVDESS together. Three folds leave out a third of the
speakers of each corpus; their scores give the card's figures, the temperature and the label sets. The model
itself learns from every speaker. Each piece (`--only fold1`, ...) is a run of its own under `--out`, goes on
where it stopped, and is left alone once it is finished; `--publish` needs all of them.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

import torch
from _record import DATA, command, last_two, record
from rich.console import Console

from affekt import corpora, recipe
from affekt.model_folder import load_weights, open_folder
from affekt.models import build
from affekt.recipe import Recipe
from affekt.recognizer import MODELS
from affekt.training.package import package, training_corpora
from affekt.verbs.held_out import PROTOCOL, HeldOut, commits, join, one_recipe
from affekt.verbs.train import train

CORPORA = ("emodb", "nemo", "ravdess")
FOLDS = ("fold1", "fold2", "fold3")
FINAL = "final"
CUT = "EMO-DB clips are cut or padded to 2.0 s, and nEMO is six of its nine speakers."


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    say = Console(stderr=True).print
    settings = _recipe(arguments)
    for piece in arguments.only or ([] if arguments.publish else [*FOLDS, FINAL]):
        folder = arguments.out / piece
        if _done(folder, piece):
            say(f"{piece}: finished before")
            continue
        say(piece)
        fold = None if piece == FINAL else piece.removeprefix("fold")
        train(
            settings,
            folder,
            protocol=None if fold is None else PROTOCOL,
            folds=len(FOLDS),
            only=fold,
            resume=True,
            say=say,
        )
    if arguments.publish:
        missing = [piece for piece in (*FOLDS, FINAL) if not _done(arguments.out / piece, piece)]
        if missing:
            sys.exit(f"{arguments.out}: {', '.join(missing)} not finished; run them with --only NAME")
        _publish(arguments, started)


def _recipe(arguments: argparse.Namespace) -> Recipe:
    sources = ",".join(f"{corpus}:{arguments.data / corpus}" for corpus in CORPORA)
    start = [f"init={arguments.init}"] if arguments.init else []
    fixed = [f"data={sources}", "train.validation_speakers=0"]
    return recipe.load("default", [*fixed, *start, *arguments.overrides])


def _done(folder: Path, piece: str) -> bool:
    """The last thing that a run writes."""
    return (folder / ("model/MANIFEST.json" if piece == FINAL else "report.json")).exists()


def _publish(arguments: argparse.Namespace, started: float) -> None:
    folders = [arguments.out / piece for piece in FOLDS]
    settings = one_recipe([*folders, arguments.out / FINAL])
    if settings.init is not None:
        settings = settings.model_copy(update={"init": last_two(settings.init)})
    held_out = join(folders)
    trained = open_folder(arguments.out / FINAL / "model")
    if tuple(trained.config.labels) != held_out.labels:
        sys.exit(f"{arguments.out / FINAL}: tells other emotions apart than the folds; train it again")
    network = build(settings, len(trained.config.labels))
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    weights = load_weights(trained, expected)
    network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    origin = trained.config.training
    published = package(
        arguments.model,
        network,
        settings,
        training_corpora(corpora.load_many(settings.data)),
        held_out.labels,
        seconds=origin.seconds,
        metrics=held_out.metrics(),
        tested=f"{held_out.sentence()} {CUT}",
        inherited=origin.corpora,
        origin=origin.model_copy(
            update={"command": command("default_model", shlex.split(origin.command)[1:])}
        ),
        calibrated=held_out.calibrated,
    )
    sizes = {name: len(data) for name, data in published.contents.items()}
    figures = _figures(held_out) | {
        "default.onnx.mb": sizes["model.onnx"] / 1e6,
        "default.folder.mb": sum(sizes.values()) / 1e6,
        "default.training.s": origin.seconds,
        "default.temperature": held_out.calibrated.temperature,
    }
    details = {
        "recipe": published.config.recipe,
        "labels": trained.config.labels,
        "bytes": sizes,
        "trained_at": commits([*folders, arguments.out / FINAL]),
        "corpora": {name: one.to_json() for name, one in held_out.own.items()},
        "whole": held_out.whole.to_json(),
    }
    record("default_model", figures, details, started)


def _figures(held_out: HeldOut) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, metric in held_out.metrics().items():
        parts = name.split(".")
        key = ".".join([*parts[:2], "default", *parts[2:]]) if PROTOCOL in parts else f"default.{name}"
        ends = {"": metric.value, ".low": metric.low, ".high": metric.high}
        figures |= {f"{key}{end}": value for end, value in ends.items() if value is not None}
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("overrides", nargs="*", help="recipe overrides such as train.epochs=2, of all pieces")
    parser.add_argument("--only", nargs="+", choices=[*FOLDS, FINAL], help="train these pieces")
    parser.add_argument("--publish", action="store_true", help="join the pieces to the model that ships")
    parser.add_argument("--init", type=Path, help="a speakers model, such as of benchmarks/speakers.py")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="the folder of all pieces")
    parser.add_argument(
        "--model", type=Path, default=MODELS["default"], help="publish here; the package's own folder"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
