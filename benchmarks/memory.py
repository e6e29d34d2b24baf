"""The memory of one `affekt predict -o TABLE` over a hundred thousand recordings, from the first to the last.

    python benchmarks/memory.py [--rows 100000] [--data DATA]

The corpora are named again and again in a list on standard input, in a shuffled order: the first thousand are
to be like the rest, not the shortest ones. What the process holds (its proportional set size, and that of its
decoders) is looked at once a second; at the end it must not be more than a tenth above what it was after a
thousand recordings: medians of thirty looks at either.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from random import Random
from statistics import median

from _record import DATA, record

from affekt import inputs
from affekt.batch.store import SUFFIX, Store

CORPORA = ("emodb", "ravdess", "nemo")
WARM_INPUTS = 1000
SECONDS = 1.0
EARLY_SAMPLES = 30


def pss_mib(pid: int) -> float:
    """Memory of a process, what it shares counted by its share; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def feed(stream: int, names: list[str], rows: int) -> None:
    """Writes the list, as fast as it is read."""
    with os.fdopen(stream, "w") as pipe:
        for name in itertools.islice(itertools.cycle(names), rows):
            pipe.write(f"{name}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    started = time.perf_counter()
    folders = [options.data / name for name in CORPORA]
    names = [item for item in inputs.expand(folders) if isinstance(item, str)]
    Random(0).shuffle(names)
    with tempfile.TemporaryDirectory() as place:
        output = Path(place, "rows.csv")
        read, write = os.pipe()
        command = [sys.executable, "-m", "affekt", "predict", "-", "-o", str(output)]
        process = subprocess.Popen(command, stdin=read)
        os.close(read)
        threading.Thread(target=feed, args=(write, names, options.rows), daemon=True).start()
        samples: list[tuple[int, float, float]] = []
        parts = Store(output.with_name(output.name + SUFFIX))
        while process.poll() is None:
            time.sleep(SECONDS)
            done = sum(part.count for part in parts.parts()) if parts.folder.exists() else 0
            own = pss_mib(process.pid)
            decoders = sum(map(pss_mib, children(process.pid))) if own else 0.0
            if own:
                samples.append((done, round(own, 1), round(decoders, 1)))
        rows = sum(1 for _ in output.open()) - 1
    scored = [
        (own, decoders) for done, own, decoders in samples if done >= min(WARM_INPUTS, options.rows // 4)
    ]
    edge = min(EARLY_SAMPLES, max(1, len(scored) // 10))
    early, late = scored[:edge], scored[-2 * edge : -edge] or scored[-edge:]
    figures = {
        "memory.rows": float(rows),
        "memory.early.mib": median(own for own, _ in early),
        "memory.late.mib": median(own for own, _ in late),
        "memory.growth": median(own for own, _ in late) / median(own for own, _ in early) - 1,
        "memory.decoders.early.mib": median(one for _, one in early),
        "memory.decoders.late.mib": median(one for _, one in late),
        "memory.peak.mib": max(own for _, own, _ in samples),
    }
    record("memory", figures, {"samples": samples[:: max(1, len(samples) // 500)]}, started)
    for name, value in figures.items():
        print(f"{name:44} {value:.4g}")


if __name__ == "__main__":
    main()
