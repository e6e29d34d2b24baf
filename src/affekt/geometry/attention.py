"""Where a position of an attention map lies in a recording, from a network's settings alone."""

from __future__ import annotations

from dataclasses import dataclass

from affekt.geometry import SAMPLE_RATE

LAYERS: tuple[tuple[int, int, int], ...] = (
    (11, 4, 2),
    (3, 2, 0),
    (5, 1, 2),
    (3, 2, 0),
    (3, 1, 1),
    (3, 1, 1),
    (3, 1, 1),
    (3, 2, 0),
)
"""Kernel, stride and padding of AlexNet's convolutions and poolings, the same along time and frequency."""


def output_size(size: int) -> int:
    """How many positions the layers leave of so many frames or bins."""
    for kernel, stride, padding in LAYERS:
        size = (size + 2 * padding - kernel) // stride + 1
    return size


def _field() -> tuple[int, int, int]:
    """Stride, size of the receptive field, and the first position's centre, in frames or bins."""
    jump, field, centre = 1, 1, 0.0
    for kernel, stride, padding in LAYERS:
        centre += ((kernel - 1) / 2 - padding) * jump
        field += (kernel - 1) * jump
        jump *= stride
    return jump, field, int(centre)


STRIDE, FIELD, FIRST = _field()
"""In frames or bins: between neighbours 32, seen by a position 195, the first position's centre 31."""

SMALLEST = 63
"""The fewest frames or bins that leave a position."""


@dataclass(frozen=True)
class Region:
    """What a position of an attention map sees: seconds from the recording's start, and Hz.

    `time` and `frequency` are the centre; `start`, `end`, `low` and `high` bound all that has any influence,
    cut off at the recording's start and at the ends of the spectrum, not at the recording's end.
    """

    time: float
    start: float
    end: float
    frequency: float
    low: float
    high: float


@dataclass(frozen=True)
class AttentionGrid:
    """The positions of an attention map [rows, columns]: rows from low to high frequency, columns over time.

    Attributes:
        window, hop: of the frontend, in samples at 16 kHz.
        bin_hz: Hz between bins.
        bins: bins of the spectrogram.
        local: whether a position depends on what it sees alone, and not on the whole recording.
    """

    window: int
    hop: int
    bin_hz: float
    bins: int
    local: bool

    @property
    def rows(self) -> int:
        """Positions along frequency."""
        return output_size(self.bins)

    @property
    def step_seconds(self) -> float:
        """Between neighbours along time."""
        return STRIDE * self.hop / SAMPLE_RATE

    @property
    def step_hz(self) -> float:
        """Between neighbours along frequency."""
        return STRIDE * self.bin_hz

    @property
    def step_samples(self) -> int:
        """Between neighbours along time, in samples."""
        return STRIDE * self.hop

    def frames(self, samples: int) -> int:
        """Frames of the spectrogram of so many samples, silence to the smallest size included."""
        return max(SMALLEST, 1 - (min(0, self.window - samples) // self.hop))

    def columns(self, samples: int) -> int:
        """Positions along time in a recording of so many samples."""
        return output_size(self.frames(samples))

    def region(self, row: int, column: int) -> Region:
        """What the position sees."""
        low, middle, high = _span(row)
        start, centre, end = _span(column)
        # A frame is heard from its first sample to its last one; its middle is half a window later.
        seconds = [(at * self.hop + part * self.window) / SAMPLE_RATE for at, part in ((start, 0), (end, 1))]
        return Region(
            time=(centre * self.hop + self.window / 2) / SAMPLE_RATE,
            start=max(0.0, seconds[0]),
            end=seconds[1],
            frequency=middle * self.bin_hz,
            low=max(0.0, low * self.bin_hz),
            high=min((self.bins - 1) * self.bin_hz, high * self.bin_hz),
        )


def _span(position: int) -> tuple[int, int, int]:
    """First, middle and last frame or bin that a position sees."""
    centre = FIRST + STRIDE * position
    return centre - FIELD // 2, centre, centre + FIELD // 2
