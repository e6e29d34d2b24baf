"""From the return key to the first result: `affekt predict CLIP` in fresh processes, and the base install.

A virtual environment is made in a temporary folder and Affekt is installed into it from the working tree,
without extras, as a user has it. Its files are in the page cache, as they are on a second call. Where other
work shares the cores, processor time says more than wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from _record import ROOT, record

from affekt.recognizer import resolve

CLIP = ROOT / "src" / "affekt" / "assets" / "examples" / "anger-03a01Wa.flac"
GOAL_SECONDS = 0.7

STEPS = """
import json, sys, time
laps, last = {}, time.perf_counter()
def lap(name):
    global last
    now = time.perf_counter()
    laps[name], last = now - last, now
import affekt.cli
lap("import cli")
import affekt.cli.predict, affekt.recognizer, affekt.verbs.predict
lap("import predict")
import onnxruntime, soundfile
lap("import onnxruntime")
from affekt import audio, model_folder
from affekt.model_folder.golden import check_golden
from affekt.model_folder.manifest import GOLDEN_SCORES
from affekt.model_folder.scoring import Scorer
folder = model_folder.open_folder(sys.argv[1])
lap("model read and checked")
scorer = Scorer(folder.onnx, folder.config)
lap("session")
clips = {name: data for name, data in folder.contents.items() if name.endswith(".flac")}
check_golden(scorer, folder.config, clips, folder.contents[GOLDEN_SCORES])
lap("golden clips")
samples = audio.load(sys.argv[2]).samples
lap("decode")
scorer.run(samples)
lap("run")
print(json.dumps(laps))
"""
"""What `affekt predict` does, step by step."""


def main() -> None:
    started = time.perf_counter()
    arguments = _arguments()
    model = resolve(arguments.model).resolve()
    with tempfile.TemporaryDirectory(prefix="affekt-cold-start-") as folder:
        environment = Path(folder)
        _install(environment)
        python, affekt = environment / "bin" / "python", environment / "bin" / "affekt"
        predict = [str(affekt), "predict", str(CLIP), "--model", str(model)]
        first, _ = _timed(predict)
        walls, processor = zip(*(_timed(predict) for _ in range(arguments.runs)), strict=True)
        interpreter = median(_timed([str(python), "-c", ""])[0] for _ in range(arguments.runs))
        helps = median(_timed([str(affekt), "--help"])[0] for _ in range(arguments.runs))
        laps = _laps(python, model, arguments.runs)
        imports = _imports(python, model)
        sizes = _sizes(environment)
        packages = len(list(environment.glob("lib/python*/site-packages/*.dist-info"))) - 1
    figures = {
        "predict.cold_start.s": median(walls),
        "predict.cold_start.fastest.s": min(walls),
        "predict.cold_start.slowest.s": max(walls),
        "predict.cold_start.processor.s": median(processor),
        "predict.first_after_install.s": first,
        "help.s": helps,
        "start.interpreter.s": interpreter,
        **{f"start.{name.replace(' ', '_')}.s": seconds for name, seconds in laps.items()},
        "install.base.mb": sum(sizes.values()) / 1e6,
        "install.base.packages": packages,
    }
    figures = {name: round(value, 4) for name, value in figures.items()}
    details = {
        "runs": arguments.runs,
        "load": [round(one, 2) for one in os.getloadavg()],
        "goal_s": GOAL_SECONDS,
        "walls_s": [round(wall, 4) for wall in walls],
        "model_megabytes": round(_tree_bytes(model) / 1e6, 2),
        "import_ms_by_package": imports,
        "megabytes_by_package": {name: round(size / 1e6, 1) for name, size in sizes.most_common(12)},
    }
    print(json.dumps({"figures": figures, "details": details}, indent=2))
    if arguments.model == "default":
        record("cold_start", figures, details, started)
    else:
        print("not recorded: only the model that ships counts", file=sys.stderr)


def _install(environment: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(ROOT)], check=True)


def _timed(command: list[str]) -> tuple[float, float]:
    """Seconds of wall time and of processor time that a process takes from its start to its end."""
    before, started = _processor_seconds(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir(), env=_plain())
    return time.perf_counter() - started, _processor_seconds() - before


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _plain() -> dict[str, str]:
    """The environment without what would point Python at the working tree."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}


def _laps(python: Path, model: Path, runs: int) -> dict[str, float]:
    """The median seconds of each step, over fresh processes."""
    command = [str(python), "-c", STEPS, str(model), str(CLIP)]
    found = []
    for _ in range(runs):
        ran = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=tempfile.gettempdir(), env=_plain()
        )
        found.append(json.loads(ran.stdout))
    return {name: median(laps[name] for laps in found) for name in found[0]}


def _imports(python: Path, model: Path) -> dict[str, float]:
    """Milliseconds that the import of each package's own modules takes, the largest first."""
    ran = subprocess.run(
        [str(python), "-X", "importtime", "-c", STEPS, str(model), str(CLIP)],
        check=True,
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
        env=_plain(),
    )
    spent: Counter[str] = Counter()
    for micros, module in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", ran.stderr, re.MULTILINE):
        package = module.partition(".")[0]
        spent["standard library" if package in sys.stdlib_module_names else package] += int(micros)
    return {package: round(micros / 1e3, 1) for package, micros in spent.most_common(12)}


def _sizes(environment: Path) -> Counter[str]:
    """Bytes of each distribution and package in the environment, pip itself left out."""
    (packages,) = environment.glob("lib/python*/site-packages")
    own = re.compile(r"pip|setuptools|_distutils_hack|distutils-precedence|pkg_resources")
    sizes: Counter[str] = Counter()
    for entry in packages.iterdir():
        name = re.split(r"[-.]", entry.name)[0].lower()
        if not own.match(name) and entry.name != "__pycache__":
            sizes[_BUNDLED.get(name, name)] += _tree_bytes(entry)
    return sizes


_BUNDLED = {
    "numpy.libs": "numpy", "_soundfile": "soundfile", "_soundfile_data": "soundfile",
    "_cffi_backend": "cffi", "google": "protobuf", "typing_inspection": "typing-inspection",
}  # fmt: skip


def _tree_bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="default", help="a model folder in place of the one that ships")
    parser.add_argument("--runs", type=int, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    main()
