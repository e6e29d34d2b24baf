"""Runs of `affekt predict` that are killed at random moments, and a Ray cluster that outlives them."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from affekt import files
from affekt.batch.store import SUFFIX, Store

DEADLINE_SECONDS = 900.0
EARLY_SHARE = 0.2
"""Of the kills, this share falls anywhere, also before the first recording is scored; the others after it."""

LOOK_SECONDS = 0.01
GONE_SECONDS = 20.0
"""By then all processes of a killed run have to be gone."""


def start(clips: Path, output: Path, *options: str) -> subprocess.Popen[str]:
    """A run with a session of its own, so that what it leaves behind can be told."""
    command = [sys.executable, "-m", "affekt", "predict", str(clips), "-o", str(output), "--scores", *options]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what stood on standard error."""
    _, said = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, said


def parts_of(output: Path) -> set[str]:
    """The parts of a run that are on the disk."""
    folder = output.with_name(output.name + SUFFIX)
    with contextlib.suppress(FileNotFoundError):
        return {part.path.name for part in Store(folder).parts()}
    return set()


def kept(output: Path) -> int:
    """Inputs whose rows are on the disk."""
    return sum(int(name.removesuffix(".jsonl").partition("-")[2]) for name in parts_of(output))


@dataclass(frozen=True)
class Way:
    """A way to run, and when it works.

    Args:
        options: of `affekt predict`, for kill number so and so.
        works: whether it scores by now, from its output and the parts that were there when it began.
        work_seconds: after that it is killed within so many seconds.
        early_seconds: how long the way there may take.
    """

    options: Callable[[int], list[str]]
    works: Callable[[Path, set[str]], bool]
    work_seconds: float
    early_seconds: float


def held(output: Path, before: set[str]) -> bool:
    """The local engine scores as soon as the run's folder is its own."""
    del before
    return files.held(output.with_name(output.name + SUFFIX))


def wrote(output: Path, before: set[str]) -> bool:
    """Actors score when one of them has written a part."""
    return bool(parts_of(output) - before)


@dataclass
class Ended:
    """What killed runs left."""

    tables: list[bytes] = field(default_factory=list)
    """Every table that came to be, the last of a run that was resumed after the last kill."""
    kills: list[dict[str, object]] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        """How many kills hit what."""
        return Counter(str(kill["hit"]) for kill in self.kills)


def killed(clips: Path, output: Path, kills: int, random: Random, way: Way) -> Ended:
    """Runs of one table, killed so many times; one that ends before gives a table, and the next begins."""
    ended = Ended()
    while len(ended.kills) < kills:
        options = way.options(len(ended.kills))
        early, whole_group = random.random() < EARLY_SHARE, random.random() < 0.5
        wait = random.uniform(0.0, way.early_seconds if early else way.work_seconds)
        before, began = parts_of(output), time.monotonic()
        process = start(clips, output, "--resume", *options)
        if _until(process, None if early else partial(way.works, output, before), wait):
            hit = _hit(way, output, before)
            os.killpg(process.pid, signal.SIGKILL) if whole_group else process.kill()
            process.communicate()
            ended.kills.append(
                {
                    "seconds": round(time.monotonic() - began, 3),
                    "hit": hit,
                    "whole_group": whole_group,
                    "kept": kept(output),
                    "left_over": left_over(process.pid),
                    "options": options,
                }
            )
            print(f"{len(ended.kills)}/{kills}: {ended.kills[-1]}", file=sys.stderr)
        else:
            ended.tables.append(_table(output, process))
            output.unlink()
    ended.tables.append(_table(output, start(clips, output, "--resume", *way.options(0))))
    return ended


def _until(process: subprocess.Popen[str], works: Callable[[], bool] | None, wait: float) -> bool:
    """Waits until it works, and then so long; False where the run has ended by then."""
    ends = time.monotonic() + DEADLINE_SECONDS
    while works and process.poll() is None and not works():
        if time.monotonic() > ends:
            process.kill()
            raise SystemExit(f"a run has done nothing for {DEADLINE_SECONDS:g} s: {process.args!r}")
        time.sleep(LOOK_SECONDS)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(wait)
    return process.poll() is None


def _hit(way: Way, output: Path, before: set[str]) -> str:
    if any(output.parent.glob(f"{files.TEMPORARY_PREFIX}{output.name}.*")):
        return "table"
    return "scoring" if way.works(output, before) else "start"


def _table(output: Path, process: subprocess.Popen[str]) -> bytes:
    code, said = finish(process)
    if code not in (0, 1):
        raise SystemExit(f"a resumed run ended with {code}: {said}")
    return output.read_bytes()


def left_over(session: int) -> int:
    """Processes of a killed run that are still there after some time; they are ended."""
    ends = time.monotonic() + GONE_SECONDS
    while (found := _of_session(session)) and time.monotonic() < ends:
        time.sleep(LOOK_SECONDS)
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return len(found)


def _of_session(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, _, _, owner = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(owner) == session and state != "Z":
                    found.append(int(entry.name))
    return found


@contextlib.contextmanager
def cluster(folder: Path, cores: int) -> Iterator[str]:
    """A Ray cluster on this machine alone, with a token; gives its address, and ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"]
    command += ["--node-ip-address", "127.0.0.1", "--port", str(port), "--num-cpus", str(cores)]
    command += ["--include-dashboard", "false", "--disable-usage-stats", "--temp-dir", str(folder)]
    with (folder.with_suffix(".log")).open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        while process.poll() is None and not _answers(port):
            time.sleep(LOOK_SECONDS)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)
        left_over(process.pid)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1.0).close()
        return True
    return False
