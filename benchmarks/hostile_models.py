"""Hostile model folders, and flipped bits: is each refused, at what cost, and does anything run?

python benchmarks/hostile_models.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _record import record

from affekt import ModelFolderError, Recognizer, model_folder
from tests.fixtures import hostile, tiny

FLIPS = 1000
LOADS = 20


def main() -> None:
    """Runs all of it and writes the result."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        good = root / "good"
        tiny.write(good)
        details = [_attack(case, good, root / "attack") for case in hostile.cases()]
        bombs = [one for one in details if "bomb" in one["case"]]
        others = [one for one in details if one not in bombs]
        figures: dict[str, float] = {
            "hostile_models.cases": len(details),
            "hostile_models.accepted": sum(one["message"] is None for one in details),
            "hostile_models.canaries": sum(one["canary"] for one in details),
            "hostile_models.longer_than_a_line": sum(
                not (one["message"] or "").isprintable() for one in details
            ),
            "hostile_models.slowest.s": max(one["seconds"] for one in others),
            "hostile_models.memory.mib": max(one["mib"] for one in others),
            "hostile_models.slowest_bomb.s": max(one["seconds"] for one in bombs),
            "hostile_models.memory_bomb.mib": max(one["mib"] for one in bombs),
            "hostile_models.flips": FLIPS,
            "hostile_models.flips.accepted": _flips(good),
            "hostile_models.load_good.s": _load(good),
        }
    record("hostile_models", figures, details, started)
    for key, value in figures.items():
        print(f"{key}: {value:g}")


def _attack(case: hostile.Case, good: Path, root: Path) -> dict[str, Any]:
    root.mkdir()
    folder, canary = root / "model", root / "canary"
    case.make(good, folder, canary)
    message = None
    before = _peak_mib(reset=True)
    started = time.perf_counter()
    try:
        Recognizer.load(folder)
    except ModelFolderError as error:
        message = str(error).replace(str(folder), "FOLDER")
    seconds = time.perf_counter() - started
    mib = max(0.0, _peak_mib() - before)
    result = {
        "case": case.name,
        "message": message,
        "canary": canary.exists(),
        "seconds": round(seconds, 4),
        "mib": round(mib, 1),
    }
    shutil.rmtree(root)
    return result


def _peak_mib(*, reset: bool = False) -> float:
    """The most memory this process held since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) / 1024
    raise OSError("the system does not tell of the memory")


def _flips(good: Path) -> int:
    """How many of the folders with one flipped bit were accepted."""
    paths = sorted(path for path in good.rglob("*") if path.is_file())
    sizes = np.array([path.stat().st_size for path in paths])
    random = np.random.default_rng(0)
    accepted = 0
    for number in range(FLIPS):
        # Half by size, half by file: small files would hardly ever be met.
        shares = sizes / sizes.sum() if number % 2 else None
        path = paths[random.choice(len(paths), p=shares)]
        data = path.read_bytes()
        changed = bytearray(data)
        changed[random.integers(len(data))] ^= 1 << int(random.integers(8))
        path.write_bytes(changed)
        try:
            model_folder.open_folder(good)
            accepted += 1
        except ModelFolderError:
            pass
        path.write_bytes(data)
    return accepted


def _load(good: Path) -> float:
    """Seconds to load and check a sound folder, the median."""
    seconds = []
    for _ in range(LOADS):
        started = time.perf_counter()
        Recognizer.load(good)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


if __name__ == "__main__":
    main()
