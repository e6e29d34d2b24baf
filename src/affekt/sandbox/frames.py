"""What decoder processes and their owner say to each other: frames of plain bytes and JSON, never pickles.

A frame is one byte of kind, four of length (big-endian), and so many bytes. Its reader believes nothing: a
kind that is not known, or a length over the kind's bound, ends the conversation.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

_HEADER = struct.Struct("!cI")

READY = b"R"
"""Worker: imports are done."""
TASK = b"T"
"""Owner: what to decode, JSON; a byte with a file descriptor follows where the recording has no path."""
OPENED = b"O"
"""Worker: rate, channels and the length in seconds that the header gives, JSON."""
BLOCK = b"B"
"""Worker: float32 samples in the machine's byte order."""
END = b"E"
"""Worker: the warnings, JSON."""
ERROR = b"X"
"""Worker: code, problem and remedy, JSON."""

MOST_BYTES = {READY: 0, TASK: 2**20, OPENED: 2**10, BLOCK: 2**22, END: 2**10, ERROR: 2**18}
"""The longest frame of each kind."""


class BrokenFrameError(Exception):
    """The other side ended, or says what it must not."""


def pack(kind: bytes, value: object = None) -> bytes:
    """A frame: JSON, or bytes as they are."""
    body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
    return _HEADER.pack(kind, len(body)) + body


def receive(connection: socket.socket, deadline: float | None = None) -> tuple[bytes, bytearray]:
    """The next frame: its kind and its bytes. `deadline` is a time of `time.monotonic()`.

    Raises:
        BrokenFrameError: the other side ended, or sent something else.
        TimeoutError: not whole by the deadline.
    """
    kind, length = _HEADER.unpack(_exactly(connection, _HEADER.size, deadline))
    if length > MOST_BYTES.get(kind, -1):
        raise BrokenFrameError(f"a frame {kind!r} of {length} bytes")
    return kind, _exactly(connection, length, deadline)


def parse(body: bytes | bytearray) -> dict[str, Any]:
    """The JSON object in a frame.

    Raises:
        BrokenFrameError: it is none.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BrokenFrameError("not JSON") from error
    if not isinstance(value, dict):
        raise BrokenFrameError("not a JSON object")
    return value


def _exactly(connection: socket.socket, count: int, deadline: float | None) -> bytearray:
    held = bytearray(count)
    view, done = memoryview(held), 0
    while done < count:
        if deadline is not None:
            connection.settimeout(max(1e-3, deadline - time.monotonic()))
        try:
            received = connection.recv_into(view[done:])
        except TimeoutError:
            raise
        except OSError as error:
            raise BrokenFrameError(str(error)) from error
        if received == 0:
            raise BrokenFrameError("ended")
        done += received
    return held
