"""Writes a benchmark's result beside the others: `benchmarks/results/NAME.json`."""

from __future__ import annotations

import math
import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from affekt import files, provenance
from affekt.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DATA = Path(os.environ.get("AFFEKT_DATA", ROOT.parent / "shared" / "data"))
"""The folder of corpora, where a benchmark is not told of another."""
PLACES = ("--data", "--out")


def record(
    name: str, figures: dict[str, float], details: object, started: float, *, script: str | None = None
) -> None:
    """Writes `benchmarks/results/NAME.json` atomically.

    Args:
        name: the benchmark's file name without its suffix, and what it was told to measure where it has
            several results.
        figures: flat, name -> finite number, the unit in the name (`predict.cold_start.s`).
        details: anything JSON can hold.
        started: `time.perf_counter()` when the benchmark began.
        script: the file name without its suffix where `name` is another.

    Raises:
        UsageError: a figure is not a finite number.
    """
    wild = [key for key, value in figures.items() if not math.isfinite(value)]
    if wild:
        raise UsageError(f"{name}: figures must be finite numbers, and these are not: {', '.join(wild)}")
    files.write_json(
        RESULTS / f"{name}.json",
        {
            "command": command(script or name, sys.argv[1:]),
            "commit": provenance.commit(),
            "machine": machine(),
            "seconds": round(time.perf_counter() - started, 3),
            "figures": figures,
            "details": details,
        },
    )


def trained(out: Path) -> dict[str, str]:
    """The commit that each run in or below a folder was trained at: a figure may be taken from them later."""
    return {
        str(path.parent.relative_to(out)): str(files.read_json(path)["commit"])
        for path in sorted(out.rglob("run.json"))
    }


def machine() -> dict[str, str | int | float]:
    """The processor, its usable cores, the memory in GiB, and the Python that ran."""
    return {
        "cpu": str(provenance.machine()["processor"]),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def command(name: str, words: Sequence[str]) -> str:
    """The command line without where data and runs lie; of other absolute paths, the last two parts."""
    kept: list[str] = []
    place = False
    for word in words:
        if place or word in PLACES:
            place = not place
        else:
            key, equals, value = word.partition("=") if "=/" in word else ("", "", word)
            kept.append(key + equals + (last_two(value) if value.startswith("/") else value))
    return shlex.join(["python", f"benchmarks/{name}.py", *kept])


def last_two(path: str | Path) -> str:
    """The last two parts of a path: a record says what was taken, not where it lay."""
    return str(Path(*Path(path).parts[-2:]))
