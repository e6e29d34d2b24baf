"""A recording as a decoder process gives it, checked once more: the process may have been taken over."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from affekt import audio, errors
from affekt.audio.sources import open_input
from affekt.remote import is_remote
from affekt.sandbox import frames
from affekt.sandbox.process import DecoderProcess

_SHARE_OF_LENGTH = 0.25
_COPY_BYTES = 2**20
_TROUBLE = "it may be damaged or hostile; export it again from its source"
_KINDS: dict[str, type[errors.AudioError]] = {
    kind.code: kind
    for kind in (
        errors.AudioNotFoundError,
        errors.AudioFormatError,
        errors.AudioCorruptError,
        errors.AudioEmptyError,
        errors.AudioNonFiniteError,
        errors.AudioTooLargeError,
        errors.AudioMemoryError,
    )
}


class Pool(Protocol):
    """Where a stream takes its process from, and gives it back to."""

    @property
    def seconds(self) -> float: ...

    def take(self) -> DecoderProcess: ...

    def give_back(self, process: DecoderProcess | None) -> None: ...


class DecodedStream:
    """A recording in blocks [samples], float32, mono, 16 kHz, as a decoder process yields them."""

    def __init__(
        self, pool: Pool, content: Any, name: str, limits: audio.Limits, channel: int | None
    ) -> None:
        self.name = name
        self.rate = self.channels = 0
        self.expected: float | None = None
        self.warnings: tuple[str, ...] = ()
        self._pool = pool
        self._limits = limits
        self._channel = channel
        self._waited = 0.0
        self._samples = 0
        # A decoder has no business in the network, and no keys.
        local = isinstance(content, str | os.PathLike) and not is_remote(str(os.fspath(content)))
        attached = None if local else _in_a_file(content, name, limits)
        try:
            process = pool.take()
            self._process: DecoderProcess | None = process
            self._open(process, "" if attached else os.fspath(content), attached)
        except BaseException:
            self.close()
            raise
        finally:
            if attached is not None:
                attached.close()

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        try:
            while True:
                kind, body = self._receive()
                if kind == frames.END:
                    self._end(self._parse(body))
                    return
                yield self._block(kind, body)
        finally:
            self.close()

    def __enter__(self) -> DecodedStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the process; one that still decodes is ended."""
        process, self._process = getattr(self, "_process", None), None
        if process is not None:
            process.kill()
            self._pool.give_back(None)

    def _open(self, process: DecoderProcess, path: str, attached: IO[bytes] | None) -> None:
        try:
            process.wait_until_ready()
        except errors.AffektError as error:
            raise errors.AudioCrashedError(self.name, str(error), "then try again") from error
        task = {
            "path": path,
            "name": "",
            "attached": attached is not None,
            "limits": asdict(self._limits),
            "channel": self._channel,
        }
        try:
            process.connection.settimeout(self._pool.seconds)
            process.connection.sendall(frames.pack(frames.TASK, task))
            if attached is not None:
                socket.send_fds(process.connection, [b"F"], [attached.fileno()])
        except OSError:
            raise self._crashed(process) from None
        kind, body = self._receive()
        told = self._parse(body) if kind == frames.OPENED else {}
        if not all(type(told.get(key)) is int for key in ("rate", "channels")):
            raise self._crashed(process)
        self.rate, self.channels = told["rate"], told["channels"]
        expected = told.get("expected")
        self.expected = expected if isinstance(expected, float) else None

    def _receive(self) -> tuple[bytes, bytearray]:
        """The next frame of the worker, which has what is left of the recording's time."""
        process = self._process
        if process is None:
            raise errors.UsageError(f"{self.name}: this stream is closed")
        allowed = self._pool.seconds + _SHARE_OF_LENGTH * self._samples / audio.SAMPLE_RATE
        began = time.monotonic()
        try:
            kind, body = frames.receive(process.connection, began + allowed - self._waited)
            self._waited += time.monotonic() - began
        except TimeoutError:
            self.close()
            raise errors.AudioTimeoutError(
                self.name, f"not decoded within {allowed:.0f} s", _TROUBLE
            ) from None
        except frames.BrokenFrameError:
            raise self._crashed(process) from None
        if kind == frames.ERROR:
            told = self._parse(body)
            self._free()
            raise self._told(told)
        return kind, body

    def _block(self, kind: bytes, body: bytearray) -> NDArray[np.float32]:
        if kind != frames.BLOCK or len(body) % 4 or not body:
            assert self._process is not None
            raise self._crashed(self._process)
        block = np.frombuffer(body, np.float32)
        self._samples += len(block)
        # The worker has checked both; but a recording may have taken it over.
        self._limits.check_length(self.name, self._samples - 1, audio.SAMPLE_RATE, 1)
        if not np.isfinite(block).all():
            raise errors.AudioNonFiniteError(self.name, "NaN or infinite samples", _TROUBLE)
        return block

    def _parse(self, body: bytearray) -> dict[str, Any]:
        try:
            return frames.parse(body)
        except frames.BrokenFrameError:
            assert self._process is not None
            raise self._crashed(self._process) from None

    def _end(self, told: dict[str, Any]) -> None:
        found = told.get("warnings")
        self.warnings = tuple(code for code in audio.WARNINGS if isinstance(found, list) and code in found)
        self._free()

    def _free(self) -> None:
        process, self._process = self._process, None
        self._pool.give_back(process)

    def _told(self, told: dict[str, Any]) -> Exception:
        code, problem, remedy = (str(told.get(key, "")) for key in ("code", "problem", "remedy"))
        if code in _KINDS:
            return _KINDS[code](self.name, problem, remedy)
        return RuntimeError(problem)

    def _crashed(self, process: DecoderProcess) -> errors.AudioError:
        cause = process.cause_of_death()
        self.close()
        if cause in ("SIGALRM", "SIGXCPU"):
            return errors.AudioTimeoutError(self.name, "its decoder did not end in time", _TROUBLE)
        return errors.AudioCrashedError(self.name, f"its decoder crashed ({cause})", _TROUBLE)


def _in_a_file(content: Any, name: str, limits: audio.Limits) -> IO[bytes]:
    """A copy of bytes, or of a file object's rest, that only descriptors reach."""
    source = open_input(content, name, limits)
    try:
        held = _nameless()
        while piece := source.read(_COPY_BYTES):
            held.write(piece)
        held.flush()
        held.seek(0)
    finally:
        source.close()
    return held


def _nameless() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("affekt"), "w+b")
    return tempfile.TemporaryFile()
