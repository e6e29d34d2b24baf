"""The elements of a WebM or Matroska file (RFC 9559): all there, and of one recording."""

from __future__ import annotations

from affekt.audio.sources import Input

MOST_ELEMENTS = 2**18
"""The walk stops here and takes the rest for whole: an hour and a half of a live recording."""
_HEADER = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_CLUSTER = b"\x1f\x43\xb6\x75"


def damaged(file: Input, offset: int) -> bool:
    """Whether an element is cut or does not follow the one before, or a second recording follows.

    A live recording leaves its sizes open; there the walk goes on into what they enclose.
    """
    begin = offset
    for _ in range(MOST_ELEMENTS):
        header = file.at(offset, 12)
        if not header:
            return False
        element = _parse(header)
        if element is None:
            return bool(file.at(offset, 4096).strip(b"\0"))
        name, size, length = element
        if name == _HEADER and offset > begin:
            return True
        offset += length
        if size is None and name not in (_SEGMENT, _CLUSTER):
            return True
        if size is not None and offset + size > file.file_size:
            return True
        if size is not None and name != _SEGMENT:
            offset += size
    return False


def _parse(header: bytes) -> tuple[bytes, int | None, int] | None:
    """An element's name, its size (None = open) and the length of both; None where there is no element."""
    name_length = 9 - header[0].bit_length()
    if name_length > 4 or len(header) <= name_length:
        return None
    first = header[name_length]
    size_length = 9 - first.bit_length()
    length = name_length + size_length
    if size_length > 8 or len(header) < length:
        return None
    bits = 7 * size_length
    size = int.from_bytes(header[name_length:length], "big") & ((1 << bits) - 1)
    return header[:name_length], None if size == (1 << bits) - 1 else size, length
