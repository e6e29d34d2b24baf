"""Real servers on loopback ports: in a thread of the tests, and as a command of its own for the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from affekt.recognizer import MODELS
from affekt.serving import Settings
from affekt.serving.run import address, prepare
from tests.fixtures.served import served


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


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `affekt serve` with the shipped model, for tests of its page."""
    if not MODELS["default"].is_dir():
        pytest.skip("this copy ships no weights: no folder src/affekt/assets/default")
    with served(tmp_path_factory.mktemp("served") / "log") as found:
        yield found
