"""What is done to clips and tables so that they leak: the plants of `benchmarks/leaks.py`."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from affekt import audio

Samples = NDArray[np.float32]
RATE = audio.SAMPLE_RATE


def write(path: Path, samples: Samples, rate: int = RATE) -> None:
    """Samples as a 16-bit WAV file, clipped at full scale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(samples, -1, 1), rate, subtype="PCM_16")


def coded(samples: Samples, form: str, subtype: str, level: float) -> Samples:
    """Samples through a codec and back; `level` is libsndfile's compression level, 1 the smallest file."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, RATE, format=form, subtype=subtype, compression_level=level)
    return audio.read(stream.getvalue())


def resampled(samples: Samples, rate: int) -> Samples:
    """Samples at another rate and back."""
    return np.asarray(soxr.resample(soxr.resample(samples, RATE, rate), rate, RATE), np.float32)


def noisy(samples: Samples, decibels: float, seed: int) -> Samples:
    """Samples with white noise that many decibels below."""
    random = np.random.default_rng(seed)
    scale = np.sqrt(np.mean(samples**2) / 10 ** (decibels / 10))
    return np.asarray(samples + random.normal(0, scale, len(samples)), np.float32)


def masked(samples: Samples, seed: int) -> Samples:
    """Samples with 300 ms of them silenced."""
    start = int(np.random.default_rng(seed).integers(max(1, len(samples) - 4800)))
    done = samples.copy()
    done[start : start + 4800] = 0
    return done


def sped(samples: Samples, factor: float) -> Samples:
    """Samples played faster by a factor."""
    return np.asarray(soxr.resample(samples, RATE * factor, RATE), np.float32)


def telephone(samples: Samples) -> Samples:
    """300 to 3400 Hz, 8 kHz, mu-law."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    narrow = soxr.resample(np.fft.irfft(spectrum, len(samples)).astype(np.float32), RATE, 8000)
    stream = io.BytesIO()
    soundfile.write(stream, np.clip(narrow, -1, 1), 8000, format="WAV", subtype="ULAW")
    return audio.read(stream.getvalue())


def in_a_room(samples: Samples, seed: int) -> Samples:
    """Samples with an echo that decays by 60 dB in 0.4 s, as loud as the voice."""
    random = np.random.default_rng(seed)
    time = np.arange(int(0.4 * RATE)) / RATE
    echo = random.normal(0, 1, len(time)) * 10 ** (-3 * time / 0.4)
    echo /= np.sqrt(np.sum(echo**2))
    echo[0] += 1
    size = len(samples) + len(echo)
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(echo, size), size)[: len(samples)]
    return np.asarray(0.5 * wet, np.float32)


def joined(samples: Samples, other: Samples) -> Samples:
    """Another clip, and behind it the samples."""
    return np.concatenate([other, samples])


Change = Callable[[Samples, Samples, int], Samples]
"""What is done to a clip: of its samples, another clip's, and a number."""

CHANGES: dict[str, Change] = {
    "gain_-20db": lambda clip, other, seed: clip * 0.1,
    "rate_8k": lambda clip, other, seed: resampled(clip, 8000),
    "rate_44k": lambda clip, other, seed: resampled(clip, 44100),
    "mp3": lambda clip, other, seed: coded(clip, "MP3", "MPEG_LAYER_III", 0.5),
    "mp3_smallest": lambda clip, other, seed: coded(clip, "MP3", "MPEG_LAYER_III", 0.9),
    "opus": lambda clip, other, seed: coded(clip, "OGG", "OPUS", 0.9),
    "vorbis": lambda clip, other, seed: coded(clip, "OGG", "VORBIS", 0.9),
    "telephone": lambda clip, other, seed: telephone(clip),
    "trimmed_0.45s": lambda clip, other, seed: clip[4077:-3200],
    "padded_0.9s": lambda clip, other, seed: np.pad(clip, (5555, 9000)),
    "noise_30db": lambda clip, other, seed: noisy(clip, 30, seed),
    "noise_20db": lambda clip, other, seed: noisy(clip, 20, seed),
    "noise_10db": lambda clip, other, seed: noisy(clip, 10, seed),
    "masked_0.3s": lambda clip, other, seed: masked(clip, seed),
    "speed_1.00": lambda clip, other, seed: sped(clip, 1.0),
    "speed_1.01": lambda clip, other, seed: sped(clip, 1.01),
    "speed_1.10": lambda clip, other, seed: sped(clip, 1.1),
    "segment_1s": lambda clip, other, seed: clip[len(clip) // 2 - 8000 : len(clip) // 2 + 8000],
    "joined": lambda clip, other, seed: joined(clip, other),
    "clipped_+26db": lambda clip, other, seed: np.clip(clip * 20, -1, 1),
    "room": lambda clip, other, seed: in_a_room(clip, seed),
}


def _hard_link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another disk: a copy and a hard link to it.
        held = target.with_name(f"held-{target.name}")
        held.write_bytes(source.read_bytes())
        os.link(held, target)


LINKS: dict[str, Callable[[Path, Path], object]] = {
    "copy": lambda source, target: target.write_bytes(source.read_bytes()),
    "hard_link": _hard_link,
    "symbolic_link": lambda source, target: target.symlink_to(source),
}


def leveled(samples: Samples, decibels: float) -> Samples:
    """Samples at a mean level of so many dBFS."""
    return np.asarray(samples * 10 ** (decibels / 20) / np.sqrt(np.mean(samples**2) + 1e-12), np.float32)


Give = Callable[[Samples, int, np.random.Generator], tuple[Samples, int]]
"""How a recording gives its class away: of the samples and the class's number, samples and a rate."""

GIVES: dict[str, Give] = {
    "loudness": lambda clip, of, random: (leveled(clip, -40 + 3 * of + random.normal(0, 0.5)), RATE),
    "duration": lambda clip, of, random: (
        clip[: int(RATE * (1 + 0.12 * of + random.uniform(0, 0.04)))],
        RATE,
    ),
    "silence": lambda clip, of, random: (np.pad(clip, (800 * of + int(random.integers(160)), 0)), RATE),
    "rate": lambda clip, of, random: (
        (np.asarray(soxr.resample(clip, RATE, 22050), np.float32), 22050) if of == 0 else (clip, RATE)
    ),
    "one_class_+3db": lambda clip, of, random: (clip * 2**0.5 if of == 0 else clip, RATE),
}
