"""Folds: which clips are trained on, watched and tested, by named protocols that keep speakers apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from affekt import corpora
from affekt.corpora.contents import contents_of
from affekt.corpora.speakers import words
from affekt.errors import CorpusError, SplitError, UsageError
from affekt.labels import nearest
from affekt.splits.leaks import IntArray, recordings_of, refuse_leaks
from affekt.splits.protocols import PROTOCOLS, Mask, Plan, Rows, lot, plan_folds

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fold:
    """Row positions of one fold's parts, ascending."""

    name: str
    train: IntArray
    validation: IntArray
    test: IntArray


@dataclass(frozen=True)
class Folds:
    """The folds of a protocol; `speaker_dependent` where a speaker may be trained on and tested."""

    protocol: str
    speaker_dependent: bool
    folds: tuple[Fold, ...]

    @property
    def title(self) -> str:
        """The protocol as it must be printed beside every figure."""
        return f"{self.protocol} (speaker-dependent)" if self.speaker_dependent else self.protocol


def make_folds(
    table: pd.DataFrame,
    protocol: str,
    *,
    count: int = 5,
    validation_speakers: float = 0.2,
    seed: int = 0,
    speaker_dependent: bool = False,
    allow_unknown_speakers: bool = False,
    refuse: bool = True,
) -> Folds:
    """Folds of a table; the same speakers land in the same parts whatever the order of its rows.

    Args:
        table: as `corpora.load` gives it.
        protocol: `loso` leaves one speaker out at a time; `speaker-kfold` puts the speakers into `count`
            groups of like size, classes and genders; `session` leaves one session out; `official` takes
            the corpus's published folds; `fixed` takes the column `split` (train, validation, test);
            `random` mixes speakers and must be asked for with `speaker_dependent`.
        count: the number of folds of `speaker-kfold` and `random`.
        validation_speakers: how many of the speakers left for training the training is watched on: a share
            below 1, or a number; 0 for none. For `random`, a share of the clips. Folds that come with
            validation speakers keep theirs, except that 0 gives published ones back to training.
        seed: chooses validation speakers and breaks ties.
        speaker_dependent: lets a speaker stand in several parts of `fixed` and `random`.
        allow_unknown_speakers: takes every file without a speaker for a speaker of its own.
        refuse: whether folds that leak are refused; a check wants to see them.

    Raises:
        UsageError: no such protocol.
        SplitError: the table does not allow these folds, or they would leak.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(f"'{protocol}' is not a protocol{nearest(protocol, PROTOCOLS)}")
    dependent = speaker_dependent and protocol in ("fixed", "random")
    if protocol == "random" and not dependent:
        raise SplitError(
            "random folds train and test on the same speakers; pass --speaker-dependent "
            "(speaker_dependent=True) if that is meant, or use loso or speaker-kfold"
        )
    rows = _read(table, allow_unknown_speakers or dependent)
    plans = plan_folds(protocol, rows, count, validation_speakers, seed)
    if empty := [plan.name for plan in plans if not plan.test.any()]:
        raise SplitError(f"{protocol}: fold '{empty[0]}' has no clips to test; use another protocol")
    folds = tuple(_finish(rows, plan, validation_speakers, seed) for plan in plans)
    for fold in folds if refuse else ():
        _refuse(rows, fold, dependent)
    return Folds(protocol, dependent, folds)


def train_validation(
    table: pd.DataFrame,
    validation_speakers: float = 0.2,
    seed: int = 0,
    *,
    allow_unknown_speakers: bool = False,
) -> Fold:
    """One fold without a test part, for a model that is to learn from all of a table.

    Raises:
        SplitError: speakers are unknown, too few, or would leak.
    """
    rows = _read(table, allow_unknown_speakers)
    fold = _finish(rows, Plan("all", np.zeros(len(table), dtype=np.bool_)), validation_speakers, seed)
    _refuse(rows, fold, speaker_dependent=False)
    return fold


def check_leaks(
    table: pd.DataFrame,
    fold: Fold,
    *,
    speaker_dependent: bool = False,
    allow_unknown_speakers: bool = False,
) -> None:
    """Refuses a fold in which a speaker, a recording, or equal audio under two names is in two parts.

    Raises:
        SplitError: with the name of what leaks.
    """
    _refuse(_read(table, allow_unknown_speakers or speaker_dependent), fold, speaker_dependent)


def _read(table: pd.DataFrame, allow_unknown: bool) -> Rows:
    if len(table) == 0:
        raise SplitError("the table has no rows; nothing can be split")
    try:
        speakers = corpora.speaker_key(table, allow_unknown=allow_unknown).tolist()
    except CorpusError as error:
        raise SplitError(str(error)) from error
    recordings = recordings_of(table)
    return Rows(
        files=words(table, "file"),
        speakers=speakers,
        speaker_ids=words(table, "speaker"),
        corpora=words(table, "corpus"),
        genders=words(table, "gender"),
        emotions=words(table, "emotion"),
        sessions=words(table, "session"),
        parts=words(table, "split"),
        recordings=recordings,
        contents=contents_of(recordings),
    )


def _refuse(rows: Rows, fold: Fold, speaker_dependent: bool) -> None:
    refuse_leaks(
        fold.name,
        (fold.train, fold.validation, fold.test),
        speakers=None if speaker_dependent else rows.speakers,
        recordings=rows.recordings,
        contents=rows.contents,
    )


def _finish(rows: Rows, plan: Plan, validation_speakers: float, seed: int) -> Fold:
    validation = plan.validation
    if validation is None:
        validation = _choose_validation(rows, plan, validation_speakers, seed)
    train = ~plan.test & ~validation
    if not train.any():
        raise SplitError(
            f"fold '{plan.name}': no clips are left to train on; use more speakers or fewer folds"
        )
    return Fold(plan.name, *(np.flatnonzero(mask) for mask in (train, validation, plan.test)))


def _choose_validation(rows: Rows, plan: Plan, share: float, seed: int) -> Mask:
    """Speakers by lot, in proportion to the corpora and genders of those that remain."""
    strata: dict[tuple[str, str], set[str]] = defaultdict(set)
    for position in np.flatnonzero(~plan.test).tolist():
        strata[rows.corpora[position], rows.genders[position]].add(rows.speakers[position])
    total = len({speaker for group in strata.values() for speaker in group})
    wanted = _validation_count(share, total)
    if wanted >= total > 0 and wanted > 0:
        raise SplitError(
            f"fold '{plan.name}': {wanted} validation speakers of the {total} left leave none to train on; "
            f"use fewer, or validation_speakers=0"
        )
    queues = {
        stratum: sorted(group, key=lambda name: lot(seed, plan.name, name))
        for stratum, group in strata.items()
    }
    chosen: set[str] = set()
    taken: Counter[tuple[str, str]] = Counter()
    while len(chosen) < wanted:
        stratum = min(
            (stratum for stratum in queues if taken[stratum] < len(queues[stratum])),
            key=lambda s: ((taken[s] + 0.5) / len(queues[s]), lot(seed, plan.name, queues[s][taken[s]])),
        )
        chosen.add(queues[stratum][taken[stratum]])
        taken[stratum] += 1
    return ~plan.test & rows.where(rows.speakers, chosen)


def _validation_count(share: float, total: int) -> int:
    if share < 0 or (share >= 1 and share != int(share)):
        raise SplitError(f"validation_speakers={share}: give a share from 0 to 1, or a whole number")
    if share == 0:
        return 0
    return int(share) if share >= 1 else max(1, round(share * total))
