"""A server from start to stop."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from affekt.errors import MissingExtraError, UsageError
from affekt.serving.settings import Settings, named_models

if TYPE_CHECKING:
    from affekt.serving.server import Server

Models = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

_BACKLOG = 2048


def serve(
    models: Models = "default",
    settings: Settings | None = None,
    *,
    threads: int | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Answers requests over HTTP until the process is told to stop, and then finishes what it accepted.

    SIGTERM or SIGINT stops it gently, a second one at once.

    Args:
        models: one or many: a known name, the path of a model folder, or `NAME=FOLDER`. The first answers
            requests that name none.
        settings: where to listen, whom to answer, and how much of it; this machine alone if not given.
        threads: processor threads for scoring; the usable cores, at most four, if not given.
        started: told the address, such as `http://127.0.0.1:8080`, once there is one.

    Raises:
        MissingExtraError: `affekt[serve]` is not installed.
        UsageError: no such model, an address without a token, or one that is taken.
        ModelFolderError: a model folder is damaged or not to be trusted.
    """
    server, listener = prepare(models, settings or Settings(), threads=threads)
    if started is not None:
        started(address(listener))
    # The server puts its own handlers in the place of these, and raises the signal again at its end.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def prepare(
    models: Models, settings: Settings, *, threads: int | None = None
) -> tuple[Server, socket.socket]:
    """A server with its models loaded, and the socket that it listens at: `server.run(sockets=[socket])`.

    Raises:
        As `serve`.
    """
    settings.check()
    named = named_models([models] if isinstance(models, str | os.PathLike) else models)
    try:
        from affekt.serving.server import Server
    except ImportError as error:
        raise MissingExtraError("serving", "serve") from error
    server = Server(named, settings, threads=threads)
    return server, _listen(settings)


def address(listener: socket.socket) -> str:
    """The URL of a socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(settings: Settings) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise UsageError(
            f"--host {settings.host} --port {settings.port}: {problem}; choose another address or port"
        ) from error
    return listener
