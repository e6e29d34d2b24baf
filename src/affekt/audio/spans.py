"""A stretch of a recording, by its times in seconds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from affekt.audio.limits import SAMPLE_RATE
from affekt.errors import AudioEmptyError


def cut(
    samples: NDArray[np.float32], start: float | None, end: float | None, name: str
) -> NDArray[np.float32]:
    """The samples [samples] from `start` to `end` seconds; None or NaN stands for the recording's own end.

    Raises:
        AudioEmptyError: the recording ends before `start`.
    """
    first = 0 if start is None or math.isnan(start) else round(start * SAMPLE_RATE)
    last = None if end is None or math.isnan(end) else round(end * SAMPLE_RATE)
    piece = samples[first:last]
    if not len(piece):
        raise AudioEmptyError(name, f"nothing between {start} and {end} s", "correct the table's times")
    return piece
