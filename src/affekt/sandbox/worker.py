"""A decoder process: reads recordings named to it through `affekt.audio`, and may die of one.

    python -m affekt.sandbox.worker DESCRIPTOR SECONDS BYTES

It bounds itself: memory, processor time and files by the kernel's limits, and each block by an alarm, so that
none is left behind that hangs when its owner is gone.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

from affekt import audio
from affekt.errors import AudioError, AudioMemoryError
from affekt.sandbox import frames

_GRACE_SECONDS = 5.0
"""The owner ends a worker first, and can say why; its own alarm is for when the owner is gone."""
_FILE_BYTES = 2**24
_FILES = 64


def main(descriptor: int, seconds: float, memory: int) -> None:
    """Serves the socket `descriptor` until its other end is closed."""
    _import_decoders()
    _limit(memory)
    connection = socket.socket(fileno=descriptor)
    connection.sendall(frames.pack(frames.READY))
    with contextlib.suppress(frames.BrokenFrameError, BrokenPipeError, ConnectionResetError):
        while True:
            task, handle = _next_task(connection)
            for frame in _answer(task, handle, seconds):
                _disarm()
                connection.sendall(frame)
                _arm(seconds)
            _disarm()


def _next_task(connection: socket.socket) -> tuple[dict[str, Any], int | None]:
    _, body = frames.receive(connection)
    task = frames.parse(body)
    if not task["attached"]:
        return task, None
    _, handles, _, _ = socket.recv_fds(connection, 1, 1)
    if not handles:
        raise frames.BrokenFrameError("no descriptor came")
    return task, handles[0]


def _answer(task: dict[str, Any], handle: int | None, seconds: float) -> Iterator[bytes]:
    name = task["name"]
    _arm(seconds)
    try:
        with contextlib.ExitStack() as stack:
            source = task["path"] if handle is None else stack.enter_context(os.fdopen(handle, "rb"))
            heard = stack.enter_context(
                audio.stream(
                    source, limits=audio.Limits(**task["limits"]), name=name, channel=task["channel"]
                )
            )
            told = {"rate": heard.rate, "channels": heard.channels, "expected": heard.expected}
            yield frames.pack(frames.OPENED, told)
            for block in heard:
                yield frames.pack(frames.BLOCK, block.tobytes())
        yield frames.pack(frames.END, {"warnings": heard.warnings})
    except AudioError as error:
        yield _error(error.code, error.problem, error.remedy)
    except MemoryError:
        yield _error(
            AudioMemoryError.code, "decoding takes more memory than is allowed", "cut it into pieces"
        )
    except Exception as error:
        yield _error("internal", f"{type(error).__name__}: {error}", "")


def _error(code: str, problem: str, remedy: str) -> bytes:
    longest = frames.MOST_BYTES[frames.ERROR] // 32
    return frames.pack(frames.ERROR, {"code": code, "problem": problem[:longest], "remedy": remedy[:longest]})


def _import_decoders() -> None:
    """Before the limits, so that they count what a recording takes."""
    import soundfile  # noqa: F401
    import soxr  # noqa: F401


def _limit(memory: int) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, _address_space() + memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _FILES),
    ):
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (least, hard))


def _address_space() -> int:
    """Bytes that this process has mapped; none where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as stream:  # noqa: PTH123
            return int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 2**30


def _arm(seconds: float) -> None:
    """From here to the next block may pass so many seconds of the clock, and of the processor."""
    allowed = seconds + _GRACE_SECONDS
    signal.setitimer(signal.ITIMER_REAL, allowed)
    used = resource.getrusage(resource.RUSAGE_SELF)
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + allowed) + 1, hard))


def _disarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
    # There is nothing to put in order, and the owner waits for the end.
    os._exit(0)
