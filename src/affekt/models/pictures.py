"""Pictures of speech, drawn as tensors within the network: spectrograms and discrete waveform diagrams.

A frontend here gives what augmentation may change, frame by frame, and draws segments of it.
Shapes: samples [batch, samples] at 16 kHz, frames [batch, frames, features]; segments
[pictures, frames, features]; pictures [pictures, channels, rows, columns], as they would stand on paper: time
to the right, high frequencies and high samples up.
"""

from __future__ import annotations

import contextlib
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.frontend import (
    REFERENCE_POWER,
    SILENT_POWER,
    LogSpectrogram,
    compressed,
    covering,
    utterance_power,
)
from affekt.geometry import SAMPLE_RATE
from affekt.geometry.segments import Level, Picture, SegmentGrid
from affekt.models.masking import length_mask

Channels = Literal["repeat", "deltas"]

DELTA_SCALE = 3.0
"""Slopes are this much too flat to be seen beside what they are the slopes of."""

SILENT_PEAK = 1e-5
"""A peak below which nothing is drawn larger."""


class SpectrogramPictures(LogSpectrogram):
    """Log-power spectrograms of linear frequency, resized to squares.

    -1 is `FLOOR_DB` below the mean power of the segment or the utterance, and silence; each 40 dB are 1.
    Frames are power relative to a reference: what is drawn is compressed once the segment's own is known.

    Args:
        grid: where the segments lie.
        size: rows and columns of a picture.
        high_hz: the upper end of the picture.
        channels: `repeat` the picture in all three, or the picture, its slope over time and the slope's
            (regression over five frames, Furui, IEEE TASSP 34(1), 1986, its ends held at the picture's).
        level: what the power is relative to: the mean of the segment, of the utterance, or a fixed one.
    """

    spectral = True
    """Whether features are frequencies."""

    def __init__(
        self, grid: SegmentGrid, *, size: int, high_hz: float, channels: Channels, level: Level
    ) -> None:
        bins = round(high_hz * grid.window / SAMPLE_RATE)
        super().__init__(
            bins=bins, dft=grid.window, window_ms=grid.window / 16, hop_ms=grid.hop / 16, normalisation="none"
        )
        self.level = level
        time = resizing(grid.size, size)[None]
        if channels == "deltas":
            slope = DELTA_SCALE * _regression(grid.size)
            time = torch.cat([time, time @ slope, time @ slope @ slope])
        self.time: Tensor
        self.frequency: Tensor
        self.register_buffer("time", time.float(), persistent=False)
        self.register_buffer("frequency", resizing(bins, size).flip(0).T.float(), persistent=False)

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Relative power [batch, frames, bins], zero beyond each utterance's end, and frames [batch]."""
        power, frames = self.power(samples, lengths)
        reference: Tensor | float = REFERENCE_POWER
        if self.level == "utterance":
            reference = utterance_power(power, frames)
        return power / reference, frames

    def draw(self, segments: Tensor) -> Tensor:
        """Pictures [pictures, 3, size, size] of segments of power [pictures, frames, bins]."""
        if self.level == "segment":
            mean = segments.mean((1, 2), keepdim=True)
            segments = segments / mean.clamp(min=SILENT_POWER / REFERENCE_POWER)
        tall = compressed(segments) @ self.frequency
        pictures = (self.time @ tall[:, None]).transpose(2, 3)
        first = pictures[:, :1] / 2 - 1
        if len(self.time) == 1:
            return first.expand(-1, 3, -1, -1)
        return torch.cat([first, pictures[:, 1:] / 2], dim=1)


class WaveformPictures(nn.Module):
    """Discrete waveform diagrams: in each column a line from its lowest to its highest sample.

    The line is 1 on a ground of -1, a pixel thick where nothing moves; edges are anti-aliased, each pixel has
    the share of it that the line covers. Frames are (highest, lowest) sample of each column.

    Args:
        grid: where the segments lie; a frame is a column.
        size: rows and columns of a picture.
        level: what fills the picture: the peak of the segment, of the utterance, or full scale.
    """

    spectral = False
    """Whether features are frequencies."""

    def __init__(self, grid: SegmentGrid, *, size: int, level: Level) -> None:
        super().__init__()
        self.window, self.hop, self.size, self.level = grid.window, grid.hop, size, level

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Highest and lowest samples [batch, columns, 2], zero beyond each end, and columns [batch]."""
        samples = samples * length_mask(lengths, samples.shape[1])
        if self.level == "utterance":
            samples = samples / samples.abs().amax(1, keepdim=True).clamp(min=SILENT_PEAK)
        padded = functional.pad(samples, (0, self.window))[:, None]
        both = torch.cat([padded, -padded], dim=1)
        # Of one row: pooling along one axis alone is exported for a single length.
        pooled = functional.max_pool2d(both[:, :, None], (1, self.window), (1, self.hop))[:, :, 0]
        highest, lowest = pooled.chunk(2, dim=1)
        columns = torch.cat([highest, -lowest], dim=1).transpose(1, 2)
        frames = covering(lengths, self.window, self.hop)
        return columns * length_mask(frames, columns.shape[1])[..., None], frames

    def draw(self, segments: Tensor) -> Tensor:
        """Pictures [pictures, 3, size, size] of segments of columns [pictures, size, 2]."""
        if self.level == "segment":
            segments = segments / segments.abs().amax((1, 2), keepdim=True).clamp(min=SILENT_PEAK)
        heights = self.size / 2 - segments.clamp(-1, 1) * (self.size / 2 - 1)
        top, bottom = heights[..., 0][:, None] - 0.5, heights[..., 1][:, None] + 0.5
        row = torch.arange(self.size, device=segments.device)[:, None]
        covered = (bottom.minimum(row + 1) - top.maximum(row)).clamp(0, 1)
        return (2 * covered - 1)[:, None].expand(-1, 3, -1, -1)


Pictures = SpectrogramPictures | WaveformPictures


def make_pictures(
    picture: Picture, grid: SegmentGrid, *, size: int, high_hz: float, channels: Channels, level: Level
) -> Pictures:
    """The frontend that draws this kind of picture."""
    if picture == "waveform":
        return WaveformPictures(grid, size=size, level=level)
    return SpectrogramPictures(grid, size=size, high_hz=high_hz, channels=channels, level=level)


def resizing(before: int, after: int) -> Tensor:
    """Bilinear resizing along one axis as a matrix [after, before] in float64, with anti-aliasing.

    Pixel centres lie at halves; where it shrinks, the triangle is as wide as the pixels are apart.
    """
    scale = before / after
    centres = (torch.arange(after, dtype=torch.float64) + 0.5) * scale
    places = torch.arange(before, dtype=torch.float64) + 0.5
    weights = (1 - (places - centres[:, None]).abs() / max(scale, 1.0)).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


def _regression(frames: int) -> Tensor:
    """The slope at each frame from two frames on either side, as a matrix [frames, frames] in float64."""
    slope = torch.zeros(frames, frames, dtype=torch.float64)
    here = torch.arange(frames)
    for distance in (1, 2):
        for sign in (-1, 1):
            there = (here + sign * distance).clamp(0, frames - 1)
            slope[here, there] += sign * distance / 10
    return slope


def whole_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """No autocast: power spans more than bfloat16 tells apart. A graph to export has none anyway."""
    if torch.compiler.is_exporting():
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)
