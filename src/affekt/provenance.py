"""Where a result comes from: command, versions, commit, machine."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RECORD = "run.json"
"""The file of a run's folder that says where it comes from."""

PACKAGES = (
    "affekt",
    "numpy",
    "onnxruntime",
    "opensmile",
    "pandas",
    "scikit-learn",
    "soundfile",
    "soxr",
    "torch",
)


def record() -> dict[str, Any]:
    """All of it, as `run.json` keeps it; `started` is now, in UTC."""
    return {
        "command": command(),
        "commit": commit(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "machine": machine(),
    }


def command() -> str:
    """The command line of this process, as one could type it again; the program without its folder."""
    program = Path(sys.argv[0]).name
    return shlex.join(["affekt" if program == "__main__.py" else program, *sys.argv[1:]])


def commit() -> str:
    """The git commit of the source tree that Affekt runs from, `+changes` behind it where it was edited.

    Empty for an installed release.
    """
    tree = Path(__file__).resolve().parents[2]
    if not (tree / ".git").exists():
        return ""
    head = _git(tree, "rev-parse", "HEAD")
    return f"{head}+changes" if head and _git(tree, "status", "--porcelain", "--", "src") else head


def usable_cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a number."""
    # Slow to import, and asked for where results are recorded alone.
    from importlib import metadata

    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """Processor, cores and system, without the host's name."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
        model = next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model
        )
    return {"processor": model, "cores": os.cpu_count() or 1, "system": platform.system()}


def _git(tree: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(tree), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
