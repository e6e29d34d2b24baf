"""Training over two processes against one: the time of an epoch, and whether both learn the same.

One thread each, by `affekt train` alone and under `torchrun --nproc-per-node 2`, there with statistics of the
whole batch (as one process has them) and of each process's part. An epoch takes what lies between two lines
of a run's log; the first epoch, which starts everything up, does not count. All take turns. After one
step two processes must have the loss of one; after many, rounding has grown as it does between any two runs.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _record import DATA, record

from affekt import files

POLL = 0.02
"""Seconds between two looks at a log."""
ONE = [sys.executable, "-m", "affekt"]
TWO = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "affekt"]
WAYS: dict[str, tuple[list[str], str]] = {
    "one": (ONE, "batch"),
    "two": (TWO, "batch"),
    "two_apart": (TWO, "process"),
}


def main() -> None:
    arguments = _arguments()
    started = time.perf_counter()
    source = f"{arguments.corpus}:{arguments.data / arguments.corpus}"
    settings = [f"train.share={arguments.share}", "train.validation_speakers=0", "train.warmup=0.5"]
    usual = (("corpus", "emodb"), ("recipe", "thin"))
    others = [getattr(arguments, key) for key, value in usual if getattr(arguments, key) != value]
    name = "_".join(["processes", *others])
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    last: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="affekt-processes-") as folder:
        for turn in range(arguments.turns):
            for way, (launcher, shared) in WAYS.items():
                out = Path(folder, f"{way}-{turn}")
                chosen = [arguments.recipe, *settings, f"train.statistics={shared}"]
                epochs = f"train.epochs={1 + arguments.epochs}"
                seconds[way] += _train(launcher, [*chosen, epochs], source, out)
                last[way].append(float(_rows(out)[-1]["train_loss"]))
                print(way, seconds[way][-arguments.epochs :], last[way][-1], flush=True)
        first = {way: _first_loss(launcher, source, Path(folder, f"first-{way}"))
                 for way, (launcher, _) in list(WAYS.items())[:2]}  # fmt: skip
    figures = {f"{name}.{way}.epoch.s": statistics.median(seconds[way]) for way in WAYS}
    one = figures[f"{name}.one.epoch.s"]
    figures |= {
        f"{name}.speed_up": one / figures[f"{name}.two.epoch.s"],
        f"{name}.apart.speed_up": one / figures[f"{name}.two_apart.epoch.s"],
        f"{name}.first_step.loss_difference": abs(first["one"] - first["two"]),
    }
    figures |= {f"{name}.{way}.train_loss": statistics.median(last[way]) for way in WAYS}
    details = {
        "corpus": arguments.corpus,
        "share": arguments.share,
        "recipe": arguments.recipe,
        "epochs_s": seconds,
        "train_loss": last,
        "first_step_loss": first,
    }
    record(name, figures, details, started, script="processes")


def _first_loss(launcher: list[str], source: str, out: Path) -> float:
    """The loss of a single step over a few clips."""
    few = ["train.share=0.03", "train.batch_clips=64", "train.batch_seconds=1000", "train.epochs=1"]
    _train(launcher, ["thin", *few, "train.validation_speakers=0", "train.precision=float32"], source, out)
    return float(_rows(out)[-1]["train_loss"])


def _train(launcher: list[str], settings: list[str], source: str, out: Path) -> list[float]:
    """A run to its end; the seconds of each epoch but the first."""
    words = [*launcher, "train", *settings, "--data", source, "-o", str(out), "--threads", "1", "-q"]
    ends: list[float] = []
    with tempfile.TemporaryFile("w+") as errors:
        running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=errors)
        while running.poll() is None:
            time.sleep(POLL)
            ends += [time.perf_counter()] * (len(_rows(out)) - len(ends))
        if running.returncode:
            errors.seek(0)
            sys.exit(f"{' '.join(words)}: {errors.read()}")
    return [end - begin for begin, end in itertools.pairwise(ends)]


def _rows(out: Path) -> list[dict[str, Any]]:
    log = out / "log.jsonl"
    return [files.parse_json(row) for row in log.read_bytes().splitlines()] if log.exists() else []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", nargs="?", choices=("emodb", "ravdess", "nemo"), default="emodb")
    parser.add_argument("--recipe", default="thin", help="padi2021: steps that take far longer than messages")
    parser.add_argument("--share", type=float, default=1.0, help="of the clips")
    parser.add_argument("--epochs", type=int, default=4, help="that are timed")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds the corpora")
    return parser.parse_args()


if __name__ == "__main__":
    main()
