"""An MLflow server on SQLite, in a process and an environment of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MLFLOW = Path(os.environ.get("AFFEKT_MLFLOW", ROOT / ".venv" / "mlflow-server" / "bin" / "mlflow"))
_SECONDS_TO_START = 180


def port() -> int:
    """One that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def mlflow(folder: Path, at: int) -> Iterator[str]:
    """The address of a server whose runs and files lie in `folder`, until the block ends."""
    if not MLFLOW.is_file():
        assert "CI" not in os.environ, f"no MLflow server at {MLFLOW}: make .venv/mlflow-server/.installed"
        pytest.skip("no MLflow server: make .venv/mlflow-server/.installed")
    folder.mkdir(parents=True, exist_ok=True)
    store, files = f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts"
    command = [str(MLFLOW), "server", "--host", "127.0.0.1", "--port", str(at), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(files)]
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=kept | quiet, start_new_session=True
        )
    try:
        _wait(process, f"http://127.0.0.1:{at}", folder / "server.log")
        yield f"http://127.0.0.1:{at}"
    finally:
        # Its workers are processes of its own, in a group of their own.
        os.killpg(process.pid, 15)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait(timeout=20)


def ask(address: str, what: str, body: object = None) -> dict[str, Any]:
    """The server's answer."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{address}/api/2.0/{what}", data, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        found = json.loads(answer.read() or b"{}")
    assert isinstance(found, dict)
    return found


def runs(address: str) -> dict[str, dict[str, Any]]:
    """All runs of the experiment by name; each is there once."""
    experiment = ask(address, "mlflow/experiments/get-by-name?experiment_name=affekt")["experiment"]
    found = ask(address, "mlflow/runs/search", {"experiment_ids": [experiment["experiment_id"]]})["runs"]
    by_name = {one["info"]["run_name"]: one for one in found}
    assert len(by_name) == len(found), "a run was sent twice"
    return by_name


def pairs(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Keys and values as MLflow lists them."""
    return {one["key"]: one["value"] for one in values}


def history(address: str, run: dict[str, Any], name: str) -> list[Any]:
    """Step and value of each time a metric was told."""
    place = f"mlflow/metrics/get-history?run_id={run['info']['run_id']}&metric_key={name}"
    told = ask(address, place).get("metrics", [])
    return [(int(one.get("step", 0)), float(one["value"])) for one in told]


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"{address}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (HTTPError, URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not start: {log.read_text('utf-8', 'replace')[-3000:]}")
