"""One decoder process as its owner holds it: started, asked, and ended when it breaks the rules."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

from affekt.errors import AffektError
from affekt.sandbox import frames

START_SECONDS = 60.0
_END_SECONDS = 5.0

MEMORY_BYTES = 2**30
"""What one recording may take in its decoder; blocks go out as they come, so that few MiB are usual."""


class DecoderProcess:
    """A worker (`affekt.sandbox.worker`) that is being started; `wait_until_ready` before the first task.

    It is a fresh interpreter, not a fork: a fork would copy the locks of threads that it does not have. It
    takes the import path from here, and nothing from the working directory.
    """

    def __init__(self, seconds: float, memory: int) -> None:
        self.settings = seconds, memory
        self.connection, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", "affekt.sandbox.worker"]
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(seconds), str(memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_environment(),
                # Ctrl-C at a terminal is the owner's affair.
                start_new_session=True,
            )
        self._ready = False

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Returns once the worker has said that it is ready; at once from the second call on.

        Raises:
            AffektError: it does not start.
        """
        if self._ready:
            return
        try:
            kind, _ = frames.receive(self.connection, time.monotonic() + START_SECONDS)
        except (frames.BrokenFrameError, TimeoutError) as error:
            self.kill()
            raise AffektError(
                f"its decoder does not start ({error}): free some memory, see that {sys.executable} runs"
            ) from error
        self._ready = kind == frames.READY

    def end(self) -> None:
        """Ends a worker that waits for a task."""
        self.connection.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends a worker whatever it does."""
        self.connection.close()
        self._process.kill()
        self._process.wait()

    def cause_of_death(self) -> str:
        """What ended a worker that closed its end, such as `SIGSEGV`."""
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return "said what it must not"
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"signal {-code}"


_early: list[DecoderProcess] = []


def start_early(seconds: float, memory: int = MEMORY_BYTES) -> None:
    """Starts a process ahead, for the next `start` of these settings: to be called before slow imports."""
    # Where it cannot be started, `start` says so.
    with contextlib.suppress(OSError):
        _early.append(DecoderProcess(seconds, memory))
        atexit.register(_end_early)


def start(seconds: float, memory: int) -> DecoderProcess:
    """A process that is being started, if need be now.

    Raises:
        OSError: it cannot be.
    """
    with contextlib.suppress(IndexError):
        process = _early.pop()
        if process.settings == (seconds, memory):
            return process
        process.kill()
    return DecoderProcess(seconds, memory)


def _end_early() -> None:
    while _early:
        _early.pop().kill()


def _environment() -> dict[str, str]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109
    return {**os.environ, **one_thread, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
