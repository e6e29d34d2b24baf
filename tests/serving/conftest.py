"""A real server on a loopback port, in a thread of the tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from affekt.recognizer import MODELS
from affekt.serving import Settings
from affekt.serving.run import address, prepare


@contextmanager
def running(models: object, settings: Settings | None = None) -> Iterator[str]:
    """Gives the address of a server that runs until the block ends."""
    server, listener = prepare(models, settings or Settings(port=0), threads=1)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
    thread.start()
    try:
        yield address(listener)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def base(tiny_model_folder: Path) -> Iterator[str]:
    """The address of a server of the tiny model, named `tiny`, and of the shipped one if there is one."""
    shipped = ["default"] if MODELS["default"].is_dir() else []
    with running([f"tiny={tiny_model_folder}", *shipped]) as url:
        yield url
