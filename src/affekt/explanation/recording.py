"""A recording of any length in pieces: a short one is held, a long one is read again as often as needed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, cast

import numpy as np

from affekt import audio
from affekt.audio import SAMPLE_RATE
from affekt.explanation.silence import Samples

HELD_SECONDS = 600
"""A recording up to here is decoded once and scored whole."""

LIMITS = audio.Limits(seconds=None, decoded_bytes=None)


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording whose length is known; `held` are its samples unless it is long."""

    source: audio.Source
    sampling_rate: int | None
    name: str
    length: int
    warnings: tuple[str, ...]
    held: Samples | None

    @property
    def seconds(self) -> float:
        """The length."""
        return self.length / SAMPLE_RATE

    @property
    def waveform(self) -> audio.Waveform | None:
        """All of it, unless it is long."""
        return None if self.held is None else audio.Waveform(self.held, self.name, self.warnings)

    def count(self, longest: float) -> int:
        """How many pieces of at most so many seconds it has."""
        return max(1, math.ceil(self.length / (longest * SAMPLE_RATE)))

    def pieces(self, count: int) -> Iterator[Samples]:
        """The recording in so many consecutive pieces of equal length, give or take a sample.

        Raises:
            AudioError: it cannot be read again.
        """
        bounds = [number * self.length // count for number in range(count + 1)]
        if self.held is not None:
            yield from (self.held[start:end] for start, end in pairwise(bounds))
            return
        waiting = np.zeros(0, np.float32)
        sizes = iter(np.diff(bounds).tolist())
        size = next(sizes)
        for block in self.blocks():
            waiting = np.concatenate([waiting, block])
            while size and len(waiting) >= size:
                yield waiting[:size]
                waiting, size = waiting[size:], next(sizes, 0)

    def blocks(self) -> Iterator[Samples]:
        """The recording as it comes, in blocks of about a second if it is long.

        Raises:
            AudioError: it cannot be read again.
        """
        if self.held is not None:
            yield self.held
            return
        with audio.stream(self.source, limits=LIMITS, rate=self.sampling_rate) as blocks:
            yield from blocks


def open_recording(source: audio.Source, sampling_rate: int | None = None) -> Recording:
    """Decodes a recording once, to know its length and what is odd about it.

    Raises:
        AudioError: it cannot be used.
    """
    if hasattr(source, "read"):
        source = cast(IO[bytes], source).read()
    held: bytearray | None = bytearray()
    length = 0
    with audio.stream(source, limits=LIMITS, rate=sampling_rate) as blocks:
        for block in blocks:
            length += len(block)
            if length > HELD_SECONDS * SAMPLE_RATE:
                held = None
            if held is not None:
                held += block.tobytes()
        samples = None if held is None else np.frombuffer(held, np.float32)
        return Recording(source, sampling_rate, blocks.name, length, blocks.warnings, samples)
