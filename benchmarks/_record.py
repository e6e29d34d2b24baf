"""Writes a benchmark's result beside the others: `benchmarks/results/NAME.json`."""

from __future__ import annotations

import math
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path

from affekt import files
from affekt.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DATA = Path(os.environ.get("AFFEKT_DATA", ROOT.parent / "shared" / "data"))
"""The folder of corpora, where a benchmark is not told of another."""


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
            "command": _command(script or name),
            "commit": _commit(),
            "machine": machine(),
            "seconds": round(time.perf_counter() - started, 3),
            "figures": figures,
            "details": details,
        },
    )


def machine() -> dict[str, str | int | float]:
    """The processor, its usable cores, the memory in GiB, and the Python that ran."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _command(name: str) -> str:
    return shlex.join(["python", f"benchmarks/{name}.py", *sys.argv[1:]])


def _commit() -> str:
    run = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
