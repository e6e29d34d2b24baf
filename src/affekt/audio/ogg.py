"""The pages of an Ogg file (RFC 3533): whole, in order, undamaged, and of one recording."""

from __future__ import annotations

import zlib

from affekt.audio.sources import Input

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def damaged(file: Input, offset: int) -> bool:
    """Whether a page is cut, missing or fails its checksum, or a second recording follows the first.

    libsndfile decodes around lost pages and stops after the first recording, in both cases silently.
    """
    sequence: dict[bytes, int] = {}
    body_seen = False
    while offset < file.file_size:
        header = file.at(offset, 27 + 255)
        if len(header) < 27 or header[:4] != b"OggS":
            return True
        segments = header[27 : 27 + header[26]]
        size = 27 + header[26] + sum(segments)
        page = file.at(offset, size)
        if len(page) < size or checksum(page) != int.from_bytes(header[22:26], "little"):
            return True
        begins = bool(header[5] & 2)
        if begins and body_seen:
            return True
        body_seen = body_seen or not begins
        serial, number = header[14:18], int.from_bytes(header[18:22], "little")
        if number != sequence.get(serial, number - 1) + 1:
            return True
        sequence[serial] = number
        offset += size
    return False


def checksum(page: bytes) -> int:
    """Ogg's CRC-32 of a page, its own field taken as zero: zlib's, with the order of all bits mirrored."""
    blank = page[:22] + bytes(4) + page[26:]
    mirrored = zlib.crc32(blank.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
