"""The frames of a raw AAC file (ADTS, ISO 13818-7), walked without decoding."""

from __future__ import annotations

from affekt.audio.sources import Input

MOST_FRAMES = 2**19
"""The walk stops here and takes the rest for whole: three hours at 48 kHz."""


def damaged(file: Input, offset: int, stop: int) -> bool | None:
    """Whether a frame is cut or does not follow the one before; None when not even the first is whole."""
    for count in range(MOST_FRAMES):
        header = file.at(offset, 7) if offset < stop else b""
        size = _size(header)
        if size is None or offset + size > stop:
            if count < 2 and (count == 0 or offset < stop):
                return None
            return offset < stop and bool(file.at(offset, min(4096, stop - offset)).strip(b"\0"))
        offset += size
    return False


def _size(header: bytes) -> int | None:
    """A frame's bytes; None where there is no frame."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return None
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else None
