"""`MANIFEST.json`, and the reading of a folder that may be hostile.

Each file is opened once, without following links or waiting on pipes, checked against the manifest, and
handed on as the very bytes whose digest was checked.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping

from affekt import files
from affekt.config import MODEL_FORMAT

MANIFEST = "MANIFEST.json"
CONFIG = "config.json"
ONNX = "model.onnx"
WEIGHTS = "model.safetensors"
CARD = "README.md"
GOLDEN = "golden"
GOLDEN_SCORES = f"{GOLDEN}/scores.json"
NAMES = frozenset({MANIFEST, CONFIG, ONNX, WEIGHTS, CARD, GOLDEN})
"""What stands in a model folder, and nothing else does; names with a leading dot are passed over."""

MAX_CLIPS = 4

_MIB = 2**20
_LIMITS = {ONNX: 256 * _MIB, WEIGHTS: 256 * _MIB, CONFIG: _MIB, CARD: _MIB, GOLDEN_SCORES: _MIB // 4}
_MANIFEST_LIMIT = _MIB // 16
_CLIP_LIMIT = _MIB // 2
_CLIP = re.compile(r"golden/[A-Za-z0-9][A-Za-z0-9_-]{0,62}\.flac")
_MAX_ENTRIES = 64


def dump(contents: Mapping[str, bytes]) -> bytes:
    """The manifest of these files (relative name -> bytes), in its one valid spelling."""
    return _spell({name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()})


def check_names(names: set[str]) -> None:
    """Refuses other files than those of a model folder, and ones that are too large to be.

    Raises:
        ValueError: a file is missing, or one is listed that does not belong.
    """
    needed = {CONFIG, ONNX, WEIGHTS, CARD, GOLDEN_SCORES}
    clips = names - needed
    if missing := sorted(needed - names):
        raise ValueError(f"{missing[0]} is not listed")
    if strange := sorted(name for name in clips if not _CLIP.fullmatch(name)):
        raise ValueError(f"{strange[0]!a:.80} does not belong in a model folder")
    if not 1 <= len(clips) <= MAX_CLIPS:
        raise ValueError(f"{len(clips)} golden clips where 1 to {MAX_CLIPS} are expected")


def check_size(name: str, size: int) -> None:
    """Refuses a file that is larger than any of its kind.

    Raises:
        ValueError: it is.
    """
    limit = _MANIFEST_LIMIT if name == MANIFEST else _LIMITS.get(name, _CLIP_LIMIT)
    if size > limit:
        raise ValueError(f"{name}: {size} bytes where at most {limit} are expected")


def read_checked(path: os.PathLike[str]) -> dict[str, bytes]:
    """Every file of a model folder but the manifest: relative name -> bytes, checked against the manifest.

    Raises:
        ValueError: a file is missing, strange, of another kind, too large, or not the one listed.
        OSError: the folder cannot be read.
    """
    root = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        names = {name for name in _list(root) if not name.startswith(".")}
        if missing := sorted(NAMES - names):
            raise ValueError(f"{missing[0]} is missing")
        if strange := sorted(names - NAMES):
            raise ValueError(f"{strange[0]!a:.80} does not belong in a model folder")
        inner = _open(root, GOLDEN, os.O_DIRECTORY)
        try:
            listed = _parse(_read(root, MANIFEST))
            if {f"{GOLDEN}/{name}" for name in _list(inner)} != {name for name in listed if "/" in name}:
                raise ValueError(f"{GOLDEN}: holds other files than {MANIFEST} lists")
            return {
                name: _read_listed(inner if "/" in name else root, name, *entry)
                for name, entry in listed.items()
            }
        finally:
            os.close(inner)
    finally:
        os.close(root)


def _spell(listed: Mapping[str, tuple[int, str]]) -> bytes:
    entries = {name: {"size": int(listed[name][0]), "sha256": listed[name][1]} for name in sorted(listed)}
    return files.dump_json({"format": MODEL_FORMAT, "files": entries}).encode()


def _parse(text: bytes) -> dict[str, tuple[int, str]]:
    """Name -> (size, digest); only the spelling that `dump` writes is accepted."""
    try:
        value = files.parse_json(text)
    except ValueError as error:
        raise ValueError(f"{MANIFEST}: not valid JSON ({str(error)!a:.120})") from error
    match value:
        case {"format": version} if version != MODEL_FORMAT:
            raise ValueError(
                f"{MANIFEST}: format {version!s:.20} where {MODEL_FORMAT} is known; update affekt"
            )
        case {"format": _, "files": dict(entries)}:
            pass
        case _:
            raise ValueError(f"{MANIFEST}: not a manifest")
    listed: dict[str, tuple[int, str]] = {}
    for name, entry in entries.items():
        match entry:
            case {"size": int(size), "sha256": str(digest)}:
                listed[name] = size, digest
            case _:
                raise ValueError(f"{MANIFEST}: the entry {name!a:.80} is malformed")
    try:
        check_names(set(listed))
    except ValueError as error:
        raise ValueError(f"{MANIFEST}: {error}") from error
    if _spell(listed) != text:
        raise ValueError(f"{MANIFEST}: not spelled as affekt writes it")
    return listed


def _read_listed(base: int, name: str, size: int, digest: str) -> bytes:
    data = _read(base, name, size)
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{name}: its SHA-256 is not the one in {MANIFEST}")
    return data


def _read(base: int, name: str, size: int | None = None) -> bytes:
    handle = _open(base, name.rpartition("/")[2], 0)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{name}: not a regular file")
        check_size(name, found.st_size)
        if found.st_size == 0:
            raise ValueError(f"{name}: an empty file")
        if size is not None and found.st_size != size:
            raise ValueError(f"{name}: {found.st_size} bytes where {MANIFEST} says {size!s:.20}")
        with open(handle, "rb", closefd=False) as stream:
            return stream.read(found.st_size)
    finally:
        os.close(handle)


def _open(base: int, name: str, flags: int) -> int:
    """Opens without following links and without waiting for the other end of a pipe."""
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | flags, dir_fd=base)
    except OSError as error:
        raise ValueError(f"{name}: not readable, or a link or a file of another kind") from error


def _list(handle: int) -> list[str]:
    """The names in an open folder; one that holds far too many is refused before all are listed."""
    names: list[str] = []
    with os.scandir(handle) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > _MAX_ENTRIES:
                raise ValueError(f"holds more than {_MAX_ENTRIES} files")
    return names
