"""From a table to what is learnt: classes, and which of them each clip's corpus can have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from affekt import corpora
from affekt.config import TrainingCorpus
from affekt.errors import CorpusError
from affekt.labels import EMOTIONS, nearest
from affekt.recipe import Recipe
from affekt.training.batches import IntArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Targets:
    """Classes of a table's rows: `labels` in order, positions [rows], allowed [rows, classes] bool.

    `corpora` is a number for the corpus of each row [rows], `speakers` one for each speaker; None where a row
    has no speaker.
    """

    labels: tuple[str, ...]
    positions: Tensor
    allowed: Tensor
    corpora: IntArray
    speakers: IntArray | None = None


@dataclass(frozen=True)
class Taught:
    """What a teacher says of a table's rows: calibrated logits [rows, classes]; `corpora` it learnt from."""

    logits: Tensor
    corpora: tuple[TrainingCorpus, ...]


def selected(recipe: Recipe) -> pd.DataFrame:
    """The rows of the recipe's data, emotions merged and rows chosen as it says.

    Raises:
        UsageError: not a source, or `merge` names no emotion.
        CorpusError: a column of `where` is missing, or no row is left.
    """
    table = corpora.load_many(recipe.data, labels=recipe.merge or None)
    for column, values in recipe.where.items():
        if column not in table:
            raise CorpusError(f"where.{column}: the data have no such column{nearest(column, table.columns)}")
        table = table[table[column].isin(values)].reset_index(drop=True)
        if table.empty:
            raise CorpusError(f"where.{column}: no row has {' or '.join(values)}")
    return table


def labelled(table: pd.DataFrame, labels: Sequence[str] | None) -> tuple[pd.DataFrame, int]:
    """The rows whose emotion is known and among `labels` (None: any), and how many others there were.

    Raises:
        CorpusError: fewer than two emotions remain.
    """
    kept = table["emotion"].notna() if labels is None else table["emotion"].isin(labels)
    rows = table[kept].reset_index(drop=True)
    if rows["emotion"].nunique() < 2:
        raise CorpusError(
            f"the data hold {rows['emotion'].nunique()} of the emotions asked for; two are needed"
        )
    return rows, len(table) - len(rows)


def part(rows: IntArray, positions: Tensor, share: float, seed: int) -> IntArray:
    """A share of `rows`, at least one of each class; of the same seed, larger shares hold smaller ones.

    `positions` are the classes of all of a table's rows.
    """
    if share == 1:
        return rows
    order = np.random.default_rng([seed, len(rows)]).permutation(rows)
    classes = positions.numpy()[order]
    kept = [
        one[: max(1, round(share * len(one)))] for one in (order[classes == c] for c in np.unique(classes))
    ]
    return np.sort(np.concatenate(kept))


def targets(table: pd.DataFrame, labels: Sequence[str] | None) -> Targets:
    """Classes of rows that are all labelled; a class that a corpus lacks is not allowed for its clips.

    Raises:
        CorpusError: a label asked for does not occur.
    """
    present = set(table["emotion"])
    missing = sorted(set(labels or ()) - present)
    if missing:
        raise CorpusError(f"no clip is labelled {', '.join(missing)}; leave it out of `labels`")
    order = tuple(labels) if labels is not None else tuple(name for name in EMOTIONS if name in present)
    place = {name: at for at, name in enumerate(order)}
    positions = np.array([place[name] for name in table["emotion"]])
    allowed = np.zeros((len(table), len(order)), dtype=bool)
    codes = table["corpus"].factorize(use_na_sentinel=False)[0]
    for code in np.unique(codes):
        present_here = np.bincount(positions[codes == code], minlength=len(order)) > 0
        allowed[codes == code] = present_here
    return Targets(order, torch.from_numpy(positions), torch.from_numpy(allowed), codes, _speakers(table))


def _speakers(table: pd.DataFrame) -> IntArray | None:
    try:
        codes: IntArray = corpora.speaker_key(table).factorize(sort=True)[0]
    except CorpusError:
        return None
    return codes
