"""A recording of ten hours through `affekt predict`, whole and in windows, and `explain`: memory and time.

    python benchmarks/long_file.py [--hours 10] [--model default] [--verbs predict windows]

The recording is the example clips over and over, each time at another level, as FLAC of 16 kHz; for each verb
one of a minute is measured too, so that what the length adds can be told from what a process takes anyway.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from _record import ROOT, record

from affekt import audio
from affekt.model_folder import open_folder

EXAMPLES = ROOT / "src" / "affekt" / "assets" / "examples"
MEMORY_GOAL_MB = 1024
METHODS = ("hirescam", "occlusion", "attention")
VERBS = ("predict", "windows", "summary", *(f"explain_{method}" for method in METHODS))
AFFEKT = [sys.executable, "-m", "affekt"]

# A process of its own for each run: the peak of children is the largest of all that ended.
MEASURE = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
with open(sys.argv[1], "wb") as out:
    ended = subprocess.run(sys.argv[2:], stdout=out, stderr=subprocess.PIPE)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
found = {"seconds": time.perf_counter() - started, "peak_mb": peak, "code": ended.returncode}
print(json.dumps(found | {"said": ended.stderr.decode(errors="replace")[-300:]}))
"""


def main() -> None:
    arguments = _arguments()
    started = time.perf_counter()
    known = arguments.model == "default"
    record_name = "long_file" if known else f"long_file_{open_folder(Path(arguments.model)).config.system}"
    figures: dict[str, float] = {f"{record_name}.hours": arguments.hours}
    details: dict[str, Any] = {"memory_goal_mb": MEMORY_GOAL_MB, "runs": {}}
    with tempfile.TemporaryDirectory(prefix="affekt-long-") as folder:
        files = {"minute": 60.0, "long": arguments.hours * 3600}
        for name, seconds in files.items():
            _write(Path(folder, f"{name}.flac"), seconds)
        for verb, words in _commands(arguments).items():
            for name in files:
                found = _run([*AFFEKT, *words, str(Path(folder, f"{name}.flac"))], Path(folder, "out"))
                details["runs"][f"{verb} {name}"] = found
                print(f"{verb} {name}: {json.dumps(found)}", flush=True)
                if found["code"] == 0:
                    figures[f"{record_name}.{verb}.{name}.peak_mb"] = round(found["peak_mb"], 1)
                    figures[f"{record_name}.{verb}.{name}.s"] = round(found["seconds"], 2)
    record(record_name, figures, details, started, script="long_file")


def _commands(arguments: argparse.Namespace) -> dict[str, list[str]]:
    model = ["--model", arguments.model]
    explain = {
        f"explain_{method}": ["explain", "--json", "--quiet", "--method", method, *model]
        for method in METHODS
    }
    predict = ["predict", "--format", "json", *model]
    windows = ["--window", "2", "--hop", "1"]
    known = {
        "predict": predict,
        "windows": [*predict, *windows],
        "summary": [*predict, *windows, "--summary"],
        **explain,
    }
    return {verb: words for verb, words in known.items() if verb in arguments.verbs}


def _run(command: list[str], out: Path) -> dict[str, Any]:
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(out), *command], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(measured.stdout)
    text = out.read_text("utf-8")
    found["bytes_of_json"] = len(text)
    if found["code"] == 0:
        row = json.loads(text)
        found["rows"] = len(row) if isinstance(row, list) else 1
        row = row[-1] if isinstance(row, list) else row
        found |= {key: row[key] for key in ("end", "emotion", "status")}
        if "map" in row:
            found |= {"columns": len(row["map"]["times"]) - 1, "pieces": row["pieces"]}
            assert math.isclose(row["map"]["times"][-1], row["end"], abs_tol=0.01)
    return found


def _write(path: Path, seconds: float) -> None:
    """Writes a recording of that length, a minute of samples in memory at a time."""
    clips = np.concatenate([audio.read(clip) for clip in sorted(EXAMPLES.glob("*.flac"))])
    minute = np.resize(clips, 60 * audio.SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", audio.SAMPLE_RATE, 1, format="FLAC", subtype="PCM_16") as out:
        left, number = round(seconds * audio.SAMPLE_RATE), 0
        while left > 0:
            out.write((0.3 + 0.7 * np.sin(number) ** 2) * minute[:left])
            left, number = left - len(minute), number + 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--model", default="default", help="a known model or a model folder")
    parser.add_argument(
        "--verbs", nargs="+", choices=VERBS, default=VERBS, help="all, if not given; attention has one system"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
