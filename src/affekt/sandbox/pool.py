"""A few decoder processes, shared by many threads: what dies is replaced, and costs one recording."""

from __future__ import annotations

import threading
from types import TracebackType

import numpy as np

from affekt import audio, errors
from affekt.audio.sources import resolve
from affekt.provenance import usable_cores
from affekt.sandbox.process import MEMORY_BYTES, DecoderProcess, start
from affekt.sandbox.stream import DecodedStream

SECONDS = 30.0
"""The time that one recording may take, beside a quarter of its length: decoders are hundreds of times as
fast as the recording plays."""


class Decoders:
    """Decodes recordings in at most `workers` processes; safe to call from several threads.

    Each recording may take `seconds` (of waiting for its decoder, beside a quarter of its own length) and
    `memory` bytes. One that takes more, or crashes its decoder, is refused, and the process replaced.
    """

    def __init__(
        self, workers: int | None = None, *, seconds: float = SECONDS, memory: int = MEMORY_BYTES
    ) -> None:
        """Starts the first process; the others start when they are needed.

        Args:
            workers: processes; the usable cores if not given.
            seconds: for one recording.
            memory: bytes for one recording.

        Raises:
            UsageError: fewer than one worker, or no time or memory.
        """
        workers = usable_cores() if workers is None else workers
        if workers < 1 or seconds <= 0 or memory <= 0:
            raise errors.UsageError("decoders: give at least one worker, and some seconds and bytes")
        self._most, self._seconds, self._memory = workers, seconds, memory
        self._changed = threading.Condition()
        self._closed = False
        self._count = 1
        self._idle = [self._start()]

    def __enter__(self) -> Decoders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_idle"):
            self.close()

    def decode(
        self,
        source: audio.Source,
        *,
        limits: audio.Limits = audio.DEFAULT_LIMITS,
        rate: int | None = None,
        name: str | None = None,
    ) -> audio.Waveform:
        """What `affekt.audio.load` gives for the same arguments, and raises.

        Raises:
            AudioCrashedError, AudioTimeoutError, AudioMemoryError: its decoder had to be given up.
        """
        with self.stream(source, limits=limits, rate=rate, name=name) as heard:
            return audio.whole(heard)

    def stream(
        self,
        source: audio.Source,
        *,
        limits: audio.Limits = audio.DEFAULT_LIMITS,
        rate: int | None = None,
        name: str | None = None,
        channel: int | None = None,
    ) -> audio.Blocks:
        """What `affekt.audio.stream` gives; close it, or use it in a `with`, and one process is free again.

        Arrays hold nothing to decode, and are read here. Waits while all processes are busy.

        Raises:
            AudioCrashedError, AudioTimeoutError, AudioMemoryError: its decoder had to be given up.
        """
        content, rate, label = resolve(source, rate, name)
        if isinstance(content, np.ndarray):
            return audio.stream(content, limits=limits, rate=rate, name=label, channel=channel)
        return DecodedStream(self, content, label, limits, channel)

    def close(self) -> None:
        """Ends the processes; those that still decode end with their recording."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for process in idle:
            process.end()

    def take(self) -> DecoderProcess:
        """An idle process, for this caller alone until it gives it back."""
        with self._changed:
            while not self._closed:
                while self._idle:
                    process = self._idle.pop()
                    if process.alive:
                        return process
                    process.kill()
                    self._count -= 1
                if self._count < self._most:
                    self._count += 1
                    break
                self._changed.wait()
            if self._closed:
                raise errors.UsageError("decoders: already closed")
        try:
            return self._start()
        except errors.AffektError:
            self.give_back(None)
            raise

    def give_back(self, process: DecoderProcess | None) -> None:
        """Takes an idle process back; None for one that is no more."""
        with self._changed:
            if process is not None and not self._closed:
                self._idle.append(process)
                process = None
            else:
                self._count -= 1
            self._changed.notify()
        if process is not None:
            process.end()

    @property
    def seconds(self) -> float:
        """What one recording may take."""
        return self._seconds

    def _start(self) -> DecoderProcess:
        try:
            return start(self._seconds, self._memory)
        except OSError as error:
            raise errors.AffektError(f"decoder process: cannot be started ({error})") from error
