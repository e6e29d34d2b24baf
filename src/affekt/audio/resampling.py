"""To 16 kHz, piece by piece: the same samples however a recording was cut."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.geometry import SAMPLE_RATE

Samples = NDArray[np.float32]


class Resampler:
    """soxr at high quality, with the state that makes pieces equal to the whole; at 16 kHz it does nothing.

    Args:
        rate: Hz, of what comes; let `Limits.check_format` see it first.
    """

    def __init__(self, rate: int) -> None:
        self._stream: Any = None
        if rate != SAMPLE_RATE:
            import soxr

            self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")

    def push(self, samples: Samples) -> Samples:
        """Takes in the next float32 [samples]: those at 16 kHz that are known by now, perhaps none."""
        if self._stream is None:
            return samples
        found: Samples = self._stream.resample_chunk(samples)
        return found

    def finish(self) -> Samples:
        """The last samples."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        found: Samples = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        return found
