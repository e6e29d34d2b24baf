"""Windows over a recording: their lengths, and where they lie."""

from __future__ import annotations

from affekt.errors import UsageError
from affekt.geometry import SAMPLE_RATE

LEAST_SECONDS = 0.1
"""The shortest window: what is shorter holds no emotion."""

LEAST_HOP_SECONDS = 0.01


def check_windows(window: float | None, hop: float | None) -> float | None:
    """The hop in seconds that is meant: half a window where none is given, None without windows.

    Raises:
        UsageError: windows that leave gaps, or none at all.
    """
    if window is None:
        if hop is not None:
            raise UsageError("hop: is of windows; give --window too")
        return None
    if not LEAST_SECONDS <= window < float("inf"):
        raise UsageError(f"window: {window:g} s; give at least {LEAST_SECONDS} s")
    hop = window / 2 if hop is None else hop
    if not LEAST_HOP_SECONDS <= hop <= window:
        raise UsageError(
            f"hop: {hop:g} s; give {LEAST_HOP_SECONDS} s to a window's {window:g} s, or there would be gaps"
        )
    return hop


def to_samples(seconds: float) -> int:
    """The nearest number of samples at 16 kHz."""
    return round(seconds * SAMPLE_RATE)


def grid(samples: int, window: float | None, hop: float | None) -> list[tuple[int, int]]:
    """Starts and ends, in samples, of windows that leave nothing out.

    They start at multiples of the hop; the last one ends where the recording does, and is as long as the
    others. A recording that is no longer than a window is one window, and so is any without windows.
    """
    size = samples if window is None else to_samples(window)
    step = size if hop is None else to_samples(hop)
    if size >= samples:
        return [(0, samples)]
    count = 1 + -(-(samples - size) // step)
    starts = [min(at * step, samples - size) for at in range(count)]
    return [(start, start + size) for start in starts]
