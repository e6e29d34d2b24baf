"""Training runs killed at random moments and while they save, run into a full disk, or started twice.

    python benchmarks/training_kills.py [--kills 20] [--seed 0]

Every run is a process of `affekt train` that is sent SIGKILL, half of them while they write a checkpoint.
What is on the disk then must load, and the run, resumed, must end with the same bits as one that was let be.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from _record import record
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

import affekt
from affekt import files
from affekt.training.state import CHECKPOINT

EXAMPLES = Path(affekt.__file__).parent / "assets" / "examples"
SETTINGS = (
    "network.width=16", "network.blocks=[1,1,1,1]", "network.stem_stride=4", "network.mels=32",
    "train.epochs=5", "train.batch_clips=5", "train.validation_speakers=1", "train.precision=float32",
)  # fmt: skip
"""Large enough that a checkpoint takes a while to write, small enough that a run takes seconds."""

SAVING = f"{files.TEMPORARY_PREFIX}{CHECKPOINT}.*"
DEADLINE_SECONDS = 1800.0


@dataclass(frozen=True)
class Kill:
    """One killed run: when, what was on the disk, and how the resumed run ended."""

    seconds: float
    in_save: bool
    state: str
    """`readable`, `none` where nothing was saved yet, or what is wrong."""
    exit_code: int
    weights_alike: bool
    log_alike: bool
    leftovers: int


@dataclass(frozen=True)
class Ending:
    """What a finished run leaves: digests of the model's tensors and of the log."""

    weights: str
    log: str


def corpus(folder: Path) -> Path:
    """A table of half a second at a time from the shipped examples, which are of three speakers."""
    path = folder / "spans.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["file", "start", "end", "speaker", "emotion", "corpus"])
        for clip in sorted(EXAMPLES.glob("*.flac")):
            emotion, _, name = clip.stem.partition("-")
            for at in range(6):
                writer.writerow([clip, at * 0.25, at * 0.25 + 0.5, name[:2], emotion, "examples"])
    return path


def start(table: Path, out: Path, *more: str, limit_mib: int | None = None) -> subprocess.Popen[str]:
    """`affekt train` as a process; with a limit, files cannot grow beyond it."""
    command = [sys.executable, "-m", "affekt", "train", *SETTINGS, "--data", str(table), "-o", str(out)]
    bounded = []
    if limit_mib is not None:
        bounded = ["bash", "-c", f"ulimit -f {limit_mib * 1024}; trap '' XFSZ; exec \"$@\"", "bash"]
    return subprocess.Popen(
        [*bounded, *command, "--threads", "1", "-q", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Waits; the exit code and what it said on standard error."""
    with process:
        said = process.communicate(timeout=DEADLINE_SECONDS)[1]
    return process.returncode, said


def ending(out: Path) -> Ending:
    """The digests of a finished run; of nothing where there is no model."""
    stored = out / "model" / "model.safetensors"
    content = hashlib.sha256()
    if stored.exists():
        for name, value in sorted(load_file(stored).items()):
            content.update(name.encode() + str(value.shape).encode() + value.tobytes())
    log = out / "log.jsonl"
    return Ending(content.hexdigest(), files.sha256(log) if log.exists() else "")


def condition(out: Path) -> str:
    """Whether the newest checkpoint loads: whole, finite, and with its position."""
    path = out / CHECKPOINT
    if not path.exists():
        return "none"
    try:
        values = load_file(path)
        with safe_open(path, "numpy") as stream:
            position = json.loads(stream.metadata()["position"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        return f"unreadable: {error}"
    finite = all(np.isfinite(value).all() for value in values.values())
    return "readable" if finite and position["identity"] else "not finite"


def kill_in_save(process: subprocess.Popen[str], out: Path, random: Random, saves: int) -> bool:
    """Kills while a save, chosen by lot, is under way; True where its temporary file was left behind."""
    wanted, seen = random.randint(1, saves), set[str]()
    until = time.monotonic() + DEADLINE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        seen |= {path.name for path in out.glob(SAVING)}
        if len(seen) >= wanted:
            break
        time.sleep(0.0005)
    time.sleep(random.uniform(0, 0.015))
    process.kill()
    process.communicate()
    return any(out.glob(SAVING))


def kill_at(process: subprocess.Popen[str], out: Path, seconds: float) -> bool:
    """Kills after so many seconds; True where a save was under way."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return any(out.glob(SAVING))


def killed(
    table: Path, out: Path, expected: Ending, random: Random, *, in_save: bool, whole: float
) -> Kill | float:
    """One run, killed and resumed; where it was not killed as meant, the most seconds it can have taken."""
    began = time.monotonic()
    process = start(table, out)
    if in_save:
        saving = kill_in_save(process, out, random, saves=5)
    else:
        saving = kill_at(process, out, random.uniform(0.1, 1.0) * whole)
    seconds = time.monotonic() - began
    if process.returncode != -signal.SIGKILL or (in_save and not saving):
        return seconds if process.returncode == 0 else whole
    state = condition(out)
    code, _ = finish(start(table, out, "--resume"))
    found = ending(out)
    leftovers = len(list(out.rglob(f"{files.TEMPORARY_PREFIX}*")))
    return Kill(
        round(seconds, 2),
        saving,
        state,
        code,
        found.weights == expected.weights,
        found.log == expected.log,
        leftovers,
    )


def second_run(table: Path, out: Path) -> tuple[int, str]:
    """What a second run says of a folder that a first one holds; the first is ended."""
    first = start(table, out)
    while first.poll() is None and not (out / CHECKPOINT).exists():
        time.sleep(0.01)
    code, said = finish(start(table, out, "--resume"))
    first.kill()
    first.communicate()
    return code, said.strip()


def full_disk(table: Path, folder: Path, expected: Ending, size: int) -> dict[str, object]:
    """A disk that takes the first checkpoint, of weights alone, and not a whole one of `size` bytes as well.

    Then there is room again.
    """
    out = folder / "run"
    space, file_mib = round(1.1 * size), max(1, round(0.6 * size / 2**20))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={space}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        code, said = finish(start(table, out, limit_mib=None if mounted else file_mib))
        state = condition(out)
        if mounted:
            subprocess.run(["mount", "-o", "remount,size=256m", str(folder)], check=True)
        resumed, _ = finish(start(table, out, "--resume"))
        return {
            "means": "tmpfs" if mounted else "file size limit",
            "exit_code": code,
            "lines": said.strip().splitlines(),
            "state": state,
            "resumed_exit_code": resumed,
            "alike": ending(out) == expected,
        }
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def measure(folder: Path, kills: int, seed: int) -> tuple[dict[str, float], dict[str, object]]:
    """All of it in `folder`; the figures and the details to record."""
    random = Random(seed)
    table = corpus(folder)
    began = time.monotonic()
    code, said = finish(start(table, folder / "whole"))
    if code != 0:
        raise SystemExit(f"the run that is let be failed: {said}")
    whole, expected = time.monotonic() - began, ending(folder / "whole")
    size = (folder / "whole" / CHECKPOINT).stat().st_size
    uninterrupted = whole
    runs: list[Kill] = []
    attempts = 0
    while len(runs) < kills and attempts < 4 * kills:
        attempts += 1
        out = folder / f"run{attempts}"
        run = killed(table, out, expected, random, in_save=len(runs) % 2 == 0, whole=whole)
        if isinstance(run, Kill):
            runs.append(run)
        else:
            # It ended before its time: the machine was busier when the first run was timed.
            whole = min(whole, run)
        print(f"{len(runs)}/{kills}: {run}", file=sys.stderr)
        shutil.rmtree(out)
    refused, refusal = second_run(table, folder / "twice")
    (folder / "small").mkdir()
    disk = full_disk(table, folder / "small", expected, size)
    figures = {
        "training.kills": float(len(runs)),
        "training.kills.in_save": float(sum(run.in_save for run in runs)),
        "training.kills.unreadable": float(sum(run.state not in ("readable", "none") for run in runs)),
        "training.kills.before_first_checkpoint": float(sum(run.state == "none" for run in runs)),
        "training.resumed": float(sum(run.exit_code == 0 for run in runs)),
        "training.resumed_bitwise": float(sum(run.weights_alike and run.log_alike for run in runs)),
        "training.leftover_files": float(sum(run.leftovers for run in runs)),
        "training.checkpoint.mib": size / 2**20,
        "training.second_run.refused": float(refused == 2 and "in use by" in refusal and "\n" not in refusal),
        "training.full_disk.one_line": float(disk["exit_code"] == 2 and len(list(disk["lines"])) == 1),  # type: ignore[call-overload]
        "training.full_disk.older_checkpoint_loads": float(disk["state"] == "readable"),
        "training.full_disk.resumed_bitwise": float(bool(disk["alike"])),
    }
    details = {"seed": seed, "attempts": attempts, "runs": [vars(run) for run in runs], "full_disk": disk}
    return figures, {**details, "uninterrupted_seconds": round(uninterrupted, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        figures, details = measure(Path(folder), options.kills, options.seed)
    record("training_kills", figures, details, started)
    for name, value in figures.items():
        print(f"{name:44} {value:.4g}")


if __name__ == "__main__":
    main()
