"""What the samples themselves say: not finite, clipped, silent, or cancelled by the downmix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affekt.errors import AudioNonFiniteError

WARNINGS = ("truncated", "silent", "clipped", "cancelled")
"""Every code that `Waveform.warnings` can hold, in the order in which they stand there."""

SILENT_BELOW = 1e-4
"""A recording is `silent` when its mono samples span less than twice this: -80 dBFS around any offset."""
CLIPPED_SHARE = 1e-3
"""A recording with at least this share of its samples at full scale is `clipped`."""
CANCELLED_BELOW = 0.02
"""A recording is `cancelled` when the downmix keeps less than this share of the energy that unrelated
channels would keep: for stereo, a loss of 20 dB against the channels' mean."""
WILD_ABOVE = 64.0
"""Samples beyond this (36 dB over full scale) are refused: integers passed as floats, or damage."""


class Levels:
    """Sees each block once and tells at the end what is odd about the recording."""

    def __init__(self, name: str, channels: int, full_scale: float) -> None:
        self._name = name
        self._full_scale = full_scale
        self._count = 0
        self._clipped = 0
        self._low = np.inf
        self._high = -np.inf
        self._weights = np.full(channels, 1 / channels, np.float32)
        self._sums = np.zeros(channels)
        self._products = np.zeros((channels, channels))

    def add(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Takes a block [frames, channels] and gives its downmix [frames], the mean of the channels.

        Raises:
            AudioNonFiniteError: NaN, infinite or wild samples, in any channel.
        """
        low, high = float(block.min()), float(block.max())
        peak = max(-low, high)
        if not np.isfinite(low) or not np.isfinite(high):
            raise AudioNonFiniteError(
                self._name, "NaN or infinite samples", "export it again from its source"
            )
        if peak > WILD_ABOVE:
            raise AudioNonFiniteError(
                self._name, f"samples reach {peak:.3g} where full scale is 1", "scale it to -1...1"
            )
        if peak >= self._full_scale:
            self._clipped += int(np.count_nonzero(np.abs(block) >= self._full_scale))
        mono = block[:, 0] if block.shape[1] == 1 else block @ self._weights
        self._count += len(block)
        self._low = min(self._low, float(mono.min()))
        self._high = max(self._high, float(mono.max()))
        if block.shape[1] > 1:
            self._sums += np.ones(len(block), np.float32) @ block
            self._products += block.T @ block
        return mono

    def warnings(self) -> tuple[str, ...]:
        """The codes that hold for all blocks seen."""
        found = []
        if (self._high - self._low) / 2 < SILENT_BELOW:
            found.append("silent")
        channels = len(self._sums)
        if self._clipped >= CLIPPED_SHARE * self._count * channels:
            found.append("clipped")
        if channels > 1 and self._cancelled(channels):
            found.append("cancelled")
        return tuple(found)

    def _cancelled(self, channels: int) -> bool:
        means = self._sums / self._count
        covariance = self._products / self._count - np.outer(means, means)
        before = float(np.trace(covariance)) / channels
        after = float(covariance.sum()) / channels**2
        return before > SILENT_BELOW**2 / 2 and after < CANCELLED_BELOW / channels * before
