"""Folds under examination: what stands in two parts of them, and what of that is by design."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from affekt.corpora.findings import Finding, Severity
from affekt.corpora.speakers import words
from affekt.doctor.copies import Copies
from affekt.doctor.subjects import Subject, some
from affekt.errors import SplitError
from affekt.splits import Fold, make_folds
from affekt.splits.leaks import PARTS, leaks

SCRIPTED = 0.5
"""Where the sentences of a corpus are each said by this share of its speakers, they recur by design."""


def examine_folds(subject: Subject, copies: Copies, protocol: str | None) -> Iterator[Finding]:
    """What leaks over the parts of a protocol's folds, or of the column `split` where there is one."""
    if protocol is None:
        if not any(words(subject.table, "split")):
            return
        protocol = "fixed"
    try:
        folds = make_folds(
            subject.table,
            protocol,
            speaker_dependent=protocol in ("random", "fixed"),
            allow_unknown_speakers=True,
            refuse=False,
        ).folds
    except SplitError as error:
        yield subject.finding("warning", "no_folds", str(error))
        return
    meant = protocol == "random"
    audio = copies.names()
    kinds = [
        _Kind("warning" if meant else "error", "leaking_speaker", "a speaker is", subject.speakers),
        _Kind("error", "leaking_recording", "segments of a recording are", subject.paths),
        _Kind("error", "leaking_audio", "the same audio is", audio, subject.paths),
    ]
    sessions = words(subject.table, "session")
    if any(sessions) and not meant:
        corpora = words(subject.table, "corpus")
        named = [f"{corpus}/{one}" if one else "" for corpus, one in zip(corpora, sessions, strict=True)]
        kinds.append(_Kind("warning", "leaking_session", "a session is", named, subject.speakers))
    texts = [_plain(text) for text in words(subject.table, "text")]
    if any(texts):
        kinds.append(_sentences(subject, texts))
    for kind in kinds:
        yield from _told(subject, folds, kind)


class _Kind(NamedTuple):
    """A kind of leak: what each row is called that it must not share with another part.

    Rows that are the same in `apart` leak as that: two segments of one file as a recording, not as audio.
    """

    severity: Severity
    code: str
    what: str
    names: Sequence[str]
    apart: Sequence[str] | None = None
    note: str = ""


def _sentences(subject: Subject, texts: list[str]) -> _Kind:
    sayers: dict[str, set[str]] = defaultdict(set)
    for text, speaker in zip(texts, subject.speakers, strict=True):
        if text:
            sayers[text].add(speaker)
    share = median(len(who) for who in sayers.values()) / len(set(subject.speakers))
    if share >= SCRIPTED:
        note = "; by design: most speakers say every sentence"
        return _Kind("info", "leaking_sentence", "a sentence is", texts, note=note)
    return _Kind("warning", "leaking_sentence", "a sentence is", texts)


def _told(subject: Subject, folds: Sequence[Fold], kind: _Kind) -> Iterator[Finding]:
    """One finding for all folds."""
    leaking: set[str] = set()
    parts: set[tuple[str, str]] = set()
    names, apart = kind.names, kind.apart
    for fold in folds:
        for first, second, one, other in leaks((fold.train, fold.validation, fold.test), names):
            if names[one] and (apart is None or apart[one] != apart[other]):
                leaking.add(names[one])
                parts.add((first, second))
    if leaking:
        split = {
            at for fold in folds for part in (fold.train, fold.validation, fold.test) for at in part.tolist()
        }
        rows = sorted(at for at in split if names[at] in leaking)
        where = some([f"{first} and {second}" for first, second in sorted(parts, key=_order)], 3)
        times = f" ({len(leaking)} times)" if len(leaking) > 1 else ""
        of_files = kind.code in ("leaking_audio", "leaking_recording")
        example = subject.files[rows[0]] if of_files else sorted(leaking)[0]
        message = f"{kind.what} in {where}{times}, such as {example}{kind.note}"
        yield subject.finding(kind.severity, kind.code, message, rows, {"leaking": len(leaking)})


def _order(pair: tuple[str, str]) -> tuple[int, int]:
    return PARTS.index(pair[0]), PARTS.index(pair[1])


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))
