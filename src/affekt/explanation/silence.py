"""Regions of time and frequency silenced in the samples, so that any model hears the change the usual way.

The short-time Fourier transform of the samples is attenuated where a mask says so, and turned into samples
again by weighted overlap and add (Griffin & Lim, IEEE Transactions on ASSP 32(2), 1984, equation 6).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE
from affekt.explanation.maps import Grid

Samples = NDArray[np.float32]

WINDOW, HOP = 512, 128
"""32 ms and 8 ms: fine enough to part the harmonics of most voices from one another."""

SILENCED = 1e-4
"""What is left of a silenced region, as a factor: 80 dB less. Zeros would be what no recording holds, and
front ends that take a logarithm would answer to the zeros and not to what is missing."""


class Silencer:
    """Silences regions of one stretch of samples."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        frames = -(-len(samples) // HOP) + WINDOW // HOP - 1
        padded = np.zeros((frames - 1) * HOP + WINDOW, np.float32)
        padded[WINDOW - HOP : WINDOW - HOP + len(samples)] = samples
        windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
        self._spectra = np.fft.rfft(windows * _TAPER).astype(np.complex64)

    def without(self, mask: NDArray[np.bool_], grid: Grid) -> Samples:
        """The samples, float32 [samples], with the cells of `mask` [bands, columns] silenced."""
        chosen = mask[self._bands(grid)][:, self._columns(grid)].T
        frames = np.flatnonzero(chosen.any(axis=1))
        if not len(frames):
            return self.samples
        first, last = int(frames[0]), int(frames[-1]) + 1
        # What is taken away is resynthesised, over its own frames alone: a patch costs what it is long.
        removed = np.fft.irfft(self._spectra[first:last] * chosen[first:last], WINDOW) * (_TAPER / _GAIN)
        total = np.zeros((last - first - 1) * HOP + WINDOW)
        for part in range(WINDOW // HOP):
            strip = total[part * HOP : part * HOP + (last - first) * HOP]
            strip += removed[:, part * HOP : (part + 1) * HOP].ravel()
        start = first * HOP - (WINDOW - HOP)
        low, high = max(start, 0), min(start + len(total), len(self.samples))
        silenced = self.samples.copy()
        silenced[low:high] -= ((1 - SILENCED) * total[low - start : high - start]).astype(np.float32)
        return silenced

    def _columns(self, grid: Grid) -> NDArray[np.intp]:
        return _cells(self._moments, grid.times)

    def _bands(self, grid: Grid) -> NDArray[np.intp]:
        return _cells(np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW, grid.hertz)

    @cached_property
    def _moments(self) -> NDArray[np.float64]:
        """The middle of each frame in seconds."""
        starts = np.arange(len(self._spectra)) * HOP - (WINDOW - HOP)
        return (starts + WINDOW / 2) / SAMPLE_RATE


def decibels(samples: Samples, grid: Grid) -> NDArray[np.float32]:
    """The level of each cell [bands, columns] in dB of full scale, at least -120: a picture's spectrogram."""
    silencer = Silencer(samples)
    power = np.square(np.abs(silencer._spectra)) * (2 / _TAPER.sum()) ** 2
    bands = _means(power.T, np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW, grid.hertz)
    cells = _means(bands.T, silencer._moments, grid.times).T
    return np.asarray(10 * np.log10(np.maximum(cells, 1e-12)), np.float32)


def _cells(places: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.clip(np.searchsorted(edges, places, side="right") - 1, 0, len(edges) - 2)


def _means(
    values: NDArray[np.float32], places: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float32]:
    """`values` [places, ...] as means over cells [cells, ...]; one without places has its neighbour's."""
    known, starts, counts = np.unique(_cells(places, edges), return_index=True, return_counts=True)
    means = np.add.reduceat(values, starts, axis=0) / counts.astype(np.float32)[:, None]
    nearest = np.abs(np.arange(len(edges) - 1)[:, None] - known).argmin(axis=1)
    return np.asarray(means[nearest], np.float32)


_TAPER = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
_GAIN = float(np.square(_TAPER[::HOP]).sum())
"""The squared window summed over all frames that reach a sample: the same for every sample."""
