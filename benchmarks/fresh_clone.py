"""A fresh clone on a machine with nothing installed: `make predict` and `make test`, with their times.

Both run in a clone of the last commit, with a home folder of its own and no virtual environment. Sizes are
those of the files in the environment; pip and setuptools, which `python3 -m venv` brings, are left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from _record import DATA, ROOT, record


def main() -> None:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="affekt-clone-") as folder:
        clone = Path(folder, "affekt")
        _run(["git", "clone", "--quiet", str(ROOT), str(clone)], ROOT)
        predict_seconds, predicted = _timed(["make", "predict"], clone)
        base_bytes = _installed_bytes(clone / ".venv")
        torch_there = any(clone.glob(".venv/lib/*/site-packages/torch"))
        test_seconds, tested = _timed(["make", "test"], clone)
    summary = re.findall(r"(\d+) (passed|skipped|failed)", tested.splitlines()[-1])
    figures = {
        "fresh_clone.make_predict.s": predict_seconds,
        "fresh_clone.make_test.s": test_seconds,
        "fresh_clone.base_install.mb": base_bytes / 1e6,
        "fresh_clone.base_install.has_torch": float(torch_there),
        **{f"fresh_clone.tests.{word}": float(count) for count, word in summary},
    }
    details = {"make predict": _said(predicted), "make test": _said(tested)[-5:]}
    record("fresh_clone", figures, details, started)
    for name, value in figures.items():
        print(f"{name:40} {value:.4g}")


def _timed(command: list[str], folder: Path) -> tuple[float, str]:
    began = time.perf_counter()
    output = _run(command, folder)
    return time.perf_counter() - began, output


def _run(command: list[str], folder: Path) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "AFFEKT_DATA": str(DATA)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def _said(output: str) -> list[str]:
    """The lines without pip's notes on where it looks for packages, which are of the machine."""
    return [line for line in output.splitlines() if not line.startswith("WARNING: Location ")]


def _installed_bytes(environment: Path) -> int:
    brought = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    return sum(
        path.stat().st_size
        for path in environment.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and not any(part.partition("-")[0] in brought for part in path.relative_to(environment).parts)
    )


if __name__ == "__main__":
    main()
