"""A thousand damaged, forged and hostile recordings through the decoder: outcomes, time and memory.

    python benchmarks/hostile_audio.py [--count 1000] [--seed 0] [--model default]

Each is read in a child process with a deadline, so that a crash or a hang is counted and not suffered. Then
all of them go through one `affekt predict`, which must give one row for each. `cases` makes the files for
other uses.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import _damage
from _record import record

from affekt import audio
from affekt.errors import AffektError

DEADLINE_SECONDS = 20.0


@dataclass(frozen=True)
class Case:
    """A file, how it was made, and the outcomes that are right for it: `ok`, `warning` or an error's code."""

    path: Path
    kind: str
    expected: frozenset[str]


@dataclass(frozen=True)
class Run:
    """What came of a case: the outcome, the seconds it took, and the MiB it took at its peak."""

    outcome: str
    seconds: float
    extra_mib: float


def cases(folder: Path, count: int, seed: int) -> list[Case]:
    """Writes `count` files into `folder`, of every kind in turn; the same seed gives the same files."""
    makers = [maker for maker, weight in _damage.KINDS for _ in range(weight)]
    Random(0).shuffle(makers)
    seeds = _damage.Seeds()
    made = []
    for number in range(count):
        maker = makers[number % len(makers)]
        case = maker(Random(f"{seed} {number}"), seeds)
        name = f"{number:05d}-{maker.__name__}"
        path = folder / (f"{name}.{case.suffix}" if case.suffix else name)
        _damage.write(case, path)
        made.append(Case(path, maker.__name__, case.expected))
    return made


def outcome(path: Path) -> str:
    """Reads one file: `ok`, `warning`, an error's code, or the name of an exception that is a fault."""
    try:
        waveform = audio.load(path)
    except AffektError as error:
        return error.code
    except Exception as error:
        return f"fault:{type(error).__name__}"
    return "warning" if waveform.warnings else "ok"


def measure(made: list[Case]) -> list[Run]:
    """Runs the cases one after another in a child process, and in a new one after a crash or a hang."""
    context = multiprocessing.get_context("spawn")
    runs: list[Run] = []
    while len(runs) < len(made):
        here, there = context.Pipe()
        remaining = [case.path for case in made[len(runs) :]]
        worker = context.Process(target=_work, args=(there, remaining))
        worker.start()
        there.close()
        try:
            while len(runs) < len(made):
                if not here.poll(DEADLINE_SECONDS):
                    runs.append(Run("hang", DEADLINE_SECONDS, 0.0))
                    break
                runs.append(here.recv())
        except EOFError:
            runs.append(Run("crash", 0.0, 0.0))
        worker.kill()
        worker.join()
    return runs


def _work(pipe: Connection, paths: list[Path]) -> None:
    audio.read(_damage.encode(_damage.voice(44_100, 0.2), 44_100, "WAV", "PCM_16"))
    for path in paths:
        Path("/proc/self/clear_refs").write_text("5")
        before = _status_mib("VmRSS")
        started = time.perf_counter()
        result = outcome(path)
        seconds = time.perf_counter() - started
        pipe.send(Run(result, seconds, max(0.0, _status_mib("VmHWM") - before)))


def predict_all(made: list[Case], model: str) -> list[str]:
    """The outcomes of one `affekt predict` over all files, in their order; raises if a row is lost."""
    command = [sys.executable, "-m", "affekt", "predict", "-", "--format", "jsonl", "--model", model]
    names = "\n".join(str(case.path) for case in made)
    done = subprocess.run(command, input=names, capture_output=True, text=True, timeout=600, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if [row["file"] for row in rows] != names.splitlines() or done.returncode != 1 or done.stderr:
        raise RuntimeError(
            f"{len(rows)} rows for {len(made)} files, exit {done.returncode}: {done.stderr[-500:]}"
        )
    return [row["error"] or str(row["status"]).partition(":")[0] for row in rows]


def _status_mib(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return 0.0


def _share(made: list[Case], runs: list[Run], fits: Callable[[Case, Run], bool]) -> float:
    held = [fits(case, run) for case, run in zip(made, runs, strict=True)]
    return sum(held) / max(1, len(held))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="default", help="the model that predicts")
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made = cases(Path(folder), options.count, options.seed)
        runs = measure(made)
        began = time.perf_counter()
        predicted = predict_all(made, options.model)
        predict_seconds = time.perf_counter() - began
    faults = [run for run in runs if run.outcome in ("crash", "hang") or run.outcome.startswith("fault")]
    wrong = [
        {"file": case.path.name, "expected": sorted(case.expected), "outcome": run.outcome}
        for case, run in zip(made, runs, strict=True)
        if run.outcome not in case.expected
    ]
    refused = [run for run in runs if run.outcome == "too_large"]
    figures = {
        "hostile_audio.files": float(len(runs)),
        "hostile_audio.faults": float(len(faults)),
        "hostile_audio.as_expected.share": _share(made, runs, lambda case, run: run.outcome in case.expected),
        "hostile_audio.slowest.s": max(run.seconds for run in runs),
        "hostile_audio.total.s": sum(run.seconds for run in runs),
        "hostile_audio.peak_extra.mib": max(run.extra_mib for run in runs),
        "hostile_audio.predict.rows": float(len(predicted)),
        "hostile_audio.predict.as_expected.share": sum(
            said in case.expected for case, said in zip(made, predicted, strict=True)
        )
        / max(1, len(made)),
        "hostile_audio.predict.s": predict_seconds,
        "hostile_audio.refusal.slowest.s": max((run.seconds for run in refused), default=0.0),
        "hostile_audio.refusal.peak_extra.mib": max((run.extra_mib for run in refused), default=0.0),
    }
    per_kind: dict[str, Counter[str]] = {}
    for case, run in zip(made, runs, strict=True):
        per_kind.setdefault(case.kind, Counter())[run.outcome] += 1
    details = {
        "count": options.count,
        "seed": options.seed,
        "predicted": dict(Counter(predicted).most_common()),
        "outcomes": dict(Counter(run.outcome for run in runs).most_common()),
        "kinds": {kind: dict(outcomes.most_common()) for kind, outcomes in sorted(per_kind.items())},
        "not_as_expected": wrong,
    }
    record("hostile_audio", figures, details, started)
    for name, value in figures.items():
        print(f"{name:40} {value:.4g}")


if __name__ == "__main__":
    main()
