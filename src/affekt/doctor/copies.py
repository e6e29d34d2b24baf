"""The same audio under several names: equal bytes, and what is equal to the ear (`corpora.near_copies`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affekt import audio
from affekt.corpora.contents import contents_of
from affekt.corpora.findings import Finding
from affekt.corpora.near_copies import LEAST_FRAMES, Match, Shelf, settled
from affekt.corpora.speakers import words
from affekt.doctor.hearing import Heard
from affekt.doctor.subjects import Subject, some


@dataclass
class Copies:
    """What is known of equal audio.

    `originals` is for each row the first file with its bytes, `groups` the sets of rows that sound the same
    without having the same bytes, `matches` their pairs by row.
    """

    originals: list[str]
    matches: list[Match] = field(default_factory=list)
    groups: list[list[int]] = field(default_factory=list)

    def names(self) -> list[str]:
        """For each row a name that rows of the same audio share."""
        shared = {
            self.originals[at]: min(self.originals[one] for one in group)
            for group in self.groups
            for at in group
        }
        return [shared.get(original, original) for original in self.originals]


def equal_bytes(subject: Subject) -> Copies:
    """Which files hold the same bytes, links among them."""
    return Copies(contents_of(subject.paths))


def equal_sound(subject: Subject, copies: Copies, shelf: Shelf, rows: Sequence[int]) -> None:
    """Adds what sounds the same; `rows` are those whose prints are on the shelf, in its order."""
    named = []
    for match in shelf.matches():
        first, second = rows[match.first], rows[match.second]
        if copies.originals[first] != copies.originals[second]:
            named.append(replace(match, first=first, second=second))
    found = settled(named, lambda at: _samples(subject, at))
    copies.matches = sorted(found, key=lambda match: (match.first, match.second))
    copies.groups = _joined(copies.matches)


def _samples(subject: Subject, at: int) -> NDArray[np.float32]:
    row = subject.table.iloc[at]
    waveform = audio.load(Path(row["path"]), limits=audio.Limits(seconds=None))
    return audio.cut(waveform.samples, row["start"], row["end"], waveform.name)


def _joined(matches: Sequence[Match]) -> list[list[int]]:
    """Rows that are connected by matches, in groups."""
    leader: dict[int, int] = {}

    def find(row: int) -> int:
        while leader.setdefault(row, row) != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    for match in matches:
        first, second = sorted((find(match.first), find(match.second)))
        leader[second] = first
    groups: dict[int, list[int]] = defaultdict(list)
    for row in sorted(leader):
        groups[find(row)].append(row)
    return list(groups.values())


def examine_copies(subject: Subject, copies: Copies) -> Iterator[Finding]:
    """Copies as findings; an error where they are said to be two people or two emotions."""
    by_bytes: dict[str, list[int]] = defaultdict(list)
    for at, original in enumerate(copies.originals):
        by_bytes[original].append(at)
    for rows in by_bytes.values():
        names = list(dict.fromkeys(subject.files[at] for at in rows))
        if len(names) > 1:
            how = (
                "one file by links"
                if len({Path(subject.paths[at]).resolve() for at in rows}) == 1
                else "the same bytes"
            )
            yield _told(subject, "duplicate_audio", how, rows)
    for rows in copies.groups:
        pairs = [match for match in copies.matches if match.first in rows]
        least = min(pairs, key=lambda match: match.share)
        what = "the same audio, coded or processed otherwise"
        if least.share < 0.8:
            what = f"{least.seconds:.1f} s of the same audio"
        yield _told(subject, "near_copy", what, rows, max(match.different for match in pairs))


def _told(subject: Subject, code: str, how: str, rows: list[int], different: float | None = None) -> Finding:
    named = words(subject.table, "speaker")
    speakers = [key if name else "" for key, name in zip(subject.speakers, named, strict=True)]
    emotions = subject.emotions
    differ = [
        what
        for what, values in (("speakers", speakers), ("emotions", emotions))
        if len({values[at] for at in rows}) > 1
    ]
    claim = f" but of different {' and '.join(differ)}" if differ else ""
    names = list(dict.fromkeys(subject.files[at] for at in rows))
    message = f"{how} under {len(names)} names{claim}: {some(names, 3)}"
    numbers = None if different is None else {"bits_different": round(different, 4)}
    return subject.finding("error" if differ else "warning", code, message, rows, numbers)


def not_compared(subject: Subject, heard: dict[int, Heard]) -> Iterator[Finding]:
    """Clips too short, or too quiet, to be known again."""
    short = [at for at, one in heard.items() if one.prints < LEAST_FRAMES]
    if short:
        message = f"{len(short)} clips are too short or silent to be compared by sound"
        yield subject.finding("info", "not_compared", message, sorted(short))
