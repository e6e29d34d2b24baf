"""The protocols: which rows of a table each fold tests, and watches where that is published or fixed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from affekt import corpora
from affekt.errors import SplitError

PROTOCOLS = ("fixed", "loso", "official", "random", "session", "speaker-kfold")

_PARTS_BY_WORD = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "devel": "validation", "development": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip

Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """What a split looks at, one entry per row; `speakers` are keys, `speaker_ids` as the table has them."""

    files: list[str]
    speakers: list[str]
    speaker_ids: list[str]
    corpora: list[str]
    genders: list[str]
    emotions: list[str]
    sessions: list[str]
    parts: list[str]
    recordings: list[str]
    contents: list[str]

    def where(self, names: list[str], chosen: Iterable[str]) -> Mask:
        """The rows whose entry in `names` is one of `chosen`."""
        wanted = set(chosen)
        return np.array([name in wanted for name in names], dtype=np.bool_)


@dataclass(frozen=True)
class Plan:
    """A fold before its validation part is chosen; `validation` is None where it is to be chosen."""

    name: str
    test: Mask
    validation: Mask | None = None


def lot(seed: int, *words: str) -> str:
    """A lot to sort by that depends on nothing but the seed and the words."""
    return hashlib.sha256("\x1f".join((str(seed), *words)).encode()).hexdigest()


def plan_folds(protocol: str, rows: Rows, count: int, validation_share: float, seed: int) -> list[Plan]:
    """The folds of a protocol of `PROTOCOLS`; the meaning of each is told by `splits.make_folds`.

    Raises:
        SplitError: the table does not allow these folds.
    """
    if protocol == "loso":
        return _loso(rows)
    if protocol == "speaker-kfold":
        return _speaker_kfold(rows, count, seed)
    if protocol == "session":
        return _session(rows)
    if protocol == "official":
        return _official(rows, watched=validation_share > 0)
    if protocol == "fixed":
        return _fixed(rows)
    return _random(rows, count, validation_share, seed)


def _loso(rows: Rows) -> list[Plan]:
    speakers = sorted(set(rows.speakers))
    if len(speakers) < 2:
        raise SplitError(f"loso needs at least two speakers, the table has one ('{speakers[0]}')")
    return [Plan(speaker, rows.where(rows.speakers, [speaker])) for speaker in speakers]


def _speaker_kfold(rows: Rows, count: int, seed: int) -> list[Plan]:
    speakers = sorted(set(rows.speakers))
    if not 2 <= count <= len(speakers):
        raise SplitError(
            f"speaker-kfold: {count} folds of {len(speakers)} speakers; use 2 to {len(speakers)}"
        )
    profiles = _profiles(rows, speakers)
    order = sorted(range(len(speakers)), key=lambda i: (-round(profiles[i].sum(), 9), lot(seed, speakers[i])))
    loads = np.zeros((count, profiles.shape[1]))
    members: list[list[str]] = [[] for _ in range(count)]
    for index in order:
        fold = int(np.argmin(np.round(loads @ profiles[index], 9)))
        loads[fold] += profiles[index]
        members[fold].append(speakers[index])
    return [Plan(str(i), rows.where(rows.speakers, group)) for i, group in enumerate(members, start=1)]


def _profiles(rows: Rows, speakers: list[str]) -> npt.NDArray[np.float64]:
    """[speakers, features]: how much of the classes, genders and speakers each makes up, 1 being the mean."""
    column = {speaker: i for i, speaker in enumerate(speakers)}
    amounts: Counter[tuple[int, tuple[str, ...]]] = Counter()
    for speaker, corpus, gender, emotion in zip(
        rows.speakers, rows.corpora, rows.genders, rows.emotions, strict=True
    ):
        index = column[speaker]
        amounts[index, ("emotion", corpus, emotion)] += 1
        amounts[index, ("gender", corpus, gender)] = 1
        amounts[index, ("speaker", corpus)] = 1
        amounts[index, ("speaker",)] = 1
    features = sorted({feature for _, feature in amounts})
    place = {feature: i for i, feature in enumerate(features)}
    matrix = np.zeros((len(speakers), len(features)))
    for (index, feature), amount in amounts.items():
        matrix[index, place[feature]] = amount
    kinds = Counter(feature[:2] for feature in features)
    weights = np.array([1 / kinds[feature[:2]] ** 0.5 for feature in features])
    weighted: npt.NDArray[np.float64] = matrix / matrix.mean(axis=0) * weights
    return weighted


def _session(rows: Rows) -> list[Plan]:
    if "" in rows.sessions:
        raise SplitError("session: some rows have no session; fill the column 'session' or use loso")
    keys = [f"{corpus}/{session}" for corpus, session in zip(rows.corpora, rows.sessions, strict=True)]
    if len(set(keys)) < 2:
        raise SplitError(f"session needs at least two sessions, the table has one ('{keys[0]}')")
    return [Plan(key, rows.where(keys, [key])) for key in sorted(set(keys))]


def _official(rows: Rows, watched: bool) -> list[Plan]:
    present = sorted(set(rows.corpora))
    if len(present) == 1 and present[0] in corpora.names() and (folds := corpora.spec(present[0]).folds):
        tested = {speaker for fold in folds for speaker in fold.test}
        if strangers := sorted(set(rows.speaker_ids) - tested):
            raise SplitError(
                f"official: speaker '{strangers[0]}' stands in no published fold of {present[0]}"
            )
        return [
            Plan(
                fold.name,
                rows.where(rows.speaker_ids, fold.test),
                rows.where(rows.speaker_ids, fold.validation if watched else ()) if fold.validation else None,
            )
            for fold in folds
        ]
    if any(rows.parts):
        return _fixed(rows)
    raise SplitError(
        f"official: {', '.join(present) or 'the table'} has no published folds; use loso or speaker-kfold"
    )


def _fixed(rows: Rows) -> list[Plan]:
    parts = [_PARTS_BY_WORD.get(word.lower(), word) for word in rows.parts]
    if strange := sorted(set(parts) - {"train", "validation", "test"}):
        raise SplitError(f"fixed: '{strange[0]}' in the column 'split'; use train, validation and test")
    if missing := [part for part in ("train", "test") if part not in parts]:
        raise SplitError(f"fixed: no '{missing[0]}' in the column 'split'")
    validation = rows.where(parts, ["validation"])
    return [Plan("fixed", rows.where(parts, ["test"]), validation if validation.any() else None)]


def _random(rows: Rows, count: int, share: float, seed: int) -> list[Plan]:
    """Recordings dealt out class by class; copies and segments of one recording stay together."""
    if not 0 <= share < 1:
        raise SplitError(f"random: validation_speakers={share}; give a share of the clips, from 0 to below 1")
    names: dict[str, str] = {}
    emotions: dict[str, str] = {}
    for content, corpus, file, emotion in zip(
        rows.contents, rows.corpora, rows.files, rows.emotions, strict=True
    ):
        names[content] = min(names.get(content, f"{corpus}/{file}"), f"{corpus}/{file}")
        emotions[content] = min(emotions.get(content, emotion), emotion)
    if not 2 <= count <= len(names):
        raise SplitError(f"random: {count} folds of {len(names)} recordings; use 2 to {len(names)}")
    order = sorted(names, key=lambda content: (emotions[content], lot(seed, names[content])))
    plans = []
    for fold in range(count):
        rest = [content for i, content in enumerate(order) if i % count != fold]
        watched = [content for i, content in enumerate(rest) if int((i + 1) * share) > int(i * share)]
        test = rows.where(rows.contents, order[fold::count])
        plans.append(Plan(str(fold + 1), test, rows.where(rows.contents, watched)))
    return plans
