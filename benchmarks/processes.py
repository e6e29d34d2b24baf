"""Training over two processes against one: the time of an epoch, and whether both learn the same.

EMO-DB, one thread each, by `affekt train` alone and under `torchrun --nproc-per-node 2`. The time of an epoch
is what further epochs add to a run, so that starting up does not count. Both take turns.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _record import DATA, record

from affekt import files

SHORT, LONG, TURNS = 1, 5, 3
ONE = [sys.executable, "-m", "affekt"]
TWO = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "affekt"]


def main() -> None:
    arguments = _arguments()
    started = time.perf_counter()
    source = f"emodb:{arguments.data / 'emodb'}"
    seconds: dict[str, list[float]] = {"one": [], "two": []}
    last: dict[str, list[float]] = {"one": [], "two": []}
    with tempfile.TemporaryDirectory(prefix="affekt-processes-") as folder:
        for turn in range(TURNS):
            for name, launcher in (("one", ONE), ("two", TWO)):
                took = {}
                for epochs in (SHORT, LONG):
                    out = Path(folder, f"{name}-{turn}-{epochs}")
                    took[epochs] = _train(launcher, source, out, epochs)
                    rows = (out / "log.jsonl").read_bytes().splitlines()
                seconds[name].append((took[LONG] - took[SHORT]) / (LONG - SHORT))
                last[name].append(float(files.parse_json(rows[-1])["train_loss"]))
    one, two = statistics.median(seconds["one"]), statistics.median(seconds["two"])
    figures = {
        "processes.one.epoch.s": one,
        "processes.two.epoch.s": two,
        "processes.speed_up": one / two,
        "processes.one.train_loss": statistics.median(last["one"]),
        "processes.two.train_loss": statistics.median(last["two"]),
    }
    record("processes", figures, {"epochs_s": seconds, "train_loss": last}, started)


def _train(launcher: list[str], source: str, out: Path, epochs: int) -> float:
    settings = [f"train.epochs={epochs}", "train.validation_speakers=0", "train.warmup=0.5"]
    began = time.perf_counter()
    subprocess.run(
        [*launcher, "train", "thin", *settings, "--data", source, "-o", str(out), "--threads", "1", "-q"],
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds emodb")
    return parser.parse_args()


if __name__ == "__main__":
    main()
