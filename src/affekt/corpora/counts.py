"""How many clips of a corpus are here, and how many were published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from affekt.corpora.findings import Finding
from affekt.corpora.scan import Row
from affekt.corpora.shapes import Expected
from affekt.corpora.spec import CorpusSpec

_SHOWN_SPEAKERS = 30


def compare_counts(declared: CorpusSpec, rows: Sequence[Row]) -> Iterator[Finding]:
    """What is here of a corpus, against what was published: clips, speakers, emotions, labels, subsets."""
    caution = declared.expected.caution
    for finding in _compared(declared, rows):
        if caution and finding.code == "wrong_count":
            yield replace(finding, severity="warning", message=f"{finding.message} ({caution})")
        else:
            yield finding


def _compared(declared: CorpusSpec, rows: Sequence[Row]) -> Iterator[Finding]:
    expected = declared.expected
    clips = Counter(speaker for row in rows if (speaker := row.get("speaker")) is not None)
    if expected.splits:
        yield from _split_counts(declared, rows)
        if len(rows) == expected.clips:
            yield from _word_counts(expected, rows)
        return
    if expected.speakers is None or not clips:
        if len(rows) == expected.clips:
            yield from _word_counts(expected, rows)
        else:
            message = f"{len(rows)} clips; published are {expected.clips}"
            yield Finding("error", "wrong_count", message)
        return
    total, speakers = len(rows), len(clips)
    if total == expected.clips and speakers == expected.speakers:
        yield from _word_counts(expected, rows)
        return
    if speakers < expected.speakers:
        absent = sorted(set(declared.speakers) - set(clips))
        all_named = len(declared.speakers) == expected.speakers
        named = f": {_some(absent)}" if all_named else f" (here are {_some(sorted(clips))})"
        message = (
            f"{expected.speakers - speakers} of {expected.speakers} speakers are missing{named}; "
            f"{total} of {expected.clips} clips are here"
        )
        yield Finding("warning", "missing_speakers", message)
    else:
        message = (
            f"{total} clips of {speakers} speakers; published are {expected.clips} of {expected.speakers}"
        )
        yield Finding("error", "wrong_count", message)
    for speaker, count in sorted(clips.items()):
        published = declared.speakers[speaker].clips if speaker in declared.speakers else None
        if published not in (None, count):
            message = f"speaker {speaker}: {count} clips; published are {published}"
            concerned = tuple(str(row["file"]) for row in rows if row.get("speaker") == speaker)
            yield Finding("error", "wrong_count", message, concerned)


def _some(speakers: Sequence[str]) -> str:
    more = len(speakers) - _SHOWN_SPEAKERS
    return ", ".join(speakers[:_SHOWN_SPEAKERS]) + (f" and {more} more" if more > 0 else "")


def _word_counts(expected: Expected, rows: Sequence[Row]) -> Iterator[Finding]:
    """Of a corpus with the right number of clips: how many there are of each emotion, label and subset."""
    messages = []
    for column, published in (("emotion", expected.emotions), ("label", expected.labels)):
        counts = Counter(row.get(column) for row in rows)
        wrong = [
            f"{word} {counts[word]} (published {count})"
            for word, count in sorted(published.items())
            if counts[word] != count
        ]
        if wrong:
            messages.append(f"clips by {column} differ: {', '.join(wrong)}")
    for subset in expected.subsets:
        here = sum(all(row.get(name) in words for name, words in subset.where.items()) for row in rows)
        if here != subset.clips:
            where = ", ".join(f"{name} {' or '.join(words)}" for name, words in subset.where.items())
            messages.append(f"{where}: {here} clips; published are {subset.clips}")
    for message in messages:
        yield Finding("error", "wrong_count", message)
    if not messages:
        of_whom = f" of {expected.speakers} speakers" if expected.speakers is not None else ""
        message = f"{expected.clips} clips{of_whom}, as published"
        yield Finding("info", "complete", message)


def _split_counts(declared: CorpusSpec, rows: Sequence[Row]) -> Iterator[Finding]:
    clips = Counter(row.get("split") for row in rows)
    for name, part in declared.expected.splits.items():
        here = clips[name]
        if here > part.clips:
            yield Finding("error", "wrong_count", f"{name}: {here} clips; published are {part.clips}")
        elif 0 < here < part.clips:
            yield Finding("warning", "partial", f"{name}: {here} of {part.clips} clips are here")
