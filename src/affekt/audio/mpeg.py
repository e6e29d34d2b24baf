"""The frames of an MP3 file (ISO 11172-3, 13818-3), counted without decoding.

libmpg123 takes the length from the Xing header, or guesses it from the first frame's bit rate, and
libsndfile stops there: a variable-rate file without the header loses most of its sound. So the frames
are counted, and the decoder is shown a Xing header that tells the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from affekt.audio.sources import Input

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBPS = {
    (3, 3): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 3): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_TRAILERS = (b"TAG", b"APETAGEX", b"ID3", b"LYRICSBEGIN", b"3DI")
_WINDOW = 2**16


@dataclass(frozen=True)
class Walk:
    """What counting found; `prefix` and `patches` are the corrections for `Input.correct`."""

    samples: int
    damaged: bool
    prefix: bytes = b""
    patches: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Frame:
    """One frame's header: its size in bytes, its samples per channel, and what all frames share."""

    size: int
    samples: int
    kind: tuple[int, int, int]
    mono: bool


def parse(header: bytes) -> Frame | None:
    """Reads four bytes; None where they are no frame header (free bit rate counts as none)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    rate_index, rate_code = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 0 or rate_index in (0, 15) or rate_code == 3:
        return None
    rate = _RATES[version][rate_code]
    kbps = _KBPS[3 if version == 3 else 2, layer if version == 3 or layer == 3 else 2][rate_index]
    padding = header[2] >> 1 & 1
    if layer == 3:
        size, samples = (12_000 * kbps // rate + padding) * 4, 384
    else:
        samples = 576 if layer == 1 and version != 3 else 1152
        size = samples // 8 * 1000 * kbps // rate + padding
    return Frame(size, samples, (version, layer, rate), header[3] >> 6 == 3)


def after_tags(file: Input) -> int:
    """The offset behind any ID3v2 tags (and the zeros some writers leave) at the beginning."""
    offset = 0
    head = file.at(0, 10)
    while len(head) == 10 and head[:3] == b"ID3" and max(head[6:10]) < 128:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        offset += 10 + size + (10 if head[5] & 0x10 else 0)
        padding = file.at(offset, 4096)
        offset += len(padding) - len(padding.lstrip(b"\0"))
        head = file.at(offset, 10)
    return offset


def before_tags(file: Input) -> int:
    """The offset of the ID3v1 and APEv2 tags at the end, or the end."""
    end = file.file_size
    if end >= 128 and file.at(end - 128, 3) == b"TAG":
        end -= 128
    footer = file.at(end - 32, 32) if end >= 32 else b""
    if footer[:8] == b"APETAGEX":
        header = 32 if footer[23] & 0x80 else 0
        end -= int.from_bytes(footer[12:16], "little") + header
    return max(0, end)


def walk(file: Input, start: int) -> Walk | None:
    """Counts the frames from `start`; None when not even two follow each other (or one fills the file)."""
    first = parse(file.at(start, 4))
    if first is None:
        return None
    offset, count, damaged = start, 0, False
    while offset < file.file_size:
        frame = parse(file.at(offset, 4))
        if frame is not None and frame.kind == first.kind:
            if offset + frame.size > file.file_size:
                damaged = True
                break
            count += 1
            offset += frame.size
            continue
        if count == 1 and file.file_size - offset > 128:
            return None
        if _is_trailer(file, offset):
            break
        damaged = True
        found = _resynchronise(file, offset + 1, first.kind)
        if found is None:
            break
        offset = found
    if count == 0:
        return None
    return _corrected(file, start, first, count, damaged)


def _is_trailer(file: Input, offset: int) -> bool:
    tail = file.at(offset, 4096)
    return tail.startswith(_TRAILERS) or not tail.strip(b"\0")


def _resynchronise(file: Input, offset: int, kind: tuple[int, int, int]) -> int | None:
    """The next place where two frames of `kind` follow each other, or one ends the file."""
    while offset < file.file_size:
        window = file.at(offset, _WINDOW)
        place = window.find(b"\xff")
        while place >= 0:
            frame = parse(file.at(offset + place, 4))
            if frame is not None and frame.kind == kind:
                end = offset + place + frame.size
                following = parse(file.at(end, 4))
                if end == file.file_size or (following is not None and following.kind == kind):
                    return offset + place
            place = window.find(b"\xff", place + 1)
        offset += len(window)
        if not window:
            break
    return None


def _corrected(file: Input, start: int, first: Frame, count: int, damaged: bool) -> Walk:
    version, layer, _ = first.kind
    if layer != 1:
        return Walk(count * first.samples, damaged)
    side = (17 if first.mono else 32) if version == 3 else (9 if first.mono else 17)
    place = start + 4 + side
    tag = file.at(place, 12)
    if tag[:4] in (b"Xing", b"Info") and len(tag) == 12 and tag[7] & 1:
        claimed, real = int.from_bytes(tag[8:12], "big"), count - 1
        patches = {place + 8: real.to_bytes(4, "big")} if claimed != real else {}
        return Walk(real * first.samples, damaged or claimed > real, patches=patches)
    header = bytearray(file.at(start, 4))
    header[1] |= 1
    size = 0
    for index in range(1, 15):
        header[2] = index << 4 | header[2] & 0x0C
        parsed = parse(bytes(header))
        size = parsed.size if parsed else 0
        if size >= 4 + side + 12:
            break
    body = bytes(header) + bytes(side) + b"Xing" + (1).to_bytes(4, "big") + count.to_bytes(4, "big")
    return Walk(count * first.samples, damaged, prefix=body.ljust(size, b"\0"))
