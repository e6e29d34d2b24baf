"""What is worth knowing of a corpus before getting it, in a few words."""

from __future__ import annotations

from typing import NamedTuple

from affekt.corpora.spec import CorpusSpec


class Overview(NamedTuple):
    """A corpus in a few words; "" where there is nothing to say."""

    name: str
    title: str
    language: str
    speakers: str
    clips: str
    caution: str
    """Why a sound copy may have other numbers."""
    emotions: str
    licence: str
    url: str
    split: str
    fetched: bool
    """Whether `affekt corpus fetch` may fetch it."""


def overview(declared: CorpusSpec) -> Overview:
    """The overview of a corpus."""
    expected = declared.expected
    languages = {speaker.language for speaker in declared.speakers.values() if speaker.language}
    return Overview(
        name=declared.name,
        title=declared.title,
        language=" ".join(sorted(languages)) or declared.language,
        speakers="" if expected.speakers is None else f"{expected.speakers:,}",
        clips=f"{expected.clips:,}",
        caution=expected.caution,
        emotions=" ".join(sorted(set(declared.emotions.values()))),
        licence=declared.licence.text + (" (non-commercial)" if declared.licence.non_commercial else ""),
        url=declared.url,
        split=_split(declared),
        fetched=bool(declared.archives),
    )


def _split(declared: CorpusSpec) -> str:
    if declared.folds:
        return f"{len(declared.folds)} folds by speaker"
    if declared.split is None:
        return ""
    return declared.split.text + ("; speaker-dependent" if declared.split.speaker_dependent else "")
