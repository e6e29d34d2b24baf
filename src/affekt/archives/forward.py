"""A stream that tarfile reads forward, and little at a time."""

from __future__ import annotations

from typing import IO


class Forward:
    """A stream for tarfile that never goes back in the packed one, and reads little at a time.

    tarfile looks back by one byte; in a packed file that would mean to start all over.
    """

    def __init__(self, stream: IO[bytes], *, most: int, most_at_once: int = 2**25) -> None:
        """At most so many bytes in all, and at once: a header that claims more is refused."""
        self._stream, self._at, self._tail = stream, 0, b""
        self._most, self._most_at_once = most, most_at_once

    def tell(self) -> int:
        return self._at - len(self._ahead)

    _ahead = b""

    def seek(self, position: int, whence: int = 0) -> int:
        """To a position ahead, or a little back."""
        if whence:
            raise OSError("seeks from its start alone")
        back = self.tell() - position
        if back > 0:
            if back > len(self._tail):
                raise OSError("goes back too far")
            self._ahead = self._tail[-back:] + self._ahead
            self._tail = self._tail[:-back]
        while self.tell() < position:
            if not self.read(min(2**20, position - self.tell())):
                raise EOFError("ends too early")
        return self.tell()

    def read(self, size: int) -> bytes:
        """The next bytes."""
        if not 0 <= size <= self._most_at_once:
            raise OSError("holds a part that is too long")
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        if len(data) < size:
            fresh = self._stream.read(size - len(data))
            self._at += len(fresh)
            data += fresh
        if self._at > self._most:
            raise OSError("holds too much")
        self._tail = (self._tail + data)[-1024:]
        return data
