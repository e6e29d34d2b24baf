"""Predictions killed at random moments and resumed, by the local engine and by Ray: no row lost, none twice.

    python benchmarks/predict_kills.py [--kills 50] [--ray-kills 5] [--inputs 4000] [--seed 0]

One run of `affekt predict -o TABLE --resume` over the shipped clips, repeated, with damaged ones among them,
is sent SIGKILL again and again, and then let be. Its table must be to the byte that of a run that was never
killed. The same on Ray. Then a second run beside a first one, and a full disk.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from _record import record

import affekt
from affekt.batch.store import SUFFIX, Store

EXAMPLES = sorted((Path(affekt.__file__).parent / "assets" / "examples").glob("*.flac"))
DEADLINE_SECONDS = 900.0
BAD_EVERY = 50
PARTS_SECONDS = 6.0


@dataclass(frozen=True)
class Ended:
    """What killed runs and the last one left."""

    kills: int
    seconds: list[float]
    exit_code: int
    table: bytes


def inputs(folder: Path, count: int) -> Path:
    """A folder of hard links to few clips, and damaged ones."""
    clips = folder / "clips"
    clips.mkdir()
    for number, clip in enumerate(EXAMPLES):
        shutil.copy(clip, folder / f"{number}.flac")
    (folder / "bad.flac").write_bytes(EXAMPLES[0].read_bytes()[:300])
    for number in range(count):
        bad = number % BAD_EVERY == BAD_EVERY // 2
        source = folder / ("bad.flac" if bad else f"{number % len(EXAMPLES)}.flac")
        os.link(source, clips / f"{number:06}.flac")
    return clips


def start(clips: Path, output: Path, *options: str) -> subprocess.Popen[str]:
    """A run of its own process group, so that all of it can be killed at once."""
    command = [sys.executable, "-m", "affekt", "predict", str(clips), "-o", str(output), "--scores", *options]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what stood on standard error."""
    _, said = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, said


def kept(output: Path) -> int:
    """Inputs whose rows are on the disk."""
    folder = output.with_name(output.name + SUFFIX)
    return sum(part.count for part in Store(folder).parts()) if folder.exists() else 0


def killed(
    clips: Path, output: Path, kills: int, random: Random, *options: str, most: float, least: float = 0.1
) -> Ended:
    """One run, killed so many times while it runs, each time after `least` to `most` seconds."""
    seconds: list[float] = []
    while len(seconds) < kills:
        process = start(clips, output, "--resume", *options)
        wait = random.uniform(least, most)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            seconds.append(round(wait, 3))
            print(f"{len(seconds)}/{kills}: after {wait:.2f} s, {kept(output)} kept", file=sys.stderr)
        else:
            # It was done before it could be killed: the table is thrown away and the run begins anew.
            _, said = process.communicate()
            if process.returncode != 1:
                raise SystemExit(f"a resumed run ended with {process.returncode}: {said}")
            output.unlink()
    code, said = finish(start(clips, output, "--resume", *options))
    if code not in (0, 1):
        raise SystemExit(f"the last run failed: {said}")
    return Ended(len(seconds), seconds, code, output.read_bytes())


def second_run(clips: Path, output: Path) -> tuple[int, str]:
    """What a second run says of a table that a first one writes; the first is ended."""
    first = start(clips, output)
    while first.poll() is None and not (output.with_name(output.name + SUFFIX) / "run.json").exists():
        time.sleep(0.01)
    code, said = finish(start(clips, output, "--resume"))
    first.kill()
    first.communicate()
    return code, said.strip()


def full_disk(clips: Path, folder: Path, expected: bytes) -> dict[str, object]:
    """A disk too small for the run, and then with room again; None of it where no disk can be mounted."""
    folder.mkdir()
    output = folder / "table.csv"
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return {"means": "none: may not mount"}
    try:
        code, said = finish(start(clips, output))
        rows = kept(output)
        subprocess.run(["mount", "-o", "remount,size=256m", str(folder)], check=True)
        resumed, _ = finish(start(clips, output, "--resume"))
        return {
            "means": "tmpfs",
            "exit_code": code,
            "lines": said.strip().splitlines(),
            "kept": rows,
            "resumed_exit_code": resumed,
            "alike": output.read_bytes() == expected,
        }
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def compared(name: str, ended: Ended, expected: bytes, count: int) -> dict[str, float]:
    """Figures of a table against the one that was never killed."""
    rows = Counter(row["file"] for row in csv.DictReader(ended.table.decode().splitlines()))
    return {
        f"predict.kills.{name}": float(ended.kills),
        f"predict.kills.{name}.rows": float(sum(rows.values())),
        f"predict.kills.{name}.lost": float(count - len(rows)),
        f"predict.kills.{name}.twice": float(sum(found > 1 for found in rows.values())),
        f"predict.kills.{name}.alike": float(ended.table == expected),
    }


def measure(folder: Path, options: argparse.Namespace) -> tuple[dict[str, float], dict[str, object]]:
    """All of it; the figures and the details to record."""
    random = Random(options.seed)
    clips = inputs(folder, options.inputs)
    began = time.monotonic()
    process = start(clips, folder / "whole.csv")
    while process.poll() is None and not (folder / f"whole.csv{SUFFIX}" / "run.json").exists():
        time.sleep(0.01)
    loading = time.monotonic() - began
    code, said = finish(process)
    if code != 1:
        raise SystemExit(f"the run that is let be ended with {code}: {said}")
    whole, expected = time.monotonic() - began, (folder / "whole.csv").read_bytes()
    # From just before it begins to score until some parts are written: many kills fall into one run.
    local = killed(
        clips, folder / "local.csv", options.kills, random, least=0.9 * loading, most=loading + PARTS_SECONDS
    )
    figures = compared("local", local, expected, options.inputs)
    details: dict[str, object] = {
        "seed": options.seed,
        "uninterrupted_seconds": round(whole, 1),
        "local_seconds": local.seconds,
    }
    if options.ray_kills:
        began = time.monotonic()
        code, said = finish(start(clips, folder / "ray-whole.csv", "--engine", "ray"))
        if code != 1:
            raise SystemExit(f"the run on Ray ended with {code}: {said}")
        took = time.monotonic() - began
        figures["predict.ray.alike"] = float((folder / "ray-whole.csv").read_bytes() == expected)
        # Not before its cluster has started: that takes a third of a small run.
        on_ray = killed(
            clips, folder / "ray.csv", options.ray_kills, random, "--engine", "ray", least=took / 3, most=took
        )
        figures |= compared("ray", on_ray, expected, options.inputs)
        details |= {"ray_uninterrupted_seconds": round(took, 1), "ray_seconds": on_ray.seconds}
    refused, refusal = second_run(clips, folder / "twice.csv")
    disk = full_disk(clips, folder / "small", expected)
    figures["predict.second_run.refused"] = float(refused == 2 and "in use by process" in refusal)
    if disk["means"] == "tmpfs":
        lines = disk["lines"]
        assert isinstance(lines, list)
        figures["predict.full_disk.one_line"] = float(disk["exit_code"] == 2 and len(lines) == 1)
        figures["predict.full_disk.alike"] = float(bool(disk["alike"]))
    return figures, {**details, "refusal": refusal, "full_disk": disk}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--ray-kills", type=int, default=5)
    parser.add_argument("--inputs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        figures, details = measure(Path(folder), options)
    record("predict_kills", figures, details, started)
    for name, value in figures.items():
        print(f"{name:44} {value:.4g}")


if __name__ == "__main__":
    main()
