"""Files written whole or not at all, locks, and digests: the one place that does either."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from affekt.errors import AffektError, LockedError, UsageError

TEMPORARY_PREFIX = ".affekt-tmp-"


class WriteError(AffektError):
    """A file could not be written; what stood there before is untouched."""

    code = "write"


@contextlib.contextmanager
def atomic(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Opens a temporary file beside `path` that takes its place when the block ends well.

    The data and the folder are synced, so that a crash leaves the old file or the new one.

    Raises:
        WriteError: no space left, no permission, or any other failure of the disk.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f"{TEMPORARY_PREFIX}{path.name}.", dir=path.parent)
        encoding = None if "b" in mode else "utf-8"
        newline = None if "b" in mode else ""
        with open(handle, mode, encoding=encoding, newline=newline) as stream:  # noqa: PTH123
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # noqa: PTH101
        os.replace(temporary, path)  # noqa: PTH105
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise WriteError(f"{path}: {_reason(error)}; what was there before is untouched") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108


def put_in_place(finished: Path, path: Path) -> None:
    """Gives a finished file of the same folder the name `path`; synced, so that a crash leaves it whole.

    Raises:
        WriteError: no space left, no permission, or any other failure of the disk.
    """
    try:
        with finished.open("rb") as stream:
            os.fsync(stream.fileno())
        finished.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise WriteError(f"{path}: {_reason(error)}; what was there before is untouched") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file atomically."""
    with atomic(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text file atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Writes JSON atomically; NaN is refused, so that every reader can read it."""
    write_text(path, dump_json(value))


def dump_json(value: object) -> str:
    """The one way Affekt writes JSON: two spaces, sorted only where the writer sorted, no NaN."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes a folder of files (relative name -> bytes, in this order) as a whole; an older one is replaced.

    Raises:
        WriteError: no space left, no permission, or any other failure of the disk.
    """
    with atomic_folder(folder) as built:
        for name, data in contents.items():
            write_bytes(built / name, data)


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Gives an empty folder beside `folder` that takes its place when the block ends well.

    The files written there have to be synced by their writer, as `atomic` does.

    Raises:
        WriteError: no space left, no permission, or any other failure of the disk.
    """
    temporary: str | None = None
    old: str | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=f"{TEMPORARY_PREFIX}{folder.name}.", dir=folder.parent)
        built = Path(temporary, folder.name)
        built.mkdir()
        yield built
        if folder.exists():
            old = str(Path(temporary, "old"))
            os.rename(folder, old)  # noqa: PTH104
        os.rename(built, folder)  # noqa: PTH104
        _sync_folder(folder.parent)
    except OSError as error:
        if old is not None and not folder.exists():
            os.rename(old, folder)  # noqa: PTH104
        raise WriteError(f"{folder}: {_reason(error)}; what was there before is untouched") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def sweep_beside(path: Path) -> None:
    """Removes temporaries that a killed writer of `path` left beside it; call it while none may write it."""
    name = re.escape(f"{TEMPORARY_PREFIX}{path.name}.") + r"([a-z0-9_]{8}|parts\.\d+)"
    for stale in path.parent.glob(f"{TEMPORARY_PREFIX}*"):
        if re.fullmatch(name, stale.name):
            _remove(stale)


def sweep(folder: Path) -> None:
    """Removes temporaries that a killed writer left in `folder`; call it under the folder's lock."""
    for stale in folder.glob(f"{TEMPORARY_PREFIX}*"):
        _remove(stale)


def _remove(stale: Path) -> None:
    if stale.is_dir() and not stale.is_symlink():
        shutil.rmtree(stale, ignore_errors=True)
    else:
        stale.unlink(missing_ok=True)


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process; the kernel lets go when the process dies, however it dies.

    Raises:
        LockedError: another process holds it.
        WriteError: it is no folder, or may not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / ".lock").open("a+")
    except OSError as error:
        raise WriteError(f"{folder}: {_reason(error)}; choose another folder") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            stream.seek(0)
            owner = stream.read().strip() or "another process"
            raise LockedError(
                f"{folder}: in use by {owner}; wait for it to end or choose another folder"
            ) from error
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {os.uname().nodename}")
        stream.flush()
        yield
        stream.truncate(0)


def held(folder: Path) -> bool:
    """Whether a process holds `folder` by `lock` at this moment."""
    try:
        with (folder / ".lock").open("rb") as stream:
            # Its owner stands in it while it is held: a free one is not touched, so that none finds it taken.
            if not stream.read(1):
                return False
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in lower-case hexadecimal, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_json(path: Path, limit_bytes: int = 16 * 2**20) -> Any:
    """Reads JSON strictly: bounded size, no duplicate keys, no NaN.

    Raises:
        UsageError: the file is missing, too large, or not such JSON.
    """
    try:
        size = path.stat().st_size
        if size > limit_bytes:
            raise UsageError(f"{path}: {size} bytes where at most {limit_bytes} are expected")
        return parse_json(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path}: not valid JSON ({error})") from error
    except OSError as error:
        raise UsageError(f"{path}: {_reason(error)}") from error


def parse_json(data: bytes) -> Any:
    """Parses JSON strictly: UTF-8, no duplicate keys, no NaN.

    Raises:
        ValueError: it is not such JSON, or it is nested too deeply.
    """
    try:
        return json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("a key stands twice")
    return keys


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk, free some and run again"
    return (error.strerror or str(error)).lower()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
