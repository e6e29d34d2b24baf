"""Which clips stand in which batch: a function of (seed, epoch), bounded by seconds with padding counted."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
LENGTH_JITTER = 0.1
"""Clips are sorted by length times a random factor this far from 1, so that neighbours change by epoch."""


def limited(
    rows: IntArray, corpora: IntArray, limit: int | Literal["smallest"], *, seed: int, epoch: int
) -> IntArray:
    """At most `limit` of `rows` of each corpus, drawn anew in each epoch; all of what has fewer.

    Args:
        corpora: the corpus of every clip of the table, as a number.
        limit: how many, or the number of rows of the corpus that has fewest.
    """
    rng = np.random.default_rng([seed, epoch, 3])
    rows = np.sort(rows)
    each = [rows[corpora[rows] == one] for one in np.unique(corpora[rows])]
    most = min(map(len, each)) if limit == "smallest" else limit
    return np.concatenate([rng.permutation(own)[:most] for own in each])


def plan_batches(
    seconds: NDArray[np.float64],
    rows: IntArray,
    *,
    batch_clips: int,
    batch_seconds: float,
    seed: int,
    epoch: int,
    at_least: int = 2,
) -> list[IntArray]:
    """All `rows` once, in shuffled batches of clips of like length.

    Args:
        seconds: length of every clip of the table.
        rows: the clips to use, as positions in `seconds`.
        batch_clips: most clips in a batch.
        batch_seconds: most seconds in a batch, counting each clip as long as the longest.
        at_least: fewest clips in a batch; batch statistics need two, and each process needs one.
    """
    rng = np.random.default_rng([seed, epoch, 1])
    rows = np.sort(rows)
    order = rows[np.argsort(seconds[rows] * (1 + LENGTH_JITTER * rng.random(len(rows))), kind="stable")]
    batches = _cut(order, seconds, batch_clips, batch_seconds, at_least)
    return [batches[at] for at in rng.permutation(len(batches))]


def plan_balanced(
    seconds: NDArray[np.float64],
    rows: IntArray,
    kinds: IntArray,
    *,
    batch_clips: int,
    batch_seconds: float,
    seed: int,
    epoch: int,
    at_least: int = 2,
    together: int | None = None,
) -> list[IntArray]:
    """Batches with equally many rows of each of their kinds, such as classes or corpora; P kinds x K clips.

    About as many rows as there are, the same number of each kind: of a larger kind a part, which differs
    between epochs; of a smaller one all, and some again.

    Args:
        kinds: the kind of every clip of the table.
        together: P, how many kinds stand in one batch; None: all. K follows from `batch_clips`, at least 2.
            Kinds that are left over join the other batches.
        others: as `plan_batches` takes them.
    """
    rng = np.random.default_rng([seed, epoch, 2])
    rows = np.sort(rows)
    present = np.unique(kinds[rows])
    count = max(2, round(len(rows) / len(present)))
    sorted_rows = []
    for kind in present:
        own = rows[kinds[rows] == kind]
        drawn = np.concatenate([rng.permutation(own) for _ in range(-(-count // len(own)))])[:count]
        jitter = 1 + LENGTH_JITTER * rng.random(count)
        sorted_rows.append(drawn[np.argsort(seconds[drawn] * jitter, kind="stable")])
    # Level i holds the i-th by length of each kind, and is as long as its longest.
    levels = np.stack(sorted_rows)
    size = min(together or len(present), len(present))
    least = max(2, -(-at_least // size))
    cuts = _cut(
        np.arange(count), seconds[levels].max(0), max(2, batch_clips // size), batch_seconds / size, least
    )
    batches = []
    for cut in cuts:
        sets = max(1, len(present) // size)
        batches += [
            levels[part][:, cut].ravel() for part in np.array_split(rng.permutation(len(present)), sets)
        ]
    return [batches[at] for at in rng.permutation(len(batches))]


def _cut(
    order: IntArray, seconds: NDArray[np.float64], clips: int, limit: float, at_least: int
) -> list[IntArray]:
    """Walks from long to short, so that the first clip of a batch decides its padded length."""
    order = order[::-1].copy()
    starts, longest = [0], 0.0
    for at, row in enumerate(order):
        longest = max(longest, float(seconds[row]))
        count = at - starts[-1] + 1
        if count > at_least and (count > clips or count * longest > limit):
            starts.append(at)
            longest = float(seconds[row])
    if len(starts) > 1 and len(order) - starts[-1] < at_least:
        starts.pop()
    return np.split(order, starts[1:])


def fixed_batches(seconds: NDArray[np.float64], rows: IntArray, *, batch_seconds: float) -> list[IntArray]:
    """All `rows` once, by length, for scoring: no randomness and no least size."""
    order = rows[np.argsort(seconds[rows], kind="stable")]
    return [batch for batch in _cut(order, seconds, 256, batch_seconds, 1) if len(batch)]
