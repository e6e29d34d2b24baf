"""Blocks of float32 samples out of a file (libsndfile) or an array."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from affekt.audio.containers import Facts
from affekt.audio.sources import Input
from affekt.errors import AudioCorruptError, AudioEmptyError, UsageError

BLOCK_BYTES = 16 * 2**20
"""The most float32 bytes that are decoded at a time; a block is at most one second besides."""
UNKNOWN_FRAMES = 2**62
MOST_ERRORS = 16

_FULL_SCALE = {"PCM_U8": 0.99, "PCM_S8": 0.99, "ULAW": 0.98, "ALAW": 0.98}
_STDERR_LOCK = threading.Lock()
_MPG123_LINE = re.compile(rb"\[?\S*libmpg123|Note: |Warning: |\s*$")


class Decoder(Protocol):
    """A recording that yields its blocks [frames, channels] once; `truncated` is final after the last."""

    name: str
    rate: int
    channels: int
    frames: int | None
    full_scale: float
    truncated: bool

    def blocks(self) -> Iterator[NDArray[np.float32]]: ...

    def close(self) -> None: ...


class FileDecoder:
    """Decodes a file from its first sample to its last, in one pass and without seeking."""

    full_scale: float

    def __init__(self, file: Input, name: str, facts: Facts) -> None:
        self.name = name
        self._file = file
        file.correct(facts.start, facts.stop, facts.prefix, facts.patches)
        self._voice = _Voice(facts.chatty)
        try:
            self._sound = _open(file, name, self._voice)
        except BaseException:
            self._voice.close()
            raise
        self.rate: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        self.full_scale = _FULL_SCALE.get(self._sound.subtype, 0.9999)
        self.frames = _claimed(facts, self._sound.frames)
        self.truncated = facts.truncated

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        count = errors = 0
        while errors < MOST_ERRORS:
            block, failed = self._read(block_frames(self.rate, self.channels))
            errors += failed
            if len(block):
                count += len(block)
                yield block
            elif not failed:
                break
        short = self.frames is not None and count < self.frames
        self.truncated = self.truncated or short or errors > 0 or self._voice.complained
        if self._file.failure is not None and count == 0:
            raise AudioCorruptError(self.name, f"cannot be read ({self._file.failure})", "check the disk")
        if count == 0:
            raise self._nothing(errors)

    def close(self) -> None:
        if not self._sound.closed:
            with self._voice:
                self._sound.close()
        self._voice.close()
        self._file.close()

    def _read(self, frames: int) -> tuple[NDArray[np.float32], bool]:
        """One block, and whether the decoder failed in it; what it yielded before failing is kept."""
        import soundfile

        block = np.full((frames, self.channels), np.nan, np.float32)
        try:
            with self._voice:
                return self._sound.read(out=block), False
        except soundfile.SoundFileError:
            untouched = np.isnan(block).any(axis=1)
            return block[: int(untouched.argmax()) if untouched.any() else frames], True

    def _nothing(self, errors: int) -> AudioCorruptError | AudioEmptyError:
        if errors or self.truncated:
            return AudioCorruptError(self.name, "no sample can be decoded", "copy it again from its source")
        return AudioEmptyError(self.name, "no samples", "export it again from its source")


class ArrayDecoder:
    """An array with its rate: [samples], or two axes of which the shorter one holds the channels.

    float32 and float64 are taken as they are, int16, int32 and uint8 are scaled to -1...1.
    """

    full_scale = 0.9999
    truncated = False

    def __init__(self, array: NDArray[Any], rate: object, name: str) -> None:
        self.name = name
        self.rate = _rate(rate, name)
        if array.ndim not in (1, 2):
            raise UsageError(f"{name}: an array of {array.ndim} axes; give [samples] or [samples, channels]")
        if array.dtype.newbyteorder("=").name not in _SCALES:
            raise UsageError(f"{name}: {array.dtype} samples; give {', '.join(_SCALES)}")
        if array.size == 0:
            raise AudioEmptyError(name, "no samples", "give at least one")
        columns = array[:, None] if array.ndim == 1 else array
        self._array = columns.T if columns.shape[0] < columns.shape[1] else columns
        self.frames, self.channels = self._array.shape
        if array.dtype.kind == "u":
            self.full_scale = 0.99

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        step = block_frames(self.rate, self.channels)
        for start in range(0, self.frames, step):
            yield as_float(self._array[start : start + step])

    def close(self) -> None:
        """Nothing is held."""


_SCALES: dict[str, tuple[float, float]] = {
    "float32": (1, 0),
    "float64": (1, 0),
    "int16": (2**15, 0),
    "int32": (2**31, 0),
    "uint8": (2**7, 2**7),
}


def as_float(samples: NDArray[Any]) -> NDArray[np.float32]:
    """A copy of samples of any type that is read, as float32 with full scale at 1."""
    scale, offset = _SCALES[samples.dtype.newbyteorder("=").name]
    with np.errstate(over="ignore", invalid="ignore"):
        block = samples.astype(np.float32)
    return block if scale == 1 else (block - offset) / scale


def block_frames(rate: int, channels: int) -> int:
    """Samples per channel in a block: a second, or less where that is over `BLOCK_BYTES`."""
    return max(1, min(rate, BLOCK_BYTES // (4 * channels)))


def _rate(rate: object, name: str) -> int:
    number = rate.item() if isinstance(rate, np.generic) else rate
    if number is None:
        raise UsageError(f"{name}: an array needs its sample rate; give rate=... in Hz")
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number // 1:
        raise UsageError(f"{name}: a sample rate of {number!r}; give a whole number of Hz")
    return int(number)


def _open(file: Input, name: str, voice: _Voice) -> Any:
    import soundfile

    class Forward(soundfile.SoundFile):  # type: ignore[misc]
        """Without a seek after every read, which loses the last block where the length is unknown."""

        def seekable(self) -> bool:
            return False

    try:
        with voice:
            return Forward(file)
    except (soundfile.SoundFileError, TypeError) as error:
        reason = str(getattr(error, "error_string", error)).strip().rstrip(".").lower()
        raise AudioCorruptError(
            name, f"cannot be decoded ({reason})", "copy or export it again from its source"
        ) from error


def _claimed(facts: Facts, frames: int) -> int | None:
    if facts.kind == "flac":
        return facts.frames
    return frames if frames < UNKNOWN_FRAMES else None


class _Voice:
    """Keeps libmpg123, which cannot be told to be quiet, from writing to the user's standard error.

    File descriptor 2 belongs to the whole process, so what others write to it meanwhile is passed on.
    """

    def __init__(self, chatty: bool) -> None:
        self.complained = False
        self._sink = tempfile.TemporaryFile() if chatty else None  # noqa: SIM115
        self._kept: int | None = None

    def __enter__(self) -> None:
        if self._sink is None:
            return
        _STDERR_LOCK.acquire()
        with contextlib.suppress(OSError):
            self._kept = os.dup(2)
            os.dup2(self._sink.fileno(), 2)

    def __exit__(self, *exception: object) -> None:
        if self._sink is None:
            return
        try:
            if self._kept is not None:
                os.dup2(self._kept, 2)
                os.close(self._kept)
                self._kept = None
                self._sort_out(self._sink)
        finally:
            _STDERR_LOCK.release()

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()

    def _sort_out(self, sink: IO[bytes]) -> None:
        if sink.seek(0, os.SEEK_END) == 0:
            return
        sink.seek(0)
        for line in sink.read().splitlines(keepends=True):
            if _MPG123_LINE.match(line):
                self.complained = self.complained or b"error:" in line
            else:
                with contextlib.suppress(OSError):
                    os.write(2, line)
        sink.seek(0)
        sink.truncate()


# A process that forks while another thread decodes would leave its child with a lock that nobody holds.
os.register_at_fork(
    before=_STDERR_LOCK.acquire,
    after_in_parent=_STDERR_LOCK.release,
    after_in_child=_STDERR_LOCK.release,
)
