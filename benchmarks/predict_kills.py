"""Predictions killed at random moments and resumed, by the local engine and by Ray: no row lost, none twice.

    python benchmarks/predict_kills.py [--kills 50] [--ray-kills 50] [--inputs 4000] [--ray-inputs 1200]

One run of `affekt predict -o TABLE --resume` over the shipped clips, repeated, with damaged ones among them,
is sent SIGKILL again and again, most of the time while it scores, and then let be; half of the time its
decoders get it too. Every table that comes of it must be to the byte that of a run that was never killed. The
same on a Ray cluster that goes on while its drivers are killed, and now and then on one that the run starts
itself. Then a second run beside a first one, and a full disk.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from _kills import Ended, Way, cluster, finish, held, kept, killed, start, wrote
from _record import record

import affekt
from affekt.batch.store import SUFFIX
from affekt.provenance import usable_cores

EXAMPLES = sorted((Path(affekt.__file__).parent / "assets" / "examples").glob("*.flac"))
BAD_EVERY = 50
LOCAL_WORK_SECONDS, LOCAL_EARLY_SECONDS = 12.0, 4.0
RAY_WORK_SECONDS, RAY_EARLY_SECONDS = 4.0, 12.0
OWN_CLUSTER_EVERY = 25
"""One in so many runs on Ray starts a cluster itself, which takes long."""


def inputs(folder: Path, count: int) -> Path:
    """A folder of hard links to few clips, and damaged ones."""
    clips = folder / "clips"
    clips.mkdir(parents=True)
    for number, clip in enumerate(EXAMPLES):
        shutil.copy(clip, folder / f"{number}.flac")
    (folder / "bad.flac").write_bytes(EXAMPLES[0].read_bytes()[:300])
    for number in range(count):
        bad = number % BAD_EVERY == BAD_EVERY // 2
        source = folder / ("bad.flac" if bad else f"{number % len(EXAMPLES)}.flac")
        os.link(source, clips / f"{number:06}.flac")
    return clips


def let_be(clips: Path, output: Path, *options: str) -> tuple[float, bytes]:
    """Seconds and table of a run that nobody kills."""
    began = time.monotonic()
    code, said = finish(start(clips, output, *options))
    if code != 1:
        raise SystemExit(f"the run that is let be ended with {code}: {said}")
    return time.monotonic() - began, output.read_bytes()


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
    """Figures of all tables against the one that was never killed."""
    rows = [Counter(row["file"] for row in csv.DictReader(one.decode().splitlines())) for one in ended.tables]
    hits = ended.counts()
    return {
        f"predict.kills.{name}": float(len(ended.kills)),
        **{f"predict.kills.{name}.while_{hit}": float(hits[hit]) for hit in ("start", "scoring", "table")},
        f"predict.kills.{name}.tables": float(len(rows)),
        f"predict.kills.{name}.rows": float(sum(rows[-1].values())),
        f"predict.kills.{name}.lost": float(sum(count - len(found) for found in rows)),
        f"predict.kills.{name}.twice": float(sum(sum(n > 1 for n in found.values()) for found in rows)),
        f"predict.kills.{name}.alike": float(all(table == expected for table in ended.tables)),
        f"predict.kills.{name}.left_over": float(sum(int(str(kill["left_over"])) for kill in ended.kills)),
    }


def on_ray(
    folder: Path, options: argparse.Namespace, random: Random
) -> tuple[dict[str, float], dict[str, object]]:
    """The same on Ray, with fewer inputs: starting is what takes long there."""
    clips = inputs(folder, options.ray_inputs)
    _, expected = let_be(clips, folder / "whole.csv")
    with cluster(folder / "ray", usable_cores() + 1) as address:
        there = ["--engine", "ray", "--ray-address", address]
        took, table = let_be(clips, folder / "ray-whole.csv", *there)
        way = Way(
            lambda number: there[:2] if number % OWN_CLUSTER_EVERY == OWN_CLUSTER_EVERY - 1 else there,
            wrote,
            RAY_WORK_SECONDS,
            RAY_EARLY_SECONDS,
        )
        ended = killed(clips, folder / "ray.csv", options.ray_kills, random, way)
    figures = {"predict.ray.alike": float(table == expected)}
    figures |= compared("ray", ended, expected, options.ray_inputs)
    return figures, {"ray_uninterrupted_seconds": round(took, 1), "ray_kills": ended.kills}


def measure(folder: Path, options: argparse.Namespace) -> tuple[dict[str, float], dict[str, object]]:
    """All of it; the figures and the details to record."""
    random = Random(options.seed)
    clips = inputs(folder, options.inputs)
    whole, expected = let_be(clips, folder / "whole.csv")
    way = Way(lambda number: [], held, LOCAL_WORK_SECONDS, LOCAL_EARLY_SECONDS)
    local = killed(clips, folder / "local.csv", options.kills, random, way)
    figures = compared("local", local, expected, options.inputs)
    details: dict[str, object] = {
        "seed": options.seed,
        "uninterrupted_seconds": round(whole, 1),
        "local_kills": local.kills,
    }
    if options.ray_kills:
        on_cluster, told = on_ray(folder / "on-ray", options, random)
        figures, details = figures | on_cluster, details | told
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
    parser.add_argument("--ray-kills", type=int, default=50)
    parser.add_argument("--inputs", type=int, default=4000)
    parser.add_argument("--ray-inputs", type=int, default=1200)
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
