"""What a server accepts, from whom, and how much of it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from affekt.errors import UsageError
from affekt.labels import nearest
from affekt.recognizer import MODELS

TOKEN_VARIABLE = "AFFEKT_TOKEN"
"""The environment variable that may hold the token."""

LEAST_TOKEN = 16
"""Characters: a shorter token can be guessed."""

_TOKEN_BYTES = 4096


@dataclass(frozen=True)
class Limits:
    """The budgets of a server; what goes over one is refused with a status of its own."""

    body_bytes: int = 32 * 2**20
    """Of one request; beyond it 413."""
    files: int = 64
    """Recordings in one request; beyond it 413."""
    seconds: float = 600.0
    """Of one recording; a longer one is a bad row."""
    explained_seconds: float = 120.0
    """Of one recording that is explained; a longer one is refused with 422."""
    rate: float | None = None
    """Requests per second and address; beyond it 429. None = as fast as they are answered."""
    concurrency: int = 256
    """Requests of one address in work at once; beyond it 429."""
    queue: int = 256
    """Recordings of all addresses in work at once; beyond it 429."""
    held_bytes: int = 512 * 2**20
    """Of all request bodies in memory at once; beyond it 429."""
    connections: int = 1000
    """Open connections; beyond it the one that has sent nothing for longest is closed."""
    streams: int = 32
    """WebSocket streams at once; beyond it 429."""
    stream_seconds: float = 3600.0
    """Of one stream."""
    header_seconds: float = 5.0
    """From the first byte of a request, or from connecting, until its head is complete."""
    body_seconds: float = 30.0
    """From the head of a request until its body is complete; and for reading the answer."""
    idle_seconds: float = 15.0
    """Between two requests on a connection, or two messages of a stream."""
    stop_seconds: float = 60.0
    """For what was accepted to be finished once the server is told to stop."""


@dataclass(frozen=True)
class Settings:
    """Where a server listens and whom it answers.

    `hosts` are the names under which it may be called besides `localhost` and plain addresses, `origins` the
    other web pages that may call it (CORS), such as `https://example.org`. `token` is asked of every request
    that is given one here; `repr` does not show it.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    limits: Limits = Limits()

    def check(self) -> None:
        """Refuses what would leave the server open to strangers.

        Raises:
            UsageError: an address that others can reach without a token, or a token that can be guessed.
        """
        if self.token is not None and len(self.token) < LEAST_TOKEN:
            raise UsageError(
                f"token: {len(self.token)} characters, too easy to guess; give {LEAST_TOKEN} or more"
            )
        if self.token is None and not is_loopback(self.host):
            raise UsageError(
                f"--host {self.host}: others could reach it, so it needs a token; add --token-file FILE "
                f"or set {TOKEN_VARIABLE}"
            )
        if not 0 <= self.port <= 65_535:
            raise UsageError(f"--port {self.port}: ports are 0 to 65535")


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_token(file: str | os.PathLike[str] | None) -> str | None:
    """The token: of the file if there is one, or of the environment; None where neither is given.

    Raises:
        UsageError: the file cannot be read or holds none.
    """
    if file is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    try:
        with Path(file).open("rb") as stream:
            token = stream.read(_TOKEN_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not plain ASCII"
        raise UsageError(
            f"{file}: {problem}; --token-file names a file that holds the token alone"
        ) from error
    if not token:
        raise UsageError(f"{file}: empty; write the token into it")
    return token


def named_models(models: Sequence[str | os.PathLike[str]]) -> dict[str, str | os.PathLike[str]]:
    """The name that requests use -> the model: `NAME=FOLDER`, or a known name or a folder by its own name.

    Raises:
        UsageError: none, or two of one name.
    """
    found: dict[str, str | os.PathLike[str]] = {}
    for given in models:
        name, model = _name_of(given)
        if name in found:
            raise UsageError(f"--model {given}: there is a model named '{name}' already; write NAME={model}")
        found[name] = model
    if not found:
        raise UsageError(f"--model: name at least one{nearest('', MODELS)}")
    return found


def _name_of(given: str | os.PathLike[str]) -> tuple[str, str | os.PathLike[str]]:
    if isinstance(given, str):
        name, sign, folder = given.partition("=")
        if sign and name and os.sep not in name:
            return name, folder
        if given in MODELS:
            return given, given
    path = Path(given).expanduser()
    return path.name or path.resolve().name, given
