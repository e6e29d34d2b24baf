"""A stretch of a recording, by its times in seconds: of samples, or of blocks as they come."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from affekt.audio.limits import Limits
from affekt.audio.reading import Blocks
from affekt.errors import AudioEmptyError
from affekt.geometry import SAMPLE_RATE


def cut(
    samples: NDArray[np.float32], start: float | None, end: float | None, name: str
) -> NDArray[np.float32]:
    """The samples [samples] from `start` to `end` seconds; None or NaN stands for the recording's own end.

    Raises:
        AudioEmptyError: the recording ends before `start`.
    """
    first, last = _places(start, end)
    piece = samples[first:last]
    if not len(piece):
        raise _nothing(name, start, end)
    return piece


class Stretch:
    """The blocks of a recording from `start` to `end` seconds, None for its own end; itself `Blocks`.

    Raises:
        AudioEmptyError: while it is walked: the recording ends before `start`.
        AudioTooLargeError: while it is walked: the stretch is over `limits`.
    """

    def __init__(
        self, blocks: Blocks, start: float | None, end: float | None, limits: Limits | None = None
    ) -> None:
        self.name, self.rate, self.channels = blocks.name, blocks.rate, blocks.channels
        self.expected = blocks.expected
        self.warnings: tuple[str, ...] = ()
        self._blocks = blocks
        self._times = start, end
        self._limits = limits

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        first, last = _places(*self._times)
        count = produced = 0
        for block in self._blocks:
            piece = block[max(0, first - count) : None if last is None else max(0, last - count)]
            count += len(block)
            if len(piece):
                produced += len(piece)
                if self._limits is not None:
                    self._limits.check_length(self.name, produced, SAMPLE_RATE, 1)
                yield piece
            # A little more is decoded to its end, which keeps a decoder process alive.
            if last is not None and count > last + _DRAINED:
                break
        self.warnings = self._blocks.warnings
        self.close()
        if count <= first:
            raise _nothing(self.name, *self._times)

    def __enter__(self) -> Stretch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the recording."""
        self._blocks.close()


_DRAINED = 600 * SAMPLE_RATE


def _places(start: float | None, end: float | None) -> tuple[int, int | None]:
    """The first sample and the one behind the last, None for the recording's own end."""
    first = 0 if start is None or math.isnan(start) else round(start * SAMPLE_RATE)
    return first, None if end is None or math.isnan(end) else round(end * SAMPLE_RATE)


def _nothing(name: str, start: float | None, end: float | None) -> AudioEmptyError:
    return AudioEmptyError(name, f"nothing between {start} and {end} s", "correct the table's times")
