"""The audio track of MP4, WebM, Matroska and raw AAC files, decoded by FFmpeg through PyAV.

FFmpeg sees one file object of known size and one container format that the file's first bytes chose. It is
given no path and no address, and all that it asks to open besides is refused. The samples are those that it
yields: it leaves out an encoder's delay where the file tells of one, which raw AAC cannot, and keeps the
padding of the last frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from affekt.audio.containers import Facts
from affekt.audio.decode import MOST_ERRORS, as_float, block_frames
from affekt.audio.sources import Input
from affekt.errors import AudioCorruptError, AudioEmptyError, AudioFormatError

if TYPE_CHECKING:
    from av import AudioStream
    from av.container import InputContainer

FORMATS = {
    "mp4": ("mp4", "MPEG-4 or QuickTime (m4a, mp4, mov or 3gp)"),
    "mkv": ("matroska", "WebM or Matroska"),
    "aac": ("aac", "raw AAC"),
}
"""The kinds of file that are read here: FFmpeg's name for the container, and one for people."""

CODECS = frozenset(
    {
        *("aac", "alac", "mp3", "mp3float", "mp2", "mp2float", "flac", "opus", "libopus", "vorbis"),
        *("libvorbis", "ac3", "eac3", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb"),
        *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
        *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw"),
    }
)
"""FFmpeg's names of the decoders that may run; none of them is for video."""

MOST_FRAME_SAMPLES = 2**17
"""What one frame may hold, per channel; the codecs' own bound is half of it, but for forged ALAC."""
SLACK_SECONDS = 0.25
"""A header may count an encoder's delay that decoding leaves out: up to 4224 samples in practice."""


class MediaDecoder:
    """Decodes the audio track that FFmpeg takes for the best, in one pass."""

    full_scale = 0.9999

    def __init__(self, file: Input, name: str, facts: Facts) -> None:
        self.name = name
        self.truncated = facts.truncated
        self._file = file
        self._errors = 0
        file.correct(facts.start, facts.stop, facts.prefix, facts.patches)
        self._container = _open(file, name, facts.kind)
        try:
            self._track = _track(self._container, name, facts.kind)
            self._pieces = self._decode()
            first = next(self._pieces, None)
            if first is None:
                raise self._nothing()
            self._first: NDArray[Any] = first
            self.rate, self.channels, _ = self._shape
            self.frames = self._claimed(facts.kind)
        except BaseException:
            self._container.close()
            raise
        if first.dtype == np.uint8:
            self.full_scale = 0.99

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        step, count, filled = block_frames(self.rate, self.channels), 0, 0
        block = np.empty((step, self.channels), self._first.dtype)
        for piece in self._all():
            count += len(piece)
            rest = piece
            while len(rest):
                part, rest = rest[: step - filled], rest[step - filled :]
                block[filled : filled + len(part)] = part
                filled += len(part)
                if filled == step:
                    yield as_float(block)
                    filled = 0
        if filled:
            yield as_float(block[:filled])
        short = self.frames is not None and count < self.frames - SLACK_SECONDS * self.rate
        failed = self._errors > 0 or self._file.failure is not None
        self.truncated = self.truncated or short or failed

    def close(self) -> None:
        self._pieces.close()
        self._container.close()
        self._file.close()

    def _all(self) -> Iterator[NDArray[Any]]:
        yield self._first
        yield from self._pieces

    def _decode(self) -> Any:
        """The pieces [samples, channels] in the codec's own type; another rate, width or type is damage."""
        from av import FFmpegError

        self._shape = (0, 0, "")
        packets = self._container.demux(self._track)
        while self._errors < MOST_ERRORS:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except EOFError:
                return
            except (FFmpegError, OSError, ValueError, IndexError):
                self._errors += 1
                packets = self._container.demux(self._track)
                continue
            for frame in frames:
                shape = (frame.sample_rate, frame.layout.nb_channels, frame.format.name)
                self._shape = self._shape if self._shape[0] else shape
                if shape != self._shape:
                    self._errors += 1
                elif frame.samples:
                    samples = frame.to_ndarray()
                    yield samples.T if frame.format.is_planar else samples.reshape(-1, shape[1])

    def _claimed(self, kind: str) -> int | None:
        """The length that the header gives for this track; Matroska gives one for all of them together."""
        if kind == "mp4" and self._track.duration and self._track.time_base:
            return int(self._track.duration * self._track.time_base * self.rate)
        if kind == "mkv" and self._container.duration and len(self._container.streams) == 1:
            return self._container.duration * self.rate // 1_000_000
        return None

    def _nothing(self) -> AudioCorruptError | AudioEmptyError:
        if self._errors or self.truncated or self._file.failure:
            return AudioCorruptError(self.name, "no sample can be decoded", "copy it again from its source")
        return AudioEmptyError(self.name, "no samples", "export it again from its source")


def _open(file: Input, name: str, kind: str) -> InputContainer:
    form, what = FORMATS[kind]
    try:
        import av
    except ImportError as error:
        raise AudioFormatError(
            name,
            f"{what} needs an extra",
            'pip install "affekt[media]", or convert it to wav or flac: ffmpeg -i IN OUT.flac',
        ) from error
    options = {
        "format_whitelist": form if form == "aac" else f"{form},mov,webm",
        "codec_whitelist": ",".join(sorted(CODECS)),
        "max_samples": str(MOST_FRAME_SAMPLES),
    }
    try:
        return av.open(file, "r", format=form, options=options, metadata_errors="replace", io_open=_refuse)
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise AudioCorruptError(
            name, f"{what} that cannot be decoded ({reason})", "copy or export it again from its source"
        ) from error


def _refuse(address: str, flags: int, options: dict[str, str]) -> NoReturn:
    """Takes the place of FFmpeg's own way to open what a file refers to."""
    raise PermissionError("a file that refers to others")


def _track(container: InputContainer, name: str, kind: str) -> AudioStream:
    best = container.streams.best("audio")
    track = next((track for track in container.streams.audio if track is best), None)
    what = FORMATS[kind][1]
    if track is None:
        raise AudioFormatError(name, f"{what} without an audio track", "give a file that has one")
    codec = track.codec_context.name if track.codec_context is not None else "unknown"
    if codec not in CODECS:
        raise AudioFormatError(
            name, f"{what} with {codec} audio, which is not read", "convert it: ffmpeg -i IN OUT.flac"
        )
    track.codec_context.thread_count = 1
    track.codec_context.options = {"max_samples": str(MOST_FRAME_SAMPLES)}
    return track
