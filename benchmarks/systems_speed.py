"""Clips per second of the three systems side by side, on the same recordings, through ONNX Runtime.

Each system in the size of its recipes, with weights by lot, which cost as much time as learnt ones. Clips are
decoded beforehand and scored whole, one at a time; the systems take turns, so that what else the machine does
meets all of them, and the median of the rounds counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from _record import DATA, record
from numpy.typing import NDArray

from affekt import audio, corpora, recipe
from affekt.labels import EMOTIONS
from affekt.model_folder import open_folder
from affekt.models import build
from affekt.recognizer import Recognizer
from affekt.training.package import package

RECIPES = ("thin", "padi2021", "facenet", "liu2021", "attention-fcn", "zhang2018")
"""A thin and a published size of each system."""
CORPORA = ("emodb", "nemo", "ravdess")
LABELS = EMOTIONS[:7]


def main() -> None:
    arguments = _arguments()
    started = time.perf_counter()
    clips = _clips(arguments.data, arguments.clips)
    heard = sum(map(len, clips)) / audio.SAMPLE_RATE
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="affekt-systems-") as place:
        models = {name: _model(name, Path(place, name), arguments.threads) for name in arguments.recipes}
        for one in models.values():
            one.logits(clips[:1])
        seconds: dict[str, list[float]] = {name: [] for name in models}
        for number in range(arguments.rounds):
            for name in list(models)[number % len(models) :] + list(models)[: number % len(models)]:
                seconds[name].append(_seconds(models[name], clips))
        for name, taken in seconds.items():
            figures |= {
                f"systems.{name}.clips_per_s": len(clips) / median(taken),
                f"systems.{name}.times_real_time": heard / median(taken),
                f"systems.{name}.onnx.mb": len(open_folder(Path(place, name)).onnx) / 1e6,
            }
    details = {
        "clips": len(clips),
        "seconds_of_audio": round(heard, 1),
        "rounds": arguments.rounds,
        "threads": arguments.threads,
        "seconds": seconds,
        "systems": {name: recipe.load(name).system for name in arguments.recipes},
    }
    record("systems_speed", figures, details, started)
    for name in arguments.recipes:
        print(f"{figures[f'systems.{name}.clips_per_s']:8.1f} clips/s  {name}")


def _clips(data: Path, count: int) -> list[NDArray[np.float32]]:
    """So many clips, of each corpus as many, evenly over its speakers."""
    found = []
    for at, corpus in enumerate(CORPORA):
        table = corpora.load(f"{corpus}:{data / corpus}")
        part = count // len(CORPORA) + (at < count % len(CORPORA))
        rows = np.linspace(0, len(table) - 1, part).round().astype(int)
        found += [audio.read(Path(path)) for path in table["path"].iloc[rows]]
    return found


def _model(name: str, folder: Path, threads: int) -> Recognizer:
    settings = recipe.load(name)
    network = build(settings, len(LABELS))
    package(folder, network, settings, [], LABELS, seconds=0.0, metrics={}, tested="Its weights are by lot.")
    return Recognizer.load(folder, threads=threads)


def _seconds(model: Recognizer, clips: list[NDArray[np.float32]]) -> float:
    began = time.perf_counter()
    for clip in clips:
        model.logits([clip])
    return time.perf_counter() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=RECIPES)
    parser.add_argument("--clips", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb, ravdess, nemo")
    return parser.parse_args()


if __name__ == "__main__":
    main()
