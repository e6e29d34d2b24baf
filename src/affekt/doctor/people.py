"""Who speaks: unknown speakers, one person under two names, speakers that give the emotion away; balance."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator

from affekt.corpora.findings import Finding
from affekt.corpora.speakers import speaker_key, words
from affekt.doctor.subjects import Subject, some

ONE_SIDED = 3.0
"""From this ratio on, one gender or class is said to outweigh another."""
_PREFIX = re.compile(r"^(speakers?|spkr?|actors?|actress|person|subject|id|s)(?=\d)")


def examine_people(subject: Subject) -> Iterator[Finding]:
    """What the columns `speaker`, `gender` and `emotion` say about speakers and about balance."""
    yield from _unknown(subject)
    yield from _spellings(subject)
    yield from _similar(subject)
    yield from _genders(subject)
    yield from _one_emotion(subject)
    yield from _balance(subject)


def _unknown(subject: Subject) -> Iterator[Finding]:
    unknown = [at for at, speaker in enumerate(words(subject.table, "speaker")) if not speaker]
    if unknown:
        message = (
            f"{len(unknown)} rows have no speaker: folds that keep speakers apart cannot be made of them"
        )
        yield subject.finding("warning", "no_speaker", message, unknown)


def _spellings(subject: Subject) -> Iterator[Finding]:
    """Spellings that `speaker_key` takes for one person."""
    spellings: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, (key, name) in enumerate(
        zip(speaker_key(subject.table, allow_unknown=True), words(subject.table, "speaker"), strict=True)
    ):
        spellings[key][name].append(at)
    for names in spellings.values():
        if len(names) > 1:
            listed = ", ".join(sorted(names))
            rarest = [at for rows in sorted(names.values(), key=len)[:-1] for at in rows]
            message = f"speaker written in {len(names)} ways, taken for one person: {listed}"
            yield subject.finding("warning", "speaker_spelling", message, rarest)


def _similar(subject: Subject) -> Iterator[Finding]:
    """Names that differ in accents, punctuation or a word for "speaker" alone: not taken for one person."""
    alike: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    corpora = words(subject.table, "corpus")
    for at, (key, name) in enumerate(zip(subject.speakers, words(subject.table, "speaker"), strict=True)):
        if name:
            alike[corpora[at], _bare(name)][key].append(at)
    for keys in alike.values():
        if len(keys) > 1:
            message = f"names alike, taken for {len(keys)} people: {some(sorted(keys))}"
            yield subject.finding(
                "warning", "speaker_similar", message, [at for rows in keys.values() for at in rows]
            )


def _bare(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(letter for letter in plain if letter.isalnum())
    return re.sub(r"(?<!\d)0+(?=\d)", "", _PREFIX.sub("", letters))


def _genders(subject: Subject) -> Iterator[Finding]:
    genders = words(subject.table, "gender")
    told: dict[str, set[str]] = defaultdict(set)
    for key, gender in zip(subject.speakers, genders, strict=True):
        if gender:
            told[key].add(gender)
    for key, names in sorted(told.items()):
        if len(names) > 1:
            rows = [at for at, speaker in enumerate(subject.speakers) if speaker == key]
            message = f"speaker {key} is said to be {' and '.join(sorted(names))}"
            yield subject.finding("warning", "speaker_gender", message, rows)


def _one_emotion(subject: Subject) -> Iterator[Finding]:
    """Speakers with a single emotion, of two clips or more, where others have several."""
    if not subject.speakers_known:
        return
    rows: dict[str, list[int]] = defaultdict(list)
    for at in subject.labelled:
        rows[subject.speakers[at]].append(at)
    emotions = {key: {subject.emotions[at] for at in places} for key, places in rows.items()}
    single = sorted(key for key, names in emotions.items() if len(names) == 1 and len(rows[key]) > 1)
    if single and len(set().union(*emotions.values())) > 1:
        message = f"{len(single)} of {len(rows)} speakers have one emotion only: {some(single)}"
        yield subject.finding(
            "warning", "speaker_one_emotion", message, [at for key in single for at in rows[key]]
        )


def _balance(subject: Subject) -> Iterator[Finding]:
    clips = Counter(subject.emotions[at] for at in subject.labelled)
    if len(clips) > 1:
        (most, many), (least, few) = clips.most_common()[0], clips.most_common()[-1]
        if many >= ONE_SIDED * few:
            message = f"{many} clips of {most}, {few} of {least}"
            yield subject.finding("warning", "label_imbalance", message, numbers={"ratio": many / few})
    genders = words(subject.table, "gender")
    people = {key: gender for key, gender in zip(subject.speakers, genders, strict=True) if gender}
    counts = Counter(people.values())
    if subject.speakers_known and len(people) > 3:
        women, men = counts["female"], counts["male"]
        if max(women, men) >= ONE_SIDED * min(women, men):
            message = f"{women} women, {men} men"
            yield subject.finding("warning", "gender_imbalance", message)
