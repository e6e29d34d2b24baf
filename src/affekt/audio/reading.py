"""The one way in: a source is opened, checked, decoded, mixed down and resampled, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from affekt.audio.containers import inspect
from affekt.audio.decode import ArrayDecoder, Decoder, FileDecoder
from affekt.audio.levels import WARNINGS, Levels
from affekt.audio.limits import Limits
from affekt.audio.media import FORMATS, MediaDecoder
from affekt.audio.resampling import Resampler
from affekt.audio.sources import Source, open_input, resolve
from affekt.errors import AudioEmptyError, UsageError
from affekt.geometry import SAMPLE_RATE

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Waveform:
    """A recording as Affekt works on it.

    `samples` [samples] are float32, mono, 16 kHz, full scale at 1. `name` is the file, or a label.
    `warnings` holds the codes that apply: `truncated` (part of the recording is missing or could not
    be decoded), `silent` (below -80 dBFS), `clipped` (0.1 % of the samples or more at full scale) and
    `cancelled` (the channels cancel each other in the downmix, as L = -R does).
    """

    samples: NDArray[np.float32]
    name: str
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """The length."""
        return len(self.samples) / SAMPLE_RATE


class Blocks(Protocol):
    """A recording in blocks [samples], float32, mono, 16 kHz; to be walked once, wherever it is decoded."""

    name: str
    rate: int
    channels: int
    expected: float | None
    warnings: tuple[str, ...]

    def __iter__(self) -> Iterator[NDArray[np.float32]]: ...

    def __enter__(self) -> Blocks: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def close(self) -> None: ...


class Stream:
    """A recording in blocks [samples] of about a second, float32, mono, 16 kHz; to be walked once.

    It takes the same memory for any length. `rate` (Hz) and `channels` are the recording's own, `expected`
    is its length in seconds as its header has it, None where it has none, and `warnings` is complete after
    the last block. Use it as a context manager where the walk may stop early.
    """

    def __init__(self, decoder: Decoder, limits: Limits, channel: int | None = None) -> None:
        self.name = decoder.name
        self.rate = decoder.rate
        self.channels = decoder.channels
        self.expected = None if decoder.frames is None else decoder.frames / decoder.rate
        self.warnings: tuple[str, ...] = ()
        self._decoder = decoder
        self._limits = limits
        self._channel = channel
        limits.check_format(self.name, self.rate, self.channels)
        if channel is not None and not 0 <= channel < self.channels:
            raise UsageError(f"{self.name}: channel {channel} of {self.channels}, which count from 0")
        if decoder.frames is not None:
            limits.check_length(self.name, decoder.frames, self.rate, self.channels)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        channels = self.channels if self._channel is None else 1
        levels = Levels(self.name, channels, self._decoder.full_scale)
        resampler = Resampler(self.rate)
        count = produced = 0
        try:
            for block in self._decoder.blocks():
                count += len(block)
                self._limits.check_length(self.name, count, self.rate, self.channels)
                mono = levels.add(block if self._channel is None else block[:, [self._channel]])
                mono = resampler.push(mono)
                produced += len(mono)
                if len(mono):
                    yield mono
            last = resampler.finish()
            produced += len(last)
            if len(last):
                yield last
        finally:
            self.close()
        if produced == 0:
            raise AudioEmptyError(
                self.name, f"{count} samples at {self.rate} Hz make none at 16 kHz", "give a longer recording"
            )
        found = {*levels.warnings(), *(["truncated"] if self._decoder.truncated else [])}
        self.warnings = tuple(code for code in WARNINGS if code in found)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; a file object of the caller's stays open."""
        self._decoder.close()


def stream(
    source: Source,
    *,
    limits: Limits = DEFAULT_LIMITS,
    rate: int | None = None,
    name: str | None = None,
    channel: int | None = None,
) -> Stream:
    """Opens a recording and checks what its header says; samples are decoded as the stream is walked.

    Takes and raises what `load` does; with a `channel`, which count from 0, that one alone is heard.
    """
    content, rate, label = resolve(source, rate, name)
    if isinstance(content, np.ndarray):
        return Stream(ArrayDecoder(content, rate, label), limits, channel)
    file = open_input(content, label, limits)
    try:
        facts = inspect(file, label)
        decoder: Decoder = (MediaDecoder if facts.kind in FORMATS else FileDecoder)(file, label, facts)
    except BaseException:
        file.close()
        raise
    try:
        return Stream(decoder, limits, channel)
    except BaseException:
        decoder.close()
        raise


def load(
    source: Source, *, limits: Limits = DEFAULT_LIMITS, rate: int | None = None, name: str | None = None
) -> Waveform:
    """Reads a recording whole: 16 kHz, mono (the mean of the channels), float32.

    Of `n` samples at `rate` Hz come floor(n * 16000 / rate + 1/2). Samples beyond full scale are kept.

    Args:
        source: a path, the bytes of a file, a binary file object (read from where it stands), an array
            with `rate`, or a dictionary {"array", "sampling_rate"}, {"bytes"} or {"path"}. An array is
            [samples], or has two axes of which the shorter one holds the channels (the second if equal);
            its dtype is float32, float64, int16, int32 or uint8.
        limits: the budget; a recording over it is refused, never cut.
        rate: Hz, for arrays alone.
        name: how errors and the result call the recording; the path unless given.

    Raises:
        AudioNotFoundError: no such file, a folder, or no permission.
        AudioFormatError: not audio, or a format that is not read, or not without an extra.
        AudioCorruptError: not one sample can be decoded.
        AudioEmptyError: no samples.
        AudioNonFiniteError: NaN, infinite or wild samples (beyond 64 times full scale) in any channel.
        AudioTooLargeError: over `limits`.
        UsageError: a source or `rate` of the wrong kind.
    """
    with stream(source, limits=limits, rate=rate, name=name) as blocks:
        return whole(blocks)


def whole(blocks: Blocks) -> Waveform:
    """The recording that comes in blocks, in one piece."""
    held = bytearray()
    for block in blocks:
        held += block.tobytes()
    return Waveform(np.frombuffer(held, np.float32), blocks.name, blocks.warnings)


def read(
    source: Source, *, limits: Limits = DEFAULT_LIMITS, rate: int | None = None, name: str | None = None
) -> NDArray[np.float32]:
    """The samples [samples] of `load`, alone."""
    return load(source, limits=limits, rate=rate, name=name).samples
