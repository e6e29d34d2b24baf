"""`affekt serve` as a process: it starts, refuses to start, and stops without losing what it accepted."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from affekt import audio
from tests.fixtures import tiny

CLIP = min(tiny.EXAMPLES.glob("*.flac"))
PATIENCE = 60.0


@contextmanager
def started(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server and its address."""
    command = [sys.executable, "-m", "affekt", "serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert "listening at http://127.0.0.1:" in line, line
            url = line.split("listening at ")[1].split(",")[0]
            # Nobody else reads what it says, and a full pipe would stop it.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield process, url
        finally:
            process.kill()


def long_recording() -> bytes:
    """Half a minute: more than a moment of work with a timeline."""
    held = io.BytesIO()
    soundfile.write(held, np.tile(audio.read(CLIP), 15), 16_000, format="wav")
    return held.getvalue()


def test_what_was_accepted_is_answered_before_it_stops(tiny_model_folder: Path) -> None:
    content = long_recording()
    query = {"timeline": True, "hop": 0.25}

    def ask(_: int) -> int:
        return httpx.post(f"{url}/v1/predict", params=query, content=content, timeout=60).status_code

    with started("--model", tiny_model_folder) as (process, url), ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, number) for number in range(8)]
        until = time.monotonic() + 30
        while (
            "affekt_queue_recordings 8.0" not in httpx.get(f"{url}/metrics").text and time.monotonic() < until
        ):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert [one.result() for one in answers] == [200] * 8
        assert process.wait(30) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def said_until_closed(socket: ClientConnection) -> list[dict[str, Any]]:
    """What a stream says from here on, and at last its close code."""
    said = []
    while True:
        try:
            said.append(json.loads(socket.recv(PATIENCE)))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return [*said, {"code": closed.rcvd.code}]


def test_streams_say_what_they_heard_before_it_stops(tiny_model_folder: Path) -> None:
    heard = (audio.read(CLIP)[:24_000] * 32_767).astype("<i2").tobytes()
    second = bytes(2 * 16_000)

    def chatter(socket: ClientConnection) -> None:
        """A second after the other, without waiting for the clock."""
        try:
            while True:
                socket.send(second)
        except ConnectionClosed:
            pass

    with started("--model", tiny_model_folder) as (process, url):
        place = url.replace("http:", "ws:") + "/v1/stream"
        with connect(place) as one, connect(place) as chatty, connect(place) as idle, connect(place):
            for socket in (one, chatty, idle):
                socket.send('{"window": 1.0, "hop": 1.0}')
                assert json.loads(socket.recv(PATIENCE))["type"] == "ready"
            one.send(heard)
            assert json.loads(one.recv(PATIENCE))["end"] == 1.0
            threading.Thread(target=chatter, args=(chatty,), daemon=True).start()
            assert json.loads(chatty.recv(PATIENCE))["end"] == 1.0
            process.send_signal(signal.SIGTERM)
            window, summary, end = said_until_closed(one)
            assert (window["type"], window["start"], window["end"]) == ("window", 0.5, 1.5)
            assert (summary["type"], summary["duration"], end) == ("summary", 1.5, {"code": 1012})
            *_, summary, end = said_until_closed(chatty)
            assert summary["type"] == "summary" and summary["duration"] >= 1.0 and end == {"code": 1012}
            assert said_until_closed(idle) == [{"code": 1012}]
        assert process.wait(PATIENCE) == 0


def test_a_second_signal_does_not_wait(tiny_model_folder: Path) -> None:
    with started("--model", tiny_model_folder) as (process, url):
        place = httpx.URL(url)
        with socket.create_connection((place.host, place.port or 0)) as link:
            link.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx")
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert process.poll() is None
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--host", "0.0.0.0"], "needs a token"),
        (["--model", "./nowhere"], "neither a known model nor a folder"),
        (["--token-file", "./nowhere"], "No such file"),
        (["--host", "192.0.2.1", "--token-file", "token"], "cannot assign requested address"),
        (["--port", "{taken}"], "address already in use; choose another"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(
    arguments: list[str], problem: str, tmp_path: Path, tiny_model_folder: Path
) -> None:
    (tmp_path / "token").write_text("0123456789abcdef")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [one.format(taken=taken.getsockname()[1]) for one in arguments]
        model = [] if "--model" in words else ["--model", str(tiny_model_folder)]
        command = [sys.executable, "-m", "affekt", "serve", *model, *words]
        run = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ
        )
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr.startswith("affekt: ") and run.stderr.count("\n") == 1 and problem in run.stderr


def test_serving_without_its_extra_says_what_to_install() -> None:
    code = """
import sys
sys.modules["uvicorn"] = None
sys.argv = ["affekt", "serve"]
from affekt.cli import main
main()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (
        2,
        'affekt: serving needs an extra: pip install "affekt[serve]"\n',
    )
