"""Whether a clip's scores depend on its batch, on padding, or on what runs the network.

    python benchmarks/parity.py [--model default] [--data FOLDER] [--clips 10] [--seed 0]

Real clips of all corpora in the data folder, from 0.3 s to 35 s, are scored alone and in mixed batches, with
and without noise behind their end, by torch and by ONNX Runtime. Reported is the largest difference.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnxruntime
import torch
from _record import DATA, record
from numpy.typing import NDArray

from affekt import audio, model_folder, recipe
from affekt.model_folder import probabilities
from affekt.models import build
from affekt.recognizer import resolve

PATTERNS = {
    "emodb": "emodb/wav/*.flac",
    "ravdess": "ravdess/Actor_*/*.opus",
    "nemo": "nemo/samples/*.opus",
    "librispeech": "librispeech-mini/*/*/*/*.opus",
}
SHORTEST, LONGEST = 0.3, 35.0
BATCH = 8

Clip = NDArray[np.float32]
Scores = NDArray[np.float64]
Run = Callable[[Clip, NDArray[np.int64]], NDArray[np.float32]]
"""Samples [batch, samples] and lengths [batch] to logits [batch, classes]."""


def clips(data: Path, count: int, random: Random) -> dict[str, Clip]:
    """`count` clips of each corpus, the start of each first one alone, and one that reaches `LONGEST`."""
    found: dict[str, Clip] = {}
    for corpus, pattern in PATTERNS.items():
        paths = sorted(data.glob(pattern))
        if not paths:
            raise SystemExit(f"{data}: no {pattern}; give the folder of corpora with --data or AFFEKT_DATA")
        chosen = random.sample(paths, min(count, len(paths)))
        heard = {f"{corpus}/{path.stem}": audio.read(path) for path in chosen}
        first = next(iter(heard.values()))
        middle = len(first) // 2
        found |= heard | {f"{corpus}/short": first[middle : middle + round(SHORTEST * audio.SAMPLE_RATE)]}
    speech = [samples for name, samples in found.items() if name.startswith("librispeech")]
    return found | {"librispeech/long": np.concatenate(speech)[: round(LONGEST * audio.SAMPLE_RATE)]}


def pad(pieces: list[Clip], beyond: int, noise: np.random.Generator) -> tuple[Clip, NDArray[np.int64]]:
    """A batch with noise, not silence, wherever no clip is."""
    lengths = np.array([len(one) for one in pieces])
    batch = noise.normal(0, 0.1, (len(pieces), int(lengths.max()) + beyond)).astype(np.float32)
    for row, one in zip(batch, pieces, strict=True):
        row[: len(one)] = one
    return batch, lengths


def runners(folder: model_folder.ModelFolder) -> tuple[Run, Run]:
    """The model in torch and in ONNX Runtime."""
    network = build(recipe.parse(folder.config.recipe, "config.json"), len(folder.config.labels)).eval()
    state = network.state_dict()
    weights = model_folder.load_weights(folder, {name: tuple(value.shape) for name, value in state.items()})
    network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(folder.onnx, options, providers=["CPUExecutionProvider"])

    def with_torch(samples: Clip, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            output: Any = network(torch.from_numpy(samples), torch.from_numpy(lengths))
        return np.asarray(output["logits"].numpy())

    def with_onnx(samples: Clip, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(session.run(["logits"], {"samples": samples, "lengths": lengths})[0])

    return with_torch, with_onnx


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default", help="a known model, or a model folder")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of corpora")
    parser.add_argument("--clips", type=int, default=10, help="clips of each corpus")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    random, noise = Random(options.seed), np.random.default_rng(options.seed)
    folder = model_folder.open_folder(resolve(options.model))
    heard = clips(options.data, options.clips, random)
    names, pieces = list(heard), list(heard.values())
    with_torch, with_onnx = runners(folder)

    def alone(run: Run, padded: bool = False) -> Scores:
        beyond = [random.randrange(1, 5 * audio.SAMPLE_RATE) if padded else 0 for _ in pieces]
        rows = [run(*pad([one], more, noise))[0] for one, more in zip(pieces, beyond, strict=True)]
        return probabilities(np.stack(rows), folder.config.temperature)

    def together(run: Run) -> Scores:
        order = random.sample(range(len(pieces)), len(pieces))
        rows = np.empty((len(pieces), len(folder.config.labels)), np.float32)
        for first, last in pairwise([*range(0, len(order), BATCH), len(order)]):
            part = order[first:last]
            rows[part] = run(*pad([pieces[at] for at in part], 0, noise))
        return probabilities(rows, folder.config.temperature)

    reference = alone(with_torch)
    compared = {
        "torch.batched": together(with_torch),
        "torch.padded": alone(with_torch, padded=True),
        "onnx": alone(with_onnx),
        "onnx.batched": together(with_onnx),
        "onnx.padded": alone(with_onnx, padded=True),
    }
    differences = {name: np.abs(scores - reference).max(axis=1) for name, scores in compared.items()}
    seconds = [len(one) / audio.SAMPLE_RATE for one in pieces]
    figures = {
        "parity.clips": float(len(pieces)),
        "parity.shortest.s": min(seconds),
        "parity.longest.s": max(seconds),
        "parity.max_score": float(reference.max()),
        **{f"parity.{name}.max_difference": float(one.max()) for name, one in differences.items()},
        "parity.labels_changed": float(
            sum((scores.argmax(1) != reference.argmax(1)).sum() for scores in compared.values())
        ),
    }
    worst = {
        name: {"clip": names[int(one.argmax())], "s": seconds[int(one.argmax())]}
        for name, one in differences.items()
    }
    details = {"model": folder.path.name, "seed": options.seed, "batch": BATCH, "worst": worst}
    record("parity", figures, details, started)
    for name, value in figures.items():
        print(f"{name:36} {value:.4g}")


if __name__ == "__main__":
    main()
