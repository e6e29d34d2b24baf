"""A server in a process of its own and plain HTTP to it, for benchmarks of `affekt serve`; loopback only."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from _record import DATA

from affekt.recognizer import ASSETS


class Answer(NamedTuple):
    """Of one request: status (0: none came), body, seconds."""

    status: int
    body: bytes
    seconds: float

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The results."""
        found: list[dict[str, Any]] = json.loads(self.body)["results"]
        return found


class Place(NamedTuple):
    """Where a server listens, and its process."""

    host: str
    port: int
    pid: int


@contextmanager
def served(*arguments: str) -> Iterator[Place]:
    """`affekt serve` on a free port of this machine, until the block ends."""
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", "affekt", "serve", "--port", "0", "--quiet", *arguments]
        with subprocess.Popen(command, stderr=log) as process:
            try:
                yield _waited(process, log)
            finally:
                process.terminate()
                process.wait(90)


def _waited(process: subprocess.Popen[bytes], log: Any) -> Place:
    for _ in range(600):
        log.seek(0)
        said = log.read()
        if "listening at http://" in said:
            host, port = said.split("listening at http://")[1].split(",")[0].split(":")
            return Place(host, int(port), process.pid)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"the server did not start: {said}")


def clips(count: int) -> list[bytes]:
    """Real clips of EMO-DB, or the shipped examples where there is no corpus."""
    found = sorted((DATA / "emodb").rglob("*.flac")) or sorted((ASSETS / "examples").glob("*.flac"))
    return [path.read_bytes() for path in found[:count]]


def post(body: bytes, path: str = "/v1/predict", kind: str = "audio/flac") -> bytes:
    """A whole request."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Link:
    """A connection that is kept open, and opened again where the server closed it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Sends a request and reads its answer."""
        began = time.perf_counter()
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._place.host, self._place.port)
            reader, writer = self._streams
            writer.write(request)
            await writer.drain()
            status, body, closing = await asyncio.wait_for(_read(reader), 120)
            if closing:
                self.close()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.close()
            return Answer(0, b"", time.perf_counter() - began)
        return Answer(status, body, time.perf_counter() - began)

    def close(self) -> None:
        """Closes the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    return int(head[9:12]), await reader.readexactly(length), b"connection: close" in head


async def ask_all(place: Place, requests: Sequence[bytes], concurrency: int) -> list[Answer]:
    """The answers to all requests, in order, so many at a time."""
    answers: list[Answer] = [Answer(0, b"", 0.0)] * len(requests)
    numbers = iter(range(len(requests)))

    async def work() -> None:
        link = Link(place)
        for number in numbers:
            answers[number] = await link.ask(requests[number])
        link.close()

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return answers


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor_seconds(pid: int) -> float:
    """Of a process and of its children, those that have ended too."""
    children = [
        int(one)
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for one in path.read_text("ascii").split()
    ]
    return (sum(_ticks(pid)) + sum(sum(_ticks(one)[:2]) for one in children)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> list[int]:
    """A process's own time in user and kernel mode, and that of its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return [int(one) for one in fields[11:15]]


def open_files(pid: int) -> int:
    """Open files of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
