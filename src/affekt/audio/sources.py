"""From whatever the caller holds to one of two things: a file to decode, or an array with its rate."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from affekt import archives
from affekt.audio.limits import Limits
from affekt.errors import AudioNotFoundError, AudioTooLargeError, UsageError
from affekt.remote import is_remote, open_file

Source = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | IO[bytes]
    | NDArray[np.generic]
    | Mapping[str, Any]
)
"""A path, the bytes of a file, a binary file object, an array with `rate`, or a Hugging Face audio
dictionary: {"array", "sampling_rate"}, or one with "bytes" or "path"."""

PIPE_BYTES = 2**30


class Input:
    """A file of known size that a C library may ask anything of: it never raises.

    What stands before `start` and from `stop` on is left out, `prefix` stands in front of the rest, and
    `patches` replace bytes at their offsets: a header is corrected in this way without touching the file.
    """

    def __init__(self, stream: IO[bytes], origin: int, size: int, owned: bool) -> None:
        self._stream = stream
        self._origin = origin
        self._owned = owned
        self._position = 0
        self._start = 0
        self._stop = size
        self._prefix = b""
        self._patches: dict[int, bytes] = {}
        self.file_size = size
        self.failure: Exception | None = None

    def correct(
        self,
        start: int = 0,
        stop: int | None = None,
        prefix: bytes = b"",
        patches: dict[int, bytes] | None = None,
    ) -> None:
        """Sets what is read in place of the file's own bytes; offsets count from the file's beginning."""
        self._start = start
        self._stop = self.file_size if stop is None else stop
        self._prefix = prefix
        self._patches = patches or {}
        self._position = 0

    @property
    def size(self) -> int:
        """Bytes, corrections included."""
        return max(0, self._stop - self._start) + len(self._prefix)

    def at(self, offset: int, count: int) -> bytes:
        """The file's own bytes, fewer at its end."""
        try:
            self._stream.seek(self._origin + offset)
            return self._stream.read(count)
        except Exception as error:
            self.failure = error
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = max(0, (0, self._position, self.size)[whence] + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, count: int) -> bytes:
        data = self._read(count)
        self._position += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Closes the file if it was opened here."""
        if self._owned:
            self._stream.close()

    def _read(self, count: int) -> bytes:
        if self._position < len(self._prefix):
            return self._prefix[self._position : self._position + count]
        offset = self._position - len(self._prefix) + self._start
        data = self.at(offset, min(count, max(0, self._stop - offset)))
        for place, patch in self._patches.items():
            begin, end = max(place, offset), min(place + len(patch), offset + len(data))
            if begin < end:
                data = data[: begin - offset] + patch[begin - place : end - place] + data[end - offset :]
        return data


def resolve(source: Source, rate: int | None, name: str | None) -> tuple[Any, int | None, str]:
    """Unpacks dictionaries: a file-like source with None, or an array with its rate, and a name."""
    if isinstance(source, Mapping):
        name = name or source.get("path")
        if source.get("array") is not None:
            return np.asarray(source["array"]), source.get("sampling_rate", rate), name or "array"
        inner = source.get("bytes")
        inner = source.get("path") if inner is None else inner
        if inner is None:
            raise UsageError('audio: a dictionary needs "array" with "sampling_rate", "bytes" or "path"')
        return resolve(inner, rate, name)
    if hasattr(source, "__array__"):
        return np.asarray(source), rate, name or "array"
    if rate is not None:
        raise UsageError(f"{name or 'audio'}: rate belongs to arrays, a file knows its own; leave rate out")
    return source, None, name or _label(source)


def open_input(source: Any, name: str, limits: Limits) -> Input:
    """Opens a path, a file in an archive (`calls.zip/a.wav`), an address, bytes or a binary file object.

    Raises:
        MissingExtraError: an address without fsspec.
        AudioNotFoundError: no such file, a folder, a device or pipe by name, or no permission.
        AudioTooLargeError: more than `limits.input_bytes`.
        UsageError: anything else.
    """
    if isinstance(source, str | os.PathLike):
        opened = _open_path(source, name)
    elif isinstance(source, bytes | bytearray | memoryview):
        limits.check_size(name, memoryview(source).nbytes)
        stream = io.BytesIO(source)
        opened = Input(stream, 0, stream.getbuffer().nbytes, owned=True)
    elif hasattr(source, "read") and not isinstance(source, io.TextIOBase):
        opened = _from_object(source, name, limits)
    else:
        raise UsageError(
            f"{name}: a {type(source).__name__} is not audio; give a path, bytes, a file opened with "
            '"rb", an array with its rate, or {"array", "sampling_rate"}'
        )
    try:
        limits.check_size(name, opened.file_size)
    except AudioTooLargeError:
        opened.close()
        raise
    return opened


def _open_path(path: str | os.PathLike[str], name: str) -> Input:
    text = os.fspath(path)
    if isinstance(text, str) and is_remote(text):
        far = open_file(text)
        return Input(far, 0, far.seek(0, os.SEEK_END), owned=True)
    if isinstance(text, str) and (place := archives.split(text)) is not None:
        # Most recordings lie in none, and what reads zips and tars takes time to import.
        from affekt.archives import reading

        data = reading.read(*place)
        return Input(io.BytesIO(data), 0, len(data), owned=True)
    try:
        stream = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    except IsADirectoryError as error:
        raise AudioNotFoundError(name, "a folder, not a file", "name a file in it") from error
    except (OSError, ValueError) as error:
        problem = (getattr(error, "strerror", None) or str(error)).lower()
        raise AudioNotFoundError(name, problem, "check the path and the permissions") from error
    status = os.fstat(stream.fileno())
    if not stat.S_ISREG(status.st_mode):
        stream.close()
        raise AudioNotFoundError(
            name, "not a regular file", "copy it into a file, or pass an open file object"
        )
    return Input(stream, 0, status.st_size, owned=True)


def _open_without_waiting(path: str, flags: int) -> int:
    """Opening a named pipe would wait for its writer, perhaps for ever."""
    return os.open(path, flags | os.O_NONBLOCK)


def _from_object(stream: Any, name: str, limits: Limits) -> Input:
    """A file object is read from where it stands; one that cannot seek is read into memory first."""
    if getattr(stream, "seekable", lambda: hasattr(stream, "seek"))():
        origin = stream.tell()
        return Input(stream, origin, stream.seek(0, os.SEEK_END) - origin, owned=False)
    bound = PIPE_BYTES if limits.input_bytes is None else limits.input_bytes
    held = io.BytesIO()
    while held.tell() <= bound:
        piece = stream.read(min(2**20, bound + 1 - held.tell()))
        if not piece:
            return Input(held, 0, held.tell(), owned=True)
        held.write(piece)
    raise AudioTooLargeError(name, f"more than {bound} bytes", "cut it, or raise Limits(input_bytes=...)")


def _label(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source) or "''"
    if isinstance(source, bytes | bytearray | memoryview):
        return "bytes"
    label = getattr(source, "name", None)
    return label if isinstance(label, str) else "audio"
