"""What a file is, how much it says it holds, and whether all of that is there.

libsndfile decodes what it is given and says little about what is missing: a WAV or Ogg file cut short
is a shorter recording to it, an MP3 without a Xing header is cut where a guess says, and a FLAC with a
wrong total ends there. So the containers are walked here first, without decoding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from affekt.audio import adts, matroska, mp4, mpeg, ogg
from affekt.audio.sources import Input
from affekt.errors import AudioCorruptError, AudioEmptyError, AudioFormatError

PLACEHOLDER = 0x7FFFF000
"""A WAV or AU size from here on may be a streaming writer's stand-in for "not known yet"."""

_MPEG_TAGS = (0x50, 0x55)

_FOREIGN = (
    (rb"ADIF", "raw AAC of the ADIF kind"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (rb"#!AMR", "AMR"),
    (rb"#!SILK|\x02#!SILK", "SILK"),
    (rb"RIFF....AVI ", "AVI video"),
    (rb"MAC |wvpk|TTA1|MPCK|MP\+", "a lossless or Musepack file that libsndfile does not read"),
    (rb"caff", "Apple Core Audio (caf)"),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!", "an archive"),
)
_KNOWN = (
    (rb"(RIFF|RIFX|RF64)....WAVE", "wav"),
    (rb"riff\x2e\x91\xcf\x11", "w64"),
    (rb"FORM....AIF[FC]", "aiff"),
    (rb"\.snd", "au"),
    (rb"NIST_1A", "nist"),
    (rb"fLaC", "flac"),
    (rb"OggS", "ogg"),
    (rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]", "mp3"),
    (rb"....(ftyp|moov|mdat)|\0\0\0\x08wide", "mp4"),
    (rb"\x1a\x45\xdf\xa3", "mkv"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
)


@dataclass(frozen=True)
class Facts:
    """What the walk found."""

    kind: str
    frames: int | None = None
    """Samples per channel as the header says, or as counted; None = it does not say."""
    truncated: bool = False
    """Part of the data is missing or damaged."""
    chatty: bool = False
    """Decoding is done by libmpg123, which writes to standard error."""
    start: int = 0
    stop: int | None = None
    prefix: bytes = b""
    patches: dict[int, bytes] = field(default_factory=dict)


def inspect(file: Input, name: str) -> Facts:
    """Recognises a file by its first bytes and walks its container.

    Raises:
        AudioEmptyError: no bytes.
        AudioFormatError: not audio, or of a format that is not read.
        AudioCorruptError: the container's own structure is broken beyond use.
    """
    if file.file_size == 0:
        raise AudioEmptyError(name, "an empty file", "export it again from its source")
    start = mpeg.after_tags(file)
    head = file.at(start, 64)
    for pattern, kind in _KNOWN:
        if re.match(pattern, head, re.DOTALL):
            return _WALKS[kind](file, name, start)
    for pattern, what in _FOREIGN:
        if re.match(pattern, head, re.DOTALL):
            raise AudioFormatError(
                name, f"{what} is not read", "convert it to flac, wav, ogg or mp3: ffmpeg -i IN OUT.flac"
            )
    raise AudioFormatError(
        name, "not a recording in a known format", "give wav, flac, ogg, opus, mp3, aiff or au"
    )


@dataclass(frozen=True)
class _Chunks:
    """How a container lays out its chunks: id, size, body, padding."""

    id_bytes: int = 4
    size_bytes: int = 4
    padded_to: int = 2
    counts_itself: bool = False
    samples: bytes = b"data"
    order: Literal["little", "big"] = "little"
    unfinished: bool = False
    """The size of the whole does not fit: a writer that could not go back left its sizes open."""

    def walk(self, kind: str, file: Input, offset: int) -> Facts:
        """Goes to the chunk of the samples and compares its size with what the file has left."""
        header_bytes = self.id_bytes + self.size_bytes
        chatty = False
        while len(header := file.at(offset, header_bytes)) == header_bytes:
            size = int.from_bytes(header[self.id_bytes :], self.order)
            size -= header_bytes if self.counts_itself else 0
            body = offset + header_bytes
            if header[:4] == b"fmt ":
                chatty = int.from_bytes(file.at(body, 2), self.order) in _MPEG_TAGS
            if header[:4] == self.samples:
                there = file.file_size - body
                if size == 0 and self.unfinished:
                    patches = {offset + self.id_bytes: min(there, 2**32 - 1).to_bytes(4, self.order)}
                    return Facts(kind, chatty=chatty, patches=patches)
                truncated = _short(size, there, self.size_bytes == 8)
                return Facts(kind, truncated=truncated, chatty=chatty)
            if size < 0:
                break
            offset = body + -(-size // self.padded_to) * self.padded_to
        return Facts(kind, chatty=chatty)


def _short(size: int, there: int, wide: bool) -> bool:
    unknown = not 0 <= size < 2**63 if wide else size >= PLACEHOLDER
    return size > there and not unknown


def _wav(file: Input, name: str, start: int) -> Facts:
    magic = file.at(start, 4)
    order: Literal["little", "big"] = "big" if magic == b"RIFX" else "little"
    whole = int.from_bytes(file.at(start + 4, 4), order) + 8
    unfinished = magic != b"RF64" and abs(whole - (file.file_size - start)) > 1
    facts = _Chunks(order=order, unfinished=unfinished).walk("wav", file, start + 12)
    truncated = facts.truncated
    if magic == b"RF64" and file.at(start + 12, 4) == b"ds64":
        truncated = _short(int.from_bytes(file.at(start + 28, 8), "little"), file.file_size - start, True)
    return replace(facts, truncated=truncated, start=start)


def _w64(file: Input, name: str, start: int) -> Facts:
    layout = _Chunks(id_bytes=16, size_bytes=8, padded_to=8, counts_itself=True)
    return layout.walk("w64", file, start + 40)


def _aiff(file: Input, name: str, start: int) -> Facts:
    return _Chunks(samples=b"SSND", order="big").walk("aiff", file, start + 12)


def _au(file: Input, name: str, start: int) -> Facts:
    body = int.from_bytes(file.at(start + 4, 4), "big")
    size = int.from_bytes(file.at(start + 8, 4), "big")
    return Facts("au", truncated=_short(size, file.file_size - start - body, False))


def _nist(file: Input, name: str, start: int) -> Facts:
    header = file.at(start, 1024).decode("latin-1")
    values = [
        re.search(rf"{key} -i (\d+)", header) for key in ("sample_count", "sample_n_bytes", "channel_count")
    ]
    size = 1
    for value in values:
        size *= int(value[1]) if value else 0
    return Facts("nist", truncated=_short(size, file.file_size - start - 1024, True))


def _flac(file: Input, name: str, start: int) -> Facts:
    """A total that is unknown to libFLAC makes it decode to the end of the file, whatever the header says.

    Tags behind the last frame, which it would take for damage, are left out.
    """
    packed = file.at(start + 18, 8)
    if len(packed) < 8:
        raise AudioCorruptError(name, "the FLAC header is cut short", "copy it again from its source")
    frames = int.from_bytes(packed, "big") & (2**36 - 1)
    unknown = bytes([packed[3] & 0xF0, 0, 0, 0, 0])
    stop = mpeg.before_tags(file)
    return Facts("flac", frames=frames or None, start=start, stop=stop, patches={start + 21: unknown})


def _ogg(file: Input, name: str, start: int) -> Facts:
    return Facts("ogg", truncated=ogg.damaged(file, start), start=start)


def _mp3(file: Input, name: str, start: int) -> Facts:
    walk = mpeg.walk(file, start)
    if walk is None:
        raise AudioFormatError(
            name, "looks like MP3 but holds no whole frame", "give wav, flac, ogg, opus, mp3, aiff or au"
        )
    return Facts("mp3", walk.samples, walk.damaged, True, start, None, walk.prefix, walk.patches)


def _mp4(file: Input, name: str, start: int) -> Facts:
    walk = mp4.walk(file, name, start)
    return Facts("mp4", truncated=walk.damaged, start=start, patches=walk.patches)


def _mkv(file: Input, name: str, start: int) -> Facts:
    return Facts("mkv", truncated=matroska.damaged(file, start), start=start)


def _aac(file: Input, name: str, start: int) -> Facts:
    stop = mpeg.before_tags(file)
    damaged = adts.damaged(file, start, stop)
    if damaged is None:
        raise AudioFormatError(
            name, "looks like raw AAC but holds no whole frame", "give wav, flac, ogg, opus, mp3, aiff or au"
        )
    return Facts("aac", truncated=damaged, start=start, stop=stop)


_WALKS = {
    "wav": _wav,
    "w64": _w64,
    "aiff": _aiff,
    "au": _au,
    "nist": _nist,
    "flac": _flac,
    "ogg": _ogg,
    "mp3": _mp3,
    "mp4": _mp4,
    "mkv": _mkv,
    "aac": _aac,
}
