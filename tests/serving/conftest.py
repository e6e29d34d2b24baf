"""A real server on a loopback port, in a thread of the tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from affekt.serving import Settings
from affekt.serving.run import address, prepare

Start = Callable[..., AbstractContextManager[str]]


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
    """The address of a server of the tiny model, named `tiny`."""
    with running([f"tiny={tiny_model_folder}"]) as url:
        yield url
