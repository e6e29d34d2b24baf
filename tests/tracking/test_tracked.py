"""Trackers by name, and runs told beside their work: whatever a tracker does, the run goes on."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

import affekt
from affekt.cli.runs import app
from affekt.errors import UsageError
from affekt.tracking import tracked, trackers
from affekt.tracking.contents import Contents
from affekt.tracking.sending import Note
from tests.tracking import server
from tests.tracking.made import made


@pytest.mark.parametrize(
    "target",
    [
        "",
        "tensorboard:",
        "wandb:x",
        "mlflow:",
        "mlflow:sqlite:///a.db",
        "mlflow:http://",
        "mlflow:http://h:99999",
    ],
)
def test_what_is_no_tracker_is_refused_before_anything_runs(tmp_path: Path, target: str) -> None:
    with pytest.raises(UsageError, match="--track") as caught:
        affekt.runs(made(tmp_path / "run"), track=[target])
    assert "\n" not in str(caught.value)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_PASSWORD") as caught:
        trackers(["mlflow:https://me:secret@example.org"])
    assert "secret" not in str(caught.value)


class Stubborn:
    """Fails as often as it is told to, and remembers what it heard."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.target, self.remarks = "stubborn", ["a remark"]
        self.failures, self.error = failures, error
        self.heard: list[str] = []

    def tell(self, run: Contents, note: Note) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error
        note.described, note.ended = True, run.status
        self.heard.append(run.status)


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("a bug\nof two lines"), KeyError("x")])
def test_a_tracker_that_fails_is_one_warning(tmp_path: Path, error: Exception) -> None:
    said: list[str] = []
    with tracked(made(tmp_path / "run"), [Stubborn(10**6, error)], said.append, interval=0.01):
        time.sleep(0.2)
    warnings = [line for line in said if line.startswith("warning: ")]
    assert len(warnings) == 1 and "\n" not in warnings[0] and warnings[0].endswith("; the run goes on")
    assert said[-2:] == [
        f"not all was sent to stubborn; affekt runs {tmp_path / 'run'} --track stubborn sends the rest",
        "a remark",
    ]


def test_one_that_comes_back_hears_all_and_the_end(tmp_path: Path) -> None:
    said: list[str] = []
    tracker = Stubborn(1, OSError("gone"))
    with tracked(made(tmp_path / "run"), [tracker], said.append, interval=0.01):
        time.sleep(0.2)
    assert tracker.heard[-1] == "finished"
    assert not [line for line in said if line.startswith("not all")]


def test_a_run_that_stops_is_told_as_stopped_and_its_error_is_its_own(tmp_path: Path) -> None:
    tracker = Stubborn(0, OSError())
    with pytest.raises(KeyboardInterrupt), tracked(made(tmp_path / "run"), [tracker], lambda text: None):
        raise KeyboardInterrupt
    assert tracker.heard[-1] == "stopped"


def test_a_run_that_was_refused_is_not_told_of(tmp_path: Path) -> None:
    tracker = Stubborn(0, OSError())
    with pytest.raises(UsageError), tracked(tmp_path / "none", [tracker], lambda text: None, interval=0.01):
        raise UsageError("no such recipe")
    assert not tracker.heard and not (tmp_path / "none").exists()


class _Strange(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>not MLflow</html>")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def test_from_the_command_line_failures_are_lines_and_exit_code_1(tmp_path: Path) -> None:
    made(tmp_path / "runs" / "a")
    strange = ThreadingHTTPServer(("127.0.0.1", 0), _Strange)
    threading.Thread(target=strange.serve_forever, daemon=True).start()
    try:
        for place, problem in {
            f"http://127.0.0.1:{server.port()}": "cannot be reached",
            f"http://127.0.0.1:{strange.server_port}": "the answer is none of MLflow's",
        }.items():
            ran = CliRunner().invoke(
                app, [str(tmp_path / "runs"), "--track", f"mlflow:{place}", "--format", "csv"]
            )
            assert ran.exit_code == 1
            assert ran.stdout.splitlines()[0].endswith(",problem,tracked")
            assert f"affekt: a: mlflow:{place}: {problem}" in ran.stderr
    finally:
        strange.shutdown()
        strange.server_close()
