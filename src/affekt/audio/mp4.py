"""The boxes of an MP4 or QuickTime file (ISO 14496-12): all there, and of an index that fits in memory.

FFmpeg makes one entry of about 36 bytes for each piece that the index claims, before it reads any: a file
of fifty kilobytes can make it take gigabytes. So the claims are added up here first. What is not found on
the one path where such a table belongs is refused, since FFmpeg might find it.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from affekt.audio.sources import Input
from affekt.errors import AudioCorruptError, AudioTooLargeError

MOST_PIECES = 2**21
"""The most pieces (frames of any track) that an index may claim: twelve hours of AAC at 48 kHz."""
MOST_PLAIN_SAMPLES = 2**29
"""The same for PCM, where a piece is one sample and FFmpeg makes an entry for about a thousand."""
MOST_INDEX_BYTES = 2**26
MOST_BOXES = 2**16
MOST_JUMPS = 2**12
"""The most `sidx` tables, each of which takes a patch."""

_OPAQUE = frozenset({b"mdat", b"skip", b"wide", b"uuid", b"pnot", b"PICT"})
_PARENTS = {b"trak": b"moov", b"mdia": b"trak", b"minf": b"mdia", b"stbl": b"minf", b"edts": b"trak"}
_PARENTS |= {b"traf": b"moof"}
_TABLES = dict.fromkeys((b"stsz", b"stz2", b"stts", b"ctts", b"stsc", b"stco", b"co64"), b"stbl")
_TABLES |= {b"elst": b"edts", b"trun": b"traf"}
_COUNTED = re.compile(b"(?=(" + b"|".join((*sorted(_TABLES), b"cmov")) + b"))")


@dataclass
class Walk:
    """What the walk found; `patches` hide the tables by which FFmpeg would leave the order of the boxes."""

    damaged: bool = False
    pieces: int = 0
    patches: dict[int, bytes] = field(default_factory=dict)


def walk(file: Input, name: str, start: int) -> Walk:
    """Goes over the boxes of the file.

    Raises:
        AudioCorruptError: no index, or one that is not where it belongs.
        AudioTooLargeError: an index of too many pieces, or bytes.
    """
    found, indexed, offset = Walk(), False, start
    for _ in range(MOST_BOXES):
        header = file.at(offset, 16)
        size, kind, body = int.from_bytes(header[:4], "big"), header[4:8], offset + 8
        if size == 1:
            size, body = int.from_bytes(header[8:16], "big"), offset + 16
        elif size == 0:
            size = file.file_size - offset
        if len(header) < 8 or size < body - offset:
            found.damaged = found.damaged or bool(file.at(offset, 4096).strip(b"\0"))
            if not indexed:
                raise AudioCorruptError(name, "its index is missing", "copy it again from its source")
            return found
        indexed = indexed or kind == b"moov"
        found.damaged = (
            found.damaged or offset + size > file.file_size or (kind == b"ftyp" and offset > start)
        )
        if kind not in _OPAQUE and not (kind == b"free" and file.at(body + 4, 4) not in (b"mvhd", b"cmov")):
            length = min(offset + size, file.file_size) - body
            if length > MOST_INDEX_BYTES:
                raise AudioTooLargeError(name, f"an index of {length} bytes", "convert it to wav or flac")
            _weigh(file.at(body, length), name, kind, found)
            found.patches |= {body + place: b"skip" for place in _places(b"sidx", file.at(body, length))}
        if len(found.patches) > MOST_JUMPS or found.pieces > MOST_PIECES:
            raise AudioTooLargeError(
                name,
                f"an index of more than {MOST_PIECES} pieces or {MOST_JUMPS} parts",
                "convert it to wav or flac",
            )
        offset += size
    raise AudioTooLargeError(name, f"more than {MOST_BOXES} boxes", "convert it to wav or flac")


def _weigh(data: bytes, name: str, kind: bytes, found: Walk) -> None:
    """Adds what the tables in one box claim."""
    seen: Counter[bytes] = Counter()
    for child, begin, end in _boxes(data, 0, len(data)):
        tables: dict[bytes, bytes] = {}
        for table, content in _tables(data, begin, end, child) if _PARENTS.get(child) == kind else ():
            seen[table] += 1
            if table == b"trun":
                found.pieces += _number(content, 4)
            elif table in tables:
                raise _misplaced(name)
            tables[table] = content
        found.pieces += _pieces(tables)
    if seen != Counter(match[1] for match in _COUNTED.finditer(data)):
        raise _misplaced(name)


def _places(kind: bytes, data: bytes) -> Iterator[int]:
    return islice((match.start() for match in re.finditer(kind, data)), MOST_JUMPS + 1)


def _tables(data: bytes, begin: int, end: int, parent: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The tables that are counted, each on its one path."""
    for child, inner, stop in _boxes(data, begin, end):
        if _PARENTS.get(child) == parent:
            yield from _tables(data, inner, stop, child)
        elif _TABLES.get(child) == parent:
            yield child, data[inner:stop]


def _boxes(data: bytes, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while begin + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, begin)
        body = begin + 8
        if size == 1 and body + 8 <= end:
            size, body = int.from_bytes(data[body : body + 8], "big"), body + 8
        size = size or end - begin
        if size < body - begin:
            return
        yield kind, body, min(begin + size, end)
        begin += size


def _pieces(tables: dict[bytes, bytes]) -> int:
    """The entries that FFmpeg would make for a track, anew for each edit; PCM is scaled to the same bound."""
    samples = _number(tables.get(b"stsz", b""), 8) + _number(tables.get(b"stz2", b""), 8)
    edits = max(1, min(_number(tables.get(b"elst", b""), 4), len(tables.get(b"elst", b"")) // 12))
    times = tables.get(b"stts", b"")
    if _number(times, 4) != 1 or _number(times, 12) != 1 or b"ctts" in tables:
        return samples * edits
    chunks = _number(tables.get(b"stco", b""), 4) + _number(tables.get(b"co64", b""), 4)
    runs = tables.get(b"stsc", b"")[8:]
    sizes = np.frombuffer(runs[: len(runs) // 12 * 12], ">u4").reshape(-1, 3)[:, 1]
    most = max(samples, chunks * int(sizes.max(initial=0)))
    return -(-most * MOST_PIECES // MOST_PLAIN_SAMPLES) * edits


def _number(content: bytes, offset: int) -> int:
    return int.from_bytes(content[offset : offset + 4], "big")


def _misplaced(name: str) -> AudioCorruptError:
    return AudioCorruptError(name, "its index is not where it belongs", "copy or export it again")
