"""Tables whose words contradict what the file names of a published corpus say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from affekt.corpora.findings import Finding
from affekt.corpora.shapes import under_any_folder
from affekt.corpora.speakers import words
from affekt.corpora.spec import CorpusSpec, names, spec
from affekt.doctor.subjects import Subject, some

_SAMPLE = 50
_LEAST_MATCHING = 0.9


def examine_names(subject: Subject) -> Iterator[Finding]:
    """Emotions and speakers that are not those of the names, of a table whose files are a known corpus's."""
    stems = [str(PurePosixPath(file).with_suffix("")) for file in subject.files]
    declared = _corpus_of(stems)
    if declared is None or declared.files is None:
        return
    matcher = under_any_folder(declared.files.pattern)
    emotions, speakers = subject.emotions, words(subject.table, "speaker")
    meant = declared.emotion_words()
    wrong: dict[str, list[int]] = {"emotion": [], "speaker": []}
    told: dict[str, set[str]] = {"emotion": set(), "speaker": set()}
    for at, stem in enumerate(stems):
        match = matcher.fullmatch(stem)
        if match is None:
            continue
        groups = match.groupdict()
        emotion = meant.get(groups.get("label") or "")
        if emotion and emotions[at] and emotion != emotions[at]:
            wrong["emotion"].append(at)
            told["emotion"].add(f"{emotions[at]} where names say {emotion}")
        speaker = groups.get("speaker")
        if speaker and speakers[at] and _number(speaker) != _number(speakers[at]):
            wrong["speaker"].append(at)
            told["speaker"].add(f"{speakers[at]} where names say {speaker}")
    for column, rows in wrong.items():
        if rows:
            message = f"{len(rows)} rows: `{column}` is {some(sorted(told[column]), 4)} ({declared.title})"
            yield subject.finding(
                "error" if column == "emotion" else "warning", "name_contradicts", message, rows
            )


def _corpus_of(stems: list[str]) -> CorpusSpec | None:
    """The corpus whose names these are, where exactly one has such names."""
    sample = stems[:: max(1, len(stems) // _SAMPLE)]
    fitting = []
    for name in names():
        declared = spec(name)
        if declared.files is None or "label" not in declared.files.pattern or not declared.emotions:
            continue
        matcher = under_any_folder(declared.files.pattern)
        known = declared.emotion_words()
        hits = sum(
            (match := matcher.fullmatch(stem)) is not None and match.groupdict().get("label") in known
            for stem in sample
        )
        if hits >= _LEAST_MATCHING * len(sample):
            fitting.append(declared)
    return fitting[0] if len(fitting) == 1 else None


def _number(name: str) -> str:
    """A speaker's name as corpora's names have it: without a word before the number."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return digits.lstrip("0") or name.casefold()
