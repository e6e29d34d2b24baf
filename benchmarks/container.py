"""`deploy/Containerfile` without a container engine: its steps in an empty folder, its command as nobody.

    python benchmarks/container.py

What is copied is copied, what is run is run, with `/opt/affekt` in the folder. Then the entry point starts
with the image's environment alone, by the image's user where this process may choose one. It has to pass the
image's own health check, answer a recording with the token and nobody without it, write no file into its
environment, and end with code 0 after the image's stop signal. Not tried: the base image, whose Python is the
system's here, and the kernel's walls around a container.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from _record import ROOT, record

from affekt.recognizer import ASSETS

PLACE = "/opt/affekt"
TOKEN = "token-of-the-benchmark"
SECONDS_TO_START = 120.0
PYTHON = shutil.which("python3", path="/usr/local/bin:/usr/bin") or sys.executable
"""One that others than its owner may run, where there is one."""


def main() -> None:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="affekt-container-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        steps = _instructions()
        began = time.perf_counter()
        _build(steps, folder)
        built = time.perf_counter() - began
        environment = folder / "opt"
        size = sum(path.lstat().st_size for path in environment.rglob("*") if path.is_file())
        figures = {"container.build.s": built, "container.environment.mb": size / 1e6, **_run(steps, folder)}
    for key, value in figures.items():
        print(f"{key} {value:.4g}")
    record("container", figures, {"base": [rest for kind, rest in steps if kind == "FROM"]}, started)


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy" / "Containerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def _build(steps: list[tuple[str, str]], folder: Path) -> None:
    """The steps of the first stage, in `folder/build`; the second only takes over what it made."""
    build = folder / "build"
    build.mkdir()
    for kind, rest in steps:
        if kind == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, build / target / ("" if (ROOT / source).is_dir() else source))
        elif kind == "RUN":
            command = rest.replace(PLACE, str(folder / "opt")).replace("python -m venv", f"{PYTHON} -m venv")
            subprocess.run(command, shell=True, cwd=build, check=True, env=_plain_environment())
    # What was built from has to be gone: the image has the installed package alone.
    shutil.rmtree(build)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def _plain_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


def _run(steps: list[tuple[str, str]], folder: Path) -> dict[str, float]:
    once = dict(steps)
    user = int(once["USER"].split(":")[0])
    token = folder / "token"
    token.write_text(TOKEN, "ascii")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    entry = [
        {"8080": port, "/run/secrets/affekt-token": str(token)}.get(word, word)
        for word in json.loads(once["ENTRYPOINT"])
    ]
    check = [
        word.replace(":8080/", f":{port}/") for word in json.loads(once["HEALTHCHECK"].partition("CMD ")[2])
    ]
    variables = dict(word.split("=", 1) for word in once["ENV"].split())
    variables["PATH"] = variables["PATH"].replace(PLACE, str(folder / "opt"))
    chosen = user if os.getuid() == 0 and sys.executable != PYTHON else None
    before = set(folder.rglob("*"))
    began = time.perf_counter()
    with subprocess.Popen(
        [shutil.which(entry[0], path=variables["PATH"]) or entry[0], *entry[1:]],
        env=variables,
        user=chosen,
        group=chosen,
        extra_groups=None if chosen is None else [],
        cwd="/",
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            check[0] = shutil.which(check[0], path=variables["PATH"]) or check[0]
            while not _healthy(check, variables) and time.perf_counter() - began < SECONDS_TO_START:
                if process.poll() is not None:
                    raise SystemExit(f"the entry point ended with code {process.returncode}")
                time.sleep(0.1)
            ready = time.perf_counter() - began
            figures = {
                "container.ready.s": ready,
                "container.health_check_passes": float(_healthy(check, variables)),
                "container.answers": float(_status(port, TOKEN) == 200),
                "container.refuses_strangers": float(_status(port, None) == 401),
                "container.files_written": float(len(set(folder.rglob("*")) - before)),
                "container.runs_as_nobody": float(chosen is not None),
            }
            began = time.perf_counter()
            process.send_signal(signal.Signals[once["STOPSIGNAL"]])
            figures["container.exit_code"] = float(process.wait(90))
            figures["container.stop.s"] = time.perf_counter() - began
        finally:
            process.kill()
    return figures


def _healthy(check: list[str], variables: dict[str, str]) -> bool:
    done = subprocess.run(check, env=variables, cwd="/", stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _status(port: str, token: str | None) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/predict", data=min((ASSETS / "examples").glob("*.flac")).read_bytes()
    )
    request.add_header("Content-Type", "audio/flac")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    main()
