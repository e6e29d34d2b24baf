"""What a recording sounds like, in 32 bits for each 16 ms: equal audio is known again whatever its coding.

After Haitsma & Kalker, *A Highly Robust Audio Fingerprinting System*, ISMIR 2002: each bit tells whether the
difference of two neighbouring bands grew or shrank since the frame before. Gain, a filter, a codec or another
sampling rate hardly change these signs; another take of the same sentence does.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from affekt.geometry import SAMPLE_RATE

Prints = NDArray[np.uint32]

HOP = 256
WINDOW = 2048
FRAMES_PER_SECOND = SAMPLE_RATE / HOP
BANDS = 33
LOWEST_HZ, HIGHEST_HZ = 200.0, 3400.0
QUIET = 0
"""The print of a frame in which nothing is heard."""
_QUIET_DB = 40.0
_FLOOR_DB = -75.0
_STEP = 4


class Fingerprinter:
    """Takes a recording block by block; `prints` are those of all that was taken, at most `most` frames."""

    def __init__(self, most: int = 40_000) -> None:
        self._most = most
        self._rest = np.zeros(0, np.float32)
        self._bands: list[NDArray[np.float32]] = []
        self._frames = 0

    def add(self, block: NDArray[np.float32]) -> None:
        """Takes the next samples, float32 at 16 kHz."""
        if self._frames >= self._most:
            return
        samples = np.concatenate([self._rest, block])
        count = max(0, (len(samples) - WINDOW) // HOP + 1)
        for start in range(0, count, 256):
            stop = min(start + 256, count)
            part = samples[start * HOP : (stop - 1) * HOP + WINDOW]
            self._bands.append(_energies(np.lib.stride_tricks.sliding_window_view(part, WINDOW)[::HOP]))
        self._frames += count
        self._rest = samples[count * HOP :]

    def energies(self) -> NDArray[np.float32]:
        """The energies [frames, BANDS] of bands that are equally wide on the mel scale."""
        if not self._bands:
            return np.zeros((0, BANDS), np.float32)
        return np.concatenate(self._bands)[: self._most]

    def prints(self) -> Prints:
        """One for each frame of 128 ms, 16 ms apart; `QUIET` where it is 40 dB below the loudest."""
        energies = self.energies()
        if len(energies) <= _STEP:
            return np.zeros(0, np.uint32)
        levels = 10 * np.log10(energies.sum(axis=1) + 1e-20)
        quiet = levels < max(float(levels.max()) - _QUIET_DB, _FLOOR_DB)
        values = np.log(energies + 1e-9 * energies.max() + 1e-20)
        slopes = values[:, :-1] - values[:, 1:]
        bits = (slopes[_STEP:] - slopes[:-_STEP]) > 0
        packed = np.packbits(bits, axis=1).view(">u4")[:, 0].astype(np.uint32)
        packed[packed == QUIET] = 1
        packed[quiet[_STEP:] | quiet[:-_STEP]] = QUIET
        return packed


def fingerprint(samples: NDArray[np.float32]) -> Prints:
    """The prints of a whole recording [samples], float32 at 16 kHz."""
    maker = Fingerprinter()
    maker.add(samples)
    return maker.prints()


def _energies(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    window, matrix = _tools()
    spectrum = np.fft.rfft(frames * window)[:, : len(matrix)]
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
    return power @ matrix


@cache
def _tools() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The window [WINDOW], and triangular bands [bins, BANDS] of equal width on the mel scale."""
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 2) / 2595) - 1)
    bins = np.arange(int(HIGHEST_HZ * WINDOW / SAMPLE_RATE) + 1) * SAMPLE_RATE / WINDOW
    low, mid, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (mid - low)
    falling = (high - bins[:, None]) / (high - mid)
    return window, np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
