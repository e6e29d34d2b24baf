"""Every recording heard once, block by block: its measures, its simple features, its prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from affekt import audio
from affekt.audio.fingerprint import BANDS, HOP, QUIET, Fingerprinter, Prints
from affekt.errors import AudioError
from affekt.provenance import usable_cores
from affekt.sandbox.pool import Decoders

if TYPE_CHECKING:
    from pandas import DataFrame

Floats = NDArray[np.float32]

SILENT_DB = -100.0
"""The level that is told of digital silence, dBFS."""
_ENDS_DB = 35.0
_PCM = (".wav", ".aif", ".aiff", ".au")
FEATURES = 3 * BANDS + 3


@dataclass(frozen=True)
class Measures:
    """One clip or segment.

    `seconds` is its length, `level` and `peak` are dBFS, `lead` and `tail` the seconds before and after it
    comes within 35 dB of its loudest 16 ms. `rate` (Hz), `channels`, `suffix` and `width` (bytes of a sample;
    0 where it is coded) are the file's own.
    """

    seconds: float
    level: float
    peak: float
    lead: float
    tail: float
    rate: int
    channels: int
    suffix: str
    width: int


@dataclass(frozen=True)
class Heard:
    """A row of the table: its measures, simple features [FEATURES], and the decoder's warnings.

    `prints` are those of which something is heard.
    """

    measures: Measures
    features: Floats
    prints: int
    warnings: tuple[str, ...]


class Missed(NamedTuple):
    """A row that could not be decoded."""

    row: int
    error: AudioError


class Caught(NamedTuple):
    """A row that was heard, and its prints."""

    row: int
    heard: Heard
    prints: Prints


Rows = Sequence[tuple[int, float, float]]
"""Of a file: row position, start and end in seconds, NaN where the file's own are meant."""


def listen(
    table: DataFrame, positions: Sequence[int], progress: Callable[[int, int], None] | None = None
) -> Iterator[Caught | Missed]:
    """Hears the rows of a table, each file decoded once; gives them file by file, as soon as known.

    Decoding happens in processes of its own: a recording that crashes its decoder is missed, no more. The
    memory is that of a few recordings' measures, whatever their length and number. A segment of which nothing
    is there is left out.
    """
    files: dict[str, list[tuple[int, float, float]]] = {}
    for at in positions:
        row = (at, float(table["start"].iloc[at]), float(table["end"].iloc[at]))
        files.setdefault(str(table["path"].iloc[at]), []).append(row)
    threads = usable_cores()
    with Decoders(threads) as decoders, ThreadPoolExecutor(threads) as pool:
        hear = partial(_hear, decoders)
        for done, found in enumerate(_ahead(pool, hear, files), start=1):
            yield from found
            if progress is not None:
                progress(done, len(files))


def _ahead(
    pool: ThreadPoolExecutor,
    hear: Callable[[str, Rows], list[Caught | Missed]],
    files: dict[str, list[tuple[int, float, float]]],
) -> Iterator[list[Caught | Missed]]:
    waiting = iter(files.items())
    futures: list[Future[list[Caught | Missed]]] = [
        pool.submit(hear, path, rows) for path, rows in islice(waiting, 16)
    ]
    while futures:
        yield futures.pop(0).result()
        futures.extend(pool.submit(hear, path, rows) for path, rows in islice(waiting, 1))


def _hear(decoders: Decoders, path: str, rows: Rows) -> list[Caught | Missed]:
    meters = [_Meter(start, end) for _, start, end in rows]
    try:
        with decoders.stream(Path(path), limits=audio.Limits(seconds=None)) as blocks:
            at = 0
            for block in blocks:
                for meter in meters:
                    meter.add(block, at)
                at += len(block)
        warnings, rate, channels = blocks.warnings, blocks.rate, blocks.channels
        size = Path(path).stat().st_size
    except AudioError as error:
        return [Missed(row, error) for row, _, _ in rows]
    suffix = Path(path).suffix.lower()
    width = round(size / (at / audio.SAMPLE_RATE) / rate / channels) if suffix in _PCM else 0
    return [
        Caught(row, *meter.done((rate, channels, suffix, width), warnings))
        for (row, _, _), meter in zip(rows, meters, strict=True)
        if meter.samples
    ]


class _Meter:
    """Takes the blocks of a file and measures what lies between two times."""

    def __init__(self, start: float, end: float) -> None:
        self._start = 0 if np.isnan(start) else round(start * audio.SAMPLE_RATE)
        self._end = None if np.isnan(end) else round(end * audio.SAMPLE_RATE)
        self._printer = Fingerprinter()
        self._rest = np.zeros(0, np.float32)
        self._powers: list[Floats] = []
        self._peak = 0.0
        self.samples = 0

    def add(self, block: Floats, at: int) -> None:
        first = max(0, self._start - at)
        last = len(block) if self._end is None else min(len(block), self._end - at)
        if first >= last:
            return
        mine = block[first:last]
        self.samples += len(mine)
        self._peak = max(self._peak, float(np.abs(mine).max()))
        self._printer.add(mine)
        joined = np.concatenate([self._rest, mine])
        whole = len(joined) // HOP * HOP
        self._powers.append((joined[:whole].reshape(-1, HOP) ** 2).mean(axis=1))
        self._rest = joined[whole:]

    def done(self, form: tuple[int, int, str, int], warnings: tuple[str, ...]) -> tuple[Heard, Prints]:
        """The measures, and the prints; `form` is rate, channels, suffix and width."""
        if len(self._rest):
            self._powers.append(np.array([(self._rest**2).mean()], np.float32))
        powers = np.concatenate(self._powers)
        loud = np.flatnonzero(powers >= powers.max() * 10 ** (-_ENDS_DB / 10))
        hop = HOP / audio.SAMPLE_RATE
        measures = Measures(
            seconds=self.samples / audio.SAMPLE_RATE,
            level=_decibels(float(powers.mean())),
            peak=_decibels(self._peak**2),
            lead=float(loud[0]) * hop,
            tail=float(len(powers) - 1 - loud[-1]) * hop,
            rate=form[0],
            channels=form[1],
            suffix=form[2],
            width=form[3],
        )
        energies = self._printer.energies()
        prints = self._printer.prints()
        features = _features(energies, measures.seconds)
        return Heard(measures, features, int((prints != QUIET).sum()), warnings), prints


def _decibels(power: float) -> float:
    return max(SILENT_DB, 10 * float(np.log10(power + 1e-20)))


def _features(energies: Floats, seconds: float) -> Floats:
    """Of log band energies: means to the level, spreads, spreads of change; level, its spread, log length."""
    if len(energies) < 3:
        return np.zeros(FEATURES, np.float32)
    levels = energies.sum(axis=1)
    heard = energies[levels >= levels.max() * 1e-4]
    values = np.log(heard + 1e-10 * levels.max() + 1e-20)
    total = np.log(heard.sum(axis=1) + 1e-20)
    change = np.diff(values, axis=0) if len(values) > 1 else np.zeros((1, BANDS))
    tail = [total.mean(), total.std(), np.log(seconds)]
    shape = values.mean(axis=0) - total.mean()
    return np.concatenate([shape, values.std(axis=0), change.std(axis=0), tail]).astype(np.float32)
