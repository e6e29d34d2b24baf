"""Training copies of recordings: crops, noise, babble, rooms and speed, on float32 mono samples at 16 kHz.

Every draw comes from the generator that is passed in, so that a copy is a function of what seeded it: seed,
epoch and clip, as in `augment.py`. Samples are [count], at least one. No function writes into its arguments;
where there is nothing to change, the result may be the argument itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
import soxr
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE
from affekt.errors import UsageError

Samples: TypeAlias = NDArray[np.float32]

_LOWEST_HZ = 20.0
_FIRST_REFLECTION = round(0.002 * SAMPLE_RATE)
_EARLY = round(0.05 * SAMPLE_RATE)
_REFLECTIONS = (6, 24)
_SHORTEST_RT60 = 0.1
_FASTEST = 2.0


def crop(samples: Samples, seconds: float, rng: np.random.Generator) -> Samples:
    """A part of the recording at a random place; one that is shorter is repeated from its start.

    Returns:
        round(seconds * 16000) samples.

    Raises:
        UsageError: there are no samples, or `seconds` holds none.
    """
    count = round(seconds * SAMPLE_RATE)
    if count < 1 or not len(samples):
        raise UsageError(f"crop: {seconds} s of {len(samples)} samples; both must hold at least one sample")
    return _part(samples, count, rng)


def add_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Adds a noise at a signal-to-noise ratio, in dB, of the energies over the whole clip.

    A noise that is shorter is repeated and one that is longer is cut at its end; for another part of it,
    take a `crop` first. The ratio has no meaning for a silent clip or noise: the clip stays as it is.
    """
    fitted = np.resize(noise, len(samples))
    signal, disturbance = _energy(samples), _energy(fitted)
    if not signal or not disturbance:
        return samples
    gain = math.sqrt(signal / disturbance) * 10 ** (-snr_db / 20)
    return (samples + gain * fitted.astype(np.float64)).astype(np.float32)


def coloured_noise(count: int, rng: np.random.Generator, exponent: float) -> Samples:
    """Gaussian noise [count] of RMS 1 with a power spectrum of 1 / f**exponent: 0 white, 1 pink, 2 brown.

    Random spectrum, then an inverse transform: Timmer and König, Astronomy & Astrophysics 300, 1995. There is
    nothing below 20 Hz: brown noise would have nearly all of its energy where nobody hears it, and a
    signal-to-noise ratio would say nothing of what is heard.

    Raises:
        UsageError: `count` is below 1.
    """
    if count < 1:
        raise UsageError(f"coloured_noise: count is {count}; give at least 1")
    # Even for the shortest noise there must be a bin above the lowest frequency.
    size = fast_length(max(count, round(2 * SAMPLE_RATE / _LOWEST_HZ)))
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    first = int(np.searchsorted(frequencies, _LOWEST_HZ))
    shape = (frequencies[first:] / _LOWEST_HZ) ** (-exponent / 2)
    spectrum = np.zeros(len(frequencies), np.complex64)
    spectrum.real[first:] = rng.standard_normal(len(shape), dtype=np.float32) * shape
    spectrum.imag[first:] = rng.standard_normal(len(shape), dtype=np.float32) * shape
    return _levelled(np.fft.irfft(spectrum, size)[:count])


def mix(samples: Samples, other: Samples, share: float) -> Samples:
    """Another clip in this one, both at this one's level, the other with `share` of the amplitudes.

    The other is repeated or cut to the length of this one, and the level stays: between-class learning
    (Tokozume et al., ICLR 2018, eq. 2) at equal sound pressure. A silent one of the two changes nothing.
    """
    fitted = np.resize(other, len(samples))
    here, there = _energy(samples), _energy(fitted)
    if not (share and here and there):
        return samples
    mixed = (1 - share) * samples + share * math.sqrt(here / there) * fitted
    return (mixed / math.hypot(1 - share, share)).astype(np.float32)


def babble(clips: Sequence[Samples], count: int, rng: np.random.Generator) -> Samples:
    """Several people talking at once [count]: a random part of each clip, all at one level; its RMS is 1.

    Snyder et al., ICASSP 2018 (x-vectors), take three to seven clips and add them at 13 to 20 dB. Silent
    clips say nothing; where all of them are silent, so is the babble.

    Raises:
        UsageError: there are no clips, one is empty, or `count` is below 1.
    """
    if count < 1 or not clips or not all(len(clip) for clip in clips):
        raise UsageError(f"babble: {count} samples of {len(clips)} clips; give clips that are not empty")
    voices = [_levelled(_part(clip, count, rng)) for clip in clips]
    return _levelled(np.sum(voices, axis=0))


def reverberate(samples: Samples, response: Samples) -> Samples:
    """The recording as it sounds in a room: convolved with the room's impulse response, of any length.

    The response's largest sample is taken as the direct path and put at time 0, so that nothing shifts; what
    rings on after the clip's end is left out. Length and RMS stay what they were.

    Raises:
        UsageError: the response is empty or silent.
    """
    if not response.any():
        raise UsageError("response: empty or silent; give the impulse response of a room")
    direct = int(np.abs(response).argmax())
    size = fast_length(len(samples) + len(response) - 1)
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    heard = np.fft.irfft(spectrum, size)[direct : direct + len(samples)]
    before, after = _energy(samples), _energy(heard)
    if not after:
        return samples
    return (heard * math.sqrt(before / after)).astype(np.float32)


def simulate_response(
    rng: np.random.Generator,
    *,
    rt60: tuple[float, float] = (0.2, 1.0),
    direct_db: tuple[float, float] = (0.0, 12.0),
) -> Samples:
    """The impulse response of a room that never was [RT60 * 16000], its direct path a 1 at the first sample.

    Polack's statistical model (thesis, Université du Maine, 1988): Gaussian noise under an exponential that
    falls by 60 dB within RT60. The direct path has an energy of its own, as Habets (thesis, TU Eindhoven,
    2007) generalised it, since the model alone holds only far from the speaker. In the first 50 ms a few
    reflections of either sign stand for the noise and carry its energy: there echoes are still single.

    Args:
        rng: gives the room.
        rt60: range of the reverberation time, in seconds, from 0.1.
        direct_db: range of the direct path's energy against all that follows, in dB, from 0: with less, the
            direct path might not be the largest sample.

    Raises:
        UsageError: a range starts too low.
    """
    if rt60[0] < _SHORTEST_RT60 or direct_db[0] < 0:
        raise UsageError(
            f"rt60 {rt60}, direct_db {direct_db}: start at {_SHORTEST_RT60} s or more, and at 0 dB or more"
        )
    count = round(rng.uniform(*rt60) * SAMPLE_RATE)
    ratio = rng.uniform(*direct_db)
    reflections = int(rng.integers(*_REFLECTIONS, endpoint=True))
    places = rng.choice(np.arange(_FIRST_REFLECTION, _EARLY), reflections, replace=False)
    response = np.zeros(count)
    response[places] = rng.choice([-1, 1], reflections) * math.sqrt(_EARLY / reflections)
    response[_EARLY:] = rng.standard_normal(count - _EARLY)
    response *= 10 ** (-3 / count * np.arange(count))
    response *= math.sqrt(10 ** (-ratio / 10) / _energy(response))
    response[0] = 1
    return response.astype(np.float32)


def change_speed(samples: Samples, factor: float) -> Samples:
    """Plays the recording `factor` times as fast, tempo and pitch together: round(count / factor) samples.

    Ko et al., Interspeech 2015, with factors of 0.9 and 1.1. Where speakers are learnt, a voice at another
    speed usually counts as another speaker.

    Raises:
        UsageError: `factor` is not between 0.5 and 2.
    """
    if not 1 / _FASTEST <= factor <= _FASTEST:
        raise UsageError(f"change_speed: factor is {factor}; give 0.5 to 2")
    if factor == 1:
        return samples
    changed = soxr.resample(samples, SAMPLE_RATE * factor, SAMPLE_RATE, quality="HQ")
    count = max(1, round(len(samples) / factor))
    # soxr rounds halves, and the shortest clips, its own way.
    return np.pad(changed[:count], (0, max(0, count - len(changed))))


def _part(samples: Samples, count: int, rng: np.random.Generator) -> Samples:
    if len(samples) <= count:
        return np.resize(samples, count)
    start = int(rng.integers(len(samples) - count, endpoint=True))
    return samples[start : start + count]


def _levelled(samples: NDArray[np.floating]) -> Samples:
    """At an RMS of 1; silence stays silent."""
    energy = _energy(samples)
    gain = math.sqrt(len(samples) / energy) if energy else 1.0
    return (samples * gain).astype(np.float32)


def _energy(samples: NDArray[np.floating]) -> float:
    return float(np.square(samples, dtype=np.float64).sum())


@cache
def fast_length(count: int) -> int:
    """The next length of factors 2, 3 and 5 alone: a large prime takes a transform tenfold the time."""
    odd = [3**threes * 5**fives for threes in range(5) for fives in range(4)]
    length: int = min(size << (-(-count // size) - 1).bit_length() for size in odd)
    return length
