"""The clips of a table, decoded once by the one decoder, and put into batches."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from affekt import audio
from affekt.audio.fingerprint import Prints, fingerprint
from affekt.errors import AudioError, CorpusError

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
Result = TypeVar("Result")
MEMORY_BYTES = 4 * 2**30
"""Decoded clips are kept up to this size; the rest are decoded again each time."""


class Clips:
    """Clips in the order of a table's rows.

    Attributes:
        seconds: length of each clip [clips].
        ids: a number for each clip that follows from its corpus, file and start alone [clips].
        prints: what each clip is known by again (`affekt.audio.fingerprint`), where they are asked for.
    """

    def __init__(
        self, table: pd.DataFrame, tick: Callable[[int, int], None] | None = None, *, prints: bool = False
    ) -> None:
        """Decodes every clip once; `tick(done, total)` is called as it goes.

        Raises:
            CorpusError: clips that cannot be read, all of them named in one line.
        """
        self._paths = [Path(path) for path in table["path"]]
        self._spans = list(zip(table["start"], table["end"], strict=True))
        names = zip(table["corpus"], table["file"], self._spans, strict=True)
        self.ids = [zlib.crc32(f"{corpus}/{file}/{span[0]}".encode()) for corpus, file, span in names]
        self._kept: list[NDArray[np.float32] | None] = [None] * len(table)
        self.seconds = np.zeros(len(table))
        self.prints: list[Prints] = []
        self._decode_all(tick, prints)

    def __len__(self) -> int:
        return len(self._paths)

    def samples(self, row: int) -> NDArray[np.float32]:
        """One clip's samples at 16 kHz."""
        kept = self._kept[row]
        return kept if kept is not None else self._decode(row)

    def collate(self, rows: Sequence[int] | NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Samples [batch, samples], padded with zeros, and lengths [batch]."""
        return padded([self.samples(int(row)) for row in rows])

    def _decode(self, row: int) -> NDArray[np.float32]:
        waveform = audio.load(self._paths[row], limits=audio.Limits(seconds=None))
        return audio.cut(waveform.samples, *self._spans[row], waveform.name)

    def _decode_all(self, tick: Callable[[int, int], None] | None, prints: bool) -> None:
        failures: list[str] = []
        kept_bytes = 0

        def attempt(row: int) -> tuple[NDArray[np.float32], Prints | None] | str:
            try:
                clip = self._decode(row)
                return clip, fingerprint(clip) if prints else None
            except (AudioError, CorpusError) as error:
                return str(error)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for row, made in enumerate(ahead(pool, attempt, range(len(self)), 64)):
                if isinstance(made, str):
                    failures.append(made)
                else:
                    clip, known = made
                    if known is not None:
                        self.prints.append(known)
                    self.seconds[row] = len(clip) / audio.SAMPLE_RATE
                    kept_bytes += clip.nbytes
                    if kept_bytes <= MEMORY_BYTES:
                        self._kept[row] = clip
                if tick:
                    tick(row + 1, len(self))
        if failures:
            more = f" (and {len(failures) - 5} more)" if len(failures) > 5 else ""
            raise CorpusError(f"{len(failures)} clips cannot be used: {'; '.join(failures[:5])}{more}")


def padded(clips: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """Samples [batch, samples], padded with zeros, and lengths [batch]."""
    lengths = torch.tensor([len(clip) for clip in clips])
    batch = torch.zeros(len(clips), int(lengths.max()))
    for place, clip in zip(batch, clips, strict=True):
        place[: len(clip)] = torch.from_numpy(clip)
    return batch, lengths


def prefetch(
    make: Callable[[T], tuple[Tensor, Tensor]], items: Sequence[T]
) -> Iterator[tuple[T, Tensor, Tensor]]:
    """Makes batches one thread ahead of their use, so that the network does not wait for them."""
    with ThreadPoolExecutor(1) as pool:
        for item, batch in zip(items, ahead(pool, make, items, 2), strict=True):
            yield item, *batch


def ahead(
    pool: ThreadPoolExecutor, work: Callable[[T], Result], items: Sequence[T], depth: int
) -> Iterator[Result]:
    """What `work` makes of each item, in order, at most `depth` of them ahead of their use."""
    waiting = iter(items)
    futures = [pool.submit(work, item) for item in islice(waiting, depth)]
    while futures:
        yield futures.pop(0).result()
        futures.extend(pool.submit(work, item) for item in islice(waiting, 1))
