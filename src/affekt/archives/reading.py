"""The files of an archive, listed or read one by one; several archives stay open at once."""

from __future__ import annotations

import contextlib
import gzip
import os
import tarfile
import threading
import unicodedata
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from affekt.archives.forward import Forward
from affekt.archives.names import hidden, name_problem, zip_problem
from affekt.errors import AudioCorruptError, AudioFormatError, AudioNotFoundError, AudioTooLargeError

MOST_FILES = 2_000_000
"""In one archive."""

MOST_BYTES = 2**30
"""Of one file, which is held in memory."""

MOST_TIMES_LARGER = 200
"""How much larger than its packed bytes a file or an archive may grow, once it is over `LARGE_BYTES`."""

LARGE_BYTES = 64 * 2**20

_MOST_TOTAL_BYTES = 2**40
_BLOCK_BYTES = 2**20
_MOST_OPEN = 4

DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, tarfile.TarError, zlib.error,
    EOFError, NotImplementedError, RuntimeError, ValueError, OSError,
)  # fmt: skip
"""In so many ways a damaged archive shows."""


@dataclass(frozen=True)
class Member:
    """A file in an archive; `problem` says why it is not taken, and is empty where it is."""

    name: str
    size: int
    problem: str = ""


def members(archive: str) -> Iterator[Member]:
    """The files of an archive, in its own order; hidden ones and folders are left out.

    Raises:
        AudioNotFoundError, AudioCorruptError, AudioTooLargeError: it is none, damaged, or holds too much;
            perhaps after the first files.
    """
    with _told(archive), contextlib.closing(_open(archive)) as opened:
        seen: set[str] = set()
        for count, member in enumerate(opened.walk(), 1):
            if count > MOST_FILES:
                raise AudioTooLargeError(archive, f"more than {MOST_FILES} files", "make several of it")
            if hidden(member.name):
                continue
            # As systems see names that take a and A for one letter.
            folded = unicodedata.normalize("NFC", member.name).casefold()
            twice = "stands twice in it" if folded in seen else ""
            seen.add(folded)
            yield Member(member.name, member.size, member.problem or twice)


def read(archive: str, inner: str, most_bytes: int = MOST_BYTES) -> bytes:
    """The bytes of one file; the first of that name.

    Raises:
        AudioNotFoundError, AudioCorruptError, AudioTooLargeError, AudioFormatError: there is none, the
            archive is damaged, or the file is not taken.
    """
    name = f"{archive}/{inner}"
    with _told(archive), _Kept.held(archive) as opened:
        found = opened.find(inner, most_bytes)
    if found is None:
        raise AudioNotFoundError(name, "no such file in the archive", "check the name")
    member, data = found
    if member.problem:
        raise AudioFormatError(name, member.problem, "make the archive again without it")
    if data is None:
        problem = f"{member.size} bytes, over the limit of {most_bytes}"
        raise AudioTooLargeError(name, problem, "unpack the archive")
    return data


class _Archive(Protocol):
    def walk(self) -> Iterator[Member]: ...

    def find(self, inner: str, most_bytes: int) -> tuple[Member, bytes | None] | None: ...

    def close(self) -> None: ...


class _Zip:
    def __init__(self, archive: str) -> None:
        self._bundle = zipfile.ZipFile(archive)
        self._by_name: dict[str, zipfile.ZipInfo] = {}
        for info in self._bundle.infolist():
            self._by_name.setdefault(info.filename, info)

    def walk(self) -> Iterator[Member]:
        for info in self._bundle.infolist():
            if not info.is_dir():
                yield self._member(info)

    def find(self, inner: str, most_bytes: int) -> tuple[Member, bytes | None] | None:
        info = self._by_name.get(inner)
        if info is None:
            return None
        member = self._member(info)
        if member.problem or info.file_size > most_bytes:
            return member, None
        with self._bundle.open(info) as stream:
            return member, stream.read(info.file_size)

    def close(self) -> None:
        self._bundle.close()

    @staticmethod
    def _member(info: zipfile.ZipInfo) -> Member:
        swells = info.file_size > max(LARGE_BYTES, MOST_TIMES_LARGER * info.compress_size)
        wrong = zip_problem(info) or (swells and "grows too much when unpacked") or ""
        return Member(info.filename, info.file_size, wrong)


class _Tar:
    """A tar, packed or not, in one pass; another one begins where a file lies behind."""

    def __init__(self, archive: str) -> None:
        self._archive = archive
        self._stack = contextlib.ExitStack()
        self._passed: set[str] = set()
        self._begin()

    def walk(self) -> Iterator[Member]:
        for info in self._steps:
            if not info.isdir():
                yield self._member(info)

    def find(self, inner: str, most_bytes: int) -> tuple[Member, bytes | None] | None:
        if inner in self._passed:
            self._begin()
        for info in self._steps:
            member = self._member(info)
            self._passed.add(member.name)
            if member.name != inner or info.isdir():
                continue
            if member.problem or info.size > most_bytes:
                return member, None
            content = self._tar.extractfile(info)
            assert content is not None
            held = bytearray()
            while piece := content.read(_BLOCK_BYTES):
                held += piece
            return member, bytes(held)
        return None

    def close(self) -> None:
        self._stack.close()

    def _begin(self) -> None:
        self._stack.close()
        self._passed.clear()
        try:
            raw = self._stack.enter_context(Path(self._archive).open("rb"))  # noqa: SIM115
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            size = os.fstat(raw.fileno()).st_size
            stream: Any = self._stack.enter_context(gzip.GzipFile(fileobj=raw)) if packed else raw
            most = min(_MOST_TOTAL_BYTES, max(LARGE_BYTES, MOST_TIMES_LARGER * size))
            forward: Any = Forward(stream, most=most)
            self._tar: Any = self._stack.enter_context(tarfile.open(fileobj=forward, mode="r:"))  # noqa: SIM115
        except BaseException:
            self._stack.close()
            raise
        self._steps = self._next()

    def _next(self) -> Iterator[tarfile.TarInfo]:
        while (info := self._tar.next()) is not None:
            # tarfile keeps each member it has met; two million are too many.
            self._tar.members = []
            yield info

    @staticmethod
    def _member(info: tarfile.TarInfo) -> Member:
        name = info.name.removeprefix("./")
        plain = info.isreg() and not info.issparse()
        return Member(name, info.size, name_problem(name) or ("" if plain else "is no plain file"))


class _Kept:
    """Archives that stay open: the next file of one is mostly asked for after the last."""

    _lock = threading.Lock()
    _kept: ClassVar[OrderedDict[tuple[str, int, int], _Kept]] = OrderedDict()

    def __init__(self, archive: str) -> None:
        self.archive = _open(archive)
        self.mine = threading.Lock()
        self.closed = False

    @classmethod
    @contextlib.contextmanager
    def held(cls, archive: str) -> Iterator[_Archive]:
        """An archive that is open, for this thread alone until the block ends."""
        status = os.stat(archive)  # noqa: PTH116
        key = os.path.realpath(archive), status.st_mtime_ns, status.st_size
        while True:
            kept = cls._of(key, archive)
            kept.mine.acquire()
            if not kept.closed:
                break
            kept.mine.release()
        try:
            yield kept.archive
        except BaseException:
            # Where it stands is not known any more.
            with cls._lock:
                cls._kept.pop(key, None)
            kept._close()
            raise
        finally:
            kept.mine.release()

    @classmethod
    def _of(cls, key: tuple[str, int, int], archive: str) -> _Kept:
        """The archive of this key, open; idle ones are closed where they are too many."""
        with cls._lock:
            if key not in cls._kept:
                cls._kept[key] = cls(archive)
            cls._kept.move_to_end(key)
            for old, kept in list(cls._kept.items())[: max(0, len(cls._kept) - _MOST_OPEN)]:
                if kept.mine.acquire(blocking=False):
                    del cls._kept[old]
                    kept._close()
                    kept.mine.release()
            return cls._kept[key]

    def _close(self) -> None:
        self.closed = True
        self.archive.close()


def _open(archive: str) -> _Archive:
    return _Zip(archive) if archive.lower().endswith(".zip") else _Tar(archive)


@contextlib.contextmanager
def _told(archive: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise AudioNotFoundError(archive, "no such file", "check the path") from error
    except DAMAGE as error:
        problem = f"not a whole archive ({str(error)!a:.120})"
        raise AudioCorruptError(archive, problem, "copy it again from its source") from error
