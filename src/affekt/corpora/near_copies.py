"""The same audio under other bytes: another gain, rate or codec, trimmed, padded, a part of it, with noise.

Prints (`affekt.audio.fingerprint`) of all recordings are looked up in tables of some of their bits; those
that agree several times at one distance in time are compared print by print there. No two recordings are
compared without such a hint, so that the work grows with the corpus and not with its square.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from affekt.audio.fingerprint import FRAMES_PER_SECOND, HIGHEST_HZ, LOWEST_HZ, QUIET, Prints
from affekt.errors import AudioError
from affekt.geometry import SAMPLE_RATE

Ints = NDArray[np.int64]
Samples = NDArray[np.float32]

SURE_DIFFERENT = 0.18
"""Up to this share of differing bits, two recordings are taken for equal audio."""
MOST_DIFFERENT = 0.36
"""From here on for different audio; in between, their samples decide (`confirmed`)."""
LEAST_CORRELATION = 0.6
MOST_CONFIRMED = 2000
"""Pairs whose samples are compared, the most alike first; what is left is taken for different."""
LEAST_FRAMES = 24
"""Prints that two recordings must share: with the window, half a second of sound."""
_LEAST_SECONDS = 0.5
_PART_FRAMES = 64
_TABLES = 4
_KEY_BITS = (18, 26)
_MOST_ENTRIES = 8_000_000
_FILES_AT_ONCE = 512
_MOST_HITS = 48
_MOST_CANDIDATES = 24
_LEAST_VOTES = 2
_SLACK = 2


@dataclass(frozen=True)
class Match:
    """Two recordings, by number, that share audio.

    `seconds` is how much they share, `share` that as a share of what is heard in the shorter one, `shift`
    where the second begins in the first (s), and `different` the share of bits that differ. One that is not
    `sure` is to be `confirmed`.
    """

    first: int
    second: int
    seconds: float
    share: float
    shift: float
    different: float

    @property
    def sure(self) -> bool:
        """Whether the prints alone decide: no two takes of one sentence are so alike for so long."""
        return self.different <= SURE_DIFFERENT * min(1.0, self.seconds)


class Shelf:
    """Prints of many recordings, numbered as they are added, in a file without a name: 250 bytes a second."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._starts = [0]

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, prints: Prints) -> int:
        """Takes the prints of the next recording and gives its number."""
        self._file.write(prints.tobytes())
        self._starts.append(self._starts[-1] + len(prints))
        return len(self) - 1

    def matches(self) -> list[Match]:
        """Every two recordings found to share audio, the lower number first, in order."""
        if len(self) < 2 or self._starts[-1] == 0:
            return []
        self._file.flush()
        prints: Prints = np.memmap(self._file, np.uint32, "r", shape=(self._starts[-1],))
        starts = np.array(self._starts, np.int64)
        found: dict[tuple[int, int], Match] = {}
        for first, second, shift in _candidates(prints, starts):
            if (first, second) not in found:
                match = _compare(_of(prints, starts, first), _of(prints, starts, second), shift)
                if match is not None:
                    found[first, second] = Match(first, second, *match)
        return [found[pair] for pair in sorted(found)]


def _of(prints: Prints, starts: Ints, number: int) -> Prints:
    return prints[starts[number] : starts[number + 1]]


def _candidates(prints: Prints, starts: Ints) -> Iterator[tuple[int, int, int]]:
    """Pairs of recordings and a shift in frames at which their prints agree more than once."""
    generator = np.random.default_rng(0)
    # A key is to be about as rare in a small corpus as in a large one.
    size = int(np.clip(np.log2(min(len(prints), _MOST_ENTRIES)) + 2, *_KEY_BITS))
    tables = [
        _Table(prints, starts, generator.permutation(32)[:size].astype(np.uint32)) for _ in range(_TABLES)
    ]
    for begin in range(0, len(starts) - 1, _FILES_AT_ONCE):
        end = min(begin + _FILES_AT_ONCE, len(starts) - 1)
        hits = [hit for table in tables if len(hit := table.hits(begin, end))]
        if hits:
            yield from _voted(np.concatenate(hits))


class _Table:
    """Where in all recordings each key (some bits of a print, packed) occurs."""

    def __init__(self, prints: Prints, starts: Ints, bits: NDArray[np.uint32]) -> None:
        self._prints, self._starts = prints, starts
        self._mask = np.uint32(np.bitwise_or.reduce(np.uint32(1) << bits))
        share = min(1.0, _MOST_ENTRIES / max(1, len(prints)))
        self._limit = np.uint32(min(2**32 - 1, round(share * 2**32)))
        places = []
        keys = []
        for start in range(0, len(prints), 2**20):
            key, place = self._keys(start, min(start + 2**20, len(prints)))
            keys.append(key)
            places.append(place)
        everything = np.concatenate(keys)
        order = np.argsort(everything, kind="stable")
        self._sorted = everything[order]
        self._places = np.concatenate(places)[order]

    def _keys(self, start: int, stop: int) -> tuple[NDArray[np.uint32], Ints]:
        """Keys and places of what is heard; of a huge corpus, of those alone whose key draws a lot."""
        part = np.asarray(self._prints[start:stop])
        key = part & self._mask
        lot = key * np.uint32(2654435761)
        kept = np.flatnonzero((part != QUIET) & (lot <= self._limit))
        # Where a sound stands still its print does too: the first of equal prints speaks for them.
        first = np.ones(len(kept), np.bool_)
        first[1:] = (key[kept[1:]] != key[kept[:-1]]) | (np.diff(kept) > 1)
        kept = kept[first]
        return key[kept], kept + start

    def hits(self, begin: int, end: int) -> Ints:
        """First file, second file, shift [hits, 3] of keys that files begin to end share with later ones."""
        keys, places = self._keys(int(self._starts[begin]), int(self._starts[end]))
        low = np.searchsorted(self._sorted, keys, "left")
        count = np.searchsorted(self._sorted, keys, "right") - low
        # A key that is everywhere tells nothing.
        low, count, places = (part[count <= _MOST_HITS] for part in (low, count, places))
        source = np.repeat(np.arange(len(low)), count)
        within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        other = self._places[low[source] + within]
        mine = places[source]
        first = np.searchsorted(self._starts, mine, "right") - 1
        second = np.searchsorted(self._starts, other, "right") - 1
        shift = (mine - self._starts[first]) - (other - self._starts[second])
        hits: Ints = np.stack([first, second, shift], axis=1)[second > first]
        return hits


def _voted(hits: Ints) -> Iterator[tuple[int, int, int]]:
    """Of the hits of some files, the pairs and shifts with most votes, those of neighbouring shifts added."""
    both, votes = np.unique(hits, axis=0, return_counts=True)
    beside = (np.diff(both[:, :2], axis=0) == 0).all(axis=1) & (np.diff(both[:, 2]) == 1)
    total = votes.copy()
    total[1:] += np.where(beside, votes[:-1], 0)
    total[:-1] += np.where(beside, votes[1:], 0)
    kept = np.flatnonzero(total >= _LEAST_VOTES)
    kept = kept[np.lexsort((kept, -total[kept], both[kept, 0]))]
    taken: dict[int, dict[int, int]] = {}
    for row in kept.tolist():
        first, second, shift = both[row].tolist()
        others = taken.setdefault(first, {})
        if others.get(second, 0) < 3 and (second in others or len(others) < _MOST_CANDIDATES):
            others[second] = others.get(second, 0) + 1
            yield first, second, shift


def _compare(first: Prints, second: Prints, shift: int) -> tuple[float, float, float, float] | None:
    """Seconds shared, their share of the shorter, the shift (s), bits that differ; None for other audio."""
    best: tuple[float, int, int] | None = None
    for near in range(shift - _SLACK, shift + _SLACK + 1):
        start, stop = max(0, near), min(len(first), len(second) + near)
        if stop - start < LEAST_FRAMES:
            continue
        mine, other = first[start:stop], second[start - near : stop - near]
        heard = (mine != QUIET) & (other != QUIET)
        if int(heard.sum()) < LEAST_FRAMES:
            continue
        bits = np.bitwise_count(mine[heard] ^ other[heard]) / 32
        different, frames = float(bits.mean()), len(bits)
        if different > MOST_DIFFERENT and frames > _PART_FRAMES:
            sums = np.concatenate([[0.0], np.cumsum(bits)])
            part = float((sums[_PART_FRAMES:] - sums[:-_PART_FRAMES]).min()) / _PART_FRAMES
            if part <= SURE_DIFFERENT:
                different, frames = part, _PART_FRAMES
        if best is None or different < best[0]:
            best = different, frames, near
    if best is None or best[0] > MOST_DIFFERENT:
        return None
    different, frames, near = best
    shorter = min(int((first != QUIET).sum()), int((second != QUIET).sum()))
    return frames / FRAMES_PER_SECOND, min(1.0, frames / shorter), near / FRAMES_PER_SECOND, different


def settled(matches: Iterable[Match], samples: Callable[[int], Samples]) -> Iterator[Match]:
    """Of matches those that are copies: first the sure ones, then those that `samples(number)` confirm."""
    unsure = []
    for match in matches:
        if match.sure:
            yield match
        elif match.seconds >= _LEAST_SECONDS:
            unsure.append(match)
    unsure.sort(key=lambda match: match.different)
    for match in unsure[:MOST_CONFIRMED]:
        try:
            if confirmed(match, samples(match.first), samples(match.second)):
                yield match
        except AudioError:
            continue


def confirmed(match: Match, first: Samples, second: Samples) -> bool:
    """Whether the samples of two recordings, 16 kHz, follow each other where their prints are alike.

    A codec, noise or clipping leaves the wave in place; another take of the sentence does not. Correlated are
    200 to 3400 Hz, at the best of the lags within 64 ms.
    """
    shift = round(match.shift * SAMPLE_RATE)
    margin = SAMPLE_RATE // 16
    start, stop = max(0, shift), min(len(first), len(second) + shift)
    if stop - start < 4 * margin:
        return False
    mine = _voice(first[start:stop])[margin:-margin]
    other = _voice(second[start - shift : stop - shift])
    size = 1 << (len(mine) + len(other)).bit_length()
    products = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(mine, size)), size)
    sums = np.concatenate([[0.0], np.cumsum(other.astype(np.float64) ** 2)])
    energy = sums[len(mine) :] - sums[: -len(mine)]
    scale = np.sqrt(np.maximum(energy, 1e-12) * max(float(mine @ mine), 1e-12))
    return float(np.abs(products[: len(energy)] / scale).max()) >= LEAST_CORRELATION


def _voice(samples: Samples) -> Samples:
    """The samples between the lowest and the highest frequency that prints hear."""
    spectrum = np.fft.rfft(samples)
    hertz = np.arange(len(spectrum)) * SAMPLE_RATE / len(samples)
    spectrum[(hertz < LOWEST_HZ) | (hertz > HIGHEST_HZ)] = 0
    kept: Samples = np.fft.irfft(spectrum, len(samples)).astype(np.float32)
    return kept
