"""What a corpus file (`emodb.toml`, ...) declares: where clips are, what names mean, licence, counts."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

from pydantic import Field, ValidationError, model_validator

from affekt.corpora.shapes import (
    Archive,
    Declared,
    Emotion,
    Expected,
    Files,
    Index,
    LabelFiles,
    Licence,
    OfficialFold,
    OfficialSplit,
    Pattern,
    People,
    Speaker,
)
from affekt.errors import CorpusError, UsageError
from affekt.labels import nearest


class CorpusSpec(Declared):
    """A corpus, declared; `emotions` maps its own words or letters to canonical emotions.

    `no_emotion` are its words for clips without one; `words` says, by column, what its other words are called
    in the table, "" being nothing; `not_clips` are recordings that come with it and are none of its clips.
    The `language` is `mul` where clips are in several: none is told, unless by speaker. `split` is said of a
    published split that stands in the table, `folds` are published folds by speaker. `archives` are what
    `affekt corpus fetch` may fetch.
    """

    name: str
    title: str
    language: str = Field(pattern=r"^([a-z]{2}|mul)$")
    licence: Licence
    citation: str
    url: str
    files: Files | None = None
    index: tuple[Index, ...] = ()
    labels: LabelFiles | None = None
    not_clips: Pattern | None = None
    emotions: dict[str, Emotion] = Field(default_factory=dict)
    no_emotion: tuple[str, ...] = ()
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)
    speakers: dict[str, Speaker] = Field(default_factory=dict)
    people: People | None = None
    expected: Expected
    split: OfficialSplit | None = None
    folds: tuple[OfficialFold, ...] = ()
    archives: tuple[Archive, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> CorpusSpec:
        if sum(bool(way) for way in (self.files, self.index, self.labels)) != 1:
            raise ValueError("declare one of [files], [[index]] and [labels]")
        if both := sorted(set(self.emotions) & set(self.no_emotion)):
            raise ValueError(f"'{both[0]}' stands in both emotions and no_emotion")
        named = {speaker for fold in self.folds for speaker in (*fold.test, *fold.validation)}
        if unknown := sorted(named - set(self.speakers)):
            raise ValueError(f"folds name unknown speakers: {', '.join(unknown)}")
        return self

    def emotion_words(self) -> dict[str, str | None]:
        """The emotion of each of the corpus's own words, None for those that name none."""
        return {**self.emotions, **dict.fromkeys(self.no_emotion)}


def names() -> list[str]:
    """The corpora Affekt knows, in alphabetical order."""
    folder = resources.files(__package__)
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))


@functools.cache
def spec(name: str) -> CorpusSpec:
    """The declaration of a corpus.

    Raises:
        UsageError: no corpus of that name.
        CorpusError: its file does not validate.
    """
    if name not in names():
        raise UsageError(f"'{name}' is not a corpus{nearest(name, names())}")
    return parse((resources.files(__package__) / f"{name}.toml").read_text("utf-8"), f"{name}.toml")


def parse(text: str, origin: str) -> CorpusSpec:
    """A declaration from TOML; `origin` names it in errors.

    Raises:
        CorpusError: not TOML, an unknown key, or values that contradict each other.
    """
    try:
        return CorpusSpec.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CorpusError(f"{origin}: not valid TOML ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CorpusError(f"{origin}: {place or 'file'}: {first['msg']}") from error
