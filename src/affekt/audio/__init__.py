"""The only decoder and resampler: any file, bytes or array in, 16 kHz mono float32 out.

    waveform = affekt.audio.load("clip.flac")
    waveform.samples, waveform.seconds, waveform.warnings

`read` gives the samples alone; `stream` gives blocks of about a second, so that a recording of ten
hours needs no more memory than one of ten seconds.
"""

from __future__ import annotations

from affekt.audio.levels import (
    CANCELLED_BELOW,
    CLIPPED_SHARE,
    SILENT_BELOW,
    WARNINGS,
    WILD_ABOVE,
)
from affekt.audio.limits import Limits
from affekt.audio.reading import DEFAULT_LIMITS, Blocks, Stream, Waveform, load, read, stream, whole
from affekt.audio.resampling import Resampler
from affekt.audio.sources import Source
from affekt.audio.spans import Stretch, cut
from affekt.geometry import SAMPLE_RATE

__all__ = [
    "CANCELLED_BELOW",
    "CLIPPED_SHARE",
    "DEFAULT_LIMITS",
    "SAMPLE_RATE",
    "SILENT_BELOW",
    "WARNINGS",
    "WILD_ABOVE",
    "Blocks",
    "Limits",
    "Resampler",
    "Source",
    "Stream",
    "Stretch",
    "Waveform",
    "cut",
    "load",
    "read",
    "stream",
    "whole",
]
