"""What lies between a voice and a recording: telephone lines, codecs, levels, several channels.

Samples are float32 [count] at 16 kHz, at least one. No function writes into its argument.
"""

from __future__ import annotations

import io
from typing import TypeAlias

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from affekt import audio
from affekt.audio import SAMPLE_RATE
from affekt.errors import UsageError
from affekt.waves import fast_length

Samples: TypeAlias = NDArray[np.float32]

NARROW_RATE = 8000
TELEPHONE_HZ = (300.0, 3400.0)
"""The band of a telephone channel (ITU-T G.712)."""

_MU = 255.0
_SLOPE_HZ = 100.0
_MOST_COMPRESSION = 0.985
"""It gives 8 kbit/s; libsndfile refuses a level of 1, which should."""
_MP3_KBIT = (8, 160)
"""The bit rates of MPEG-2 Layer III, which is what 16 kHz is coded in."""


def narrow(samples: Samples) -> Samples:
    """As recorded at 8 kHz: nothing above 4 kHz is left."""
    return _back(soxr.resample(samples, SAMPLE_RATE, NARROW_RATE), len(samples))


def telephone(samples: Samples) -> Samples:
    """As over a telephone line: 300 to 3400 Hz (ITU-T G.712), 8 kHz, 8 bits of mu-law (ITU-T G.711)."""
    heard = np.asarray(soxr.resample(samples, SAMPLE_RATE, NARROW_RATE), np.float64)
    size = fast_length(len(heard))
    spectrum = np.fft.rfft(heard, size)
    frequencies = np.fft.rfftfreq(size, 1 / NARROW_RATE)
    low, high = TELEPHONE_HZ
    rising = np.clip((frequencies - low) / _SLOPE_HZ + 1, 0, 1)
    falling = np.clip((high - frequencies) / _SLOPE_HZ + 1, 0, 1)
    return _back(mu_law(np.fft.irfft(spectrum * rising * falling, size)[: len(heard)]), len(samples))


def mu_law(samples: NDArray[np.floating]) -> Samples:
    """What 8 bits of mu-law leave of samples in -1 to 1; what lies beyond is clipped."""
    clipped = np.clip(samples, -1, 1)
    companded = np.sign(clipped) * np.log1p(_MU * np.abs(clipped)) / np.log1p(_MU)
    coded = np.round(companded * 127) / 127
    return np.asarray(np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU, np.float32)


def mp3(samples: Samples, kbit: int) -> Samples:
    """Through MPEG-2 Layer III at a constant bit rate, and decoded as any recording; a little longer.

    Raises:
        UsageError: no such bit rate.
    """
    return audio.load(encode_mp3(samples, kbit)).samples


def encode_mp3(samples: Samples, kbit: int) -> bytes:
    """An MP3 file of so many kbit/s.

    Raises:
        UsageError: no such bit rate.
    """
    least, most = _MP3_KBIT
    if not least <= kbit <= most:
        raise UsageError(f"mp3: {kbit} kbit/s; give {least} to {most}")
    stream = io.BytesIO()
    soundfile.write(
        stream,
        samples,
        SAMPLE_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=min(1 - (kbit - least) / (most - least), _MOST_COMPRESSION),
        bitrate_mode="CONSTANT",
    )
    return stream.getvalue()


def gain(samples: Samples, decibel: float) -> Samples:
    """Louder or softer, in 16 bits: what goes beyond full scale is clipped, what is too soft is lost."""
    louder = np.clip(samples * np.float32(10 ** (decibel / 20)), -1, 1 - 2**-15)
    return np.asarray(np.round(louder * 2**15) / 2**15, np.float32)


def several(channels: NDArray[np.float32]) -> Samples:
    """Channels [samples, channels] written as a recording and read as any: one channel comes out."""
    stream = io.BytesIO()
    soundfile.write(stream, channels, SAMPLE_RATE, format="WAV", subtype="FLOAT")
    return audio.load(stream.getvalue()).samples


def _back(heard: NDArray[np.floating], count: int) -> Samples:
    wide = soxr.resample(np.asarray(heard, np.float32), NARROW_RATE, SAMPLE_RATE)
    return np.asarray(np.resize(wide, count) if len(wide) < count else wide[:count], np.float32)
