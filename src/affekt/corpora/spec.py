"""What a corpus file (`emodb.toml`, ...) declares: where clips are, what names mean, licence, counts."""

from __future__ import annotations

import functools
import re
import string
import tomllib
from importlib import resources
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from affekt.errors import CorpusError, UsageError
from affekt.labels import EMOTIONS, nearest

Gender = Literal["female", "male"]


def _canonical(name: str) -> str:
    if name not in EMOTIONS:
        raise ValueError(f"'{name}' is not a canonical emotion{nearest(name, EMOTIONS)}")
    return name


def _compiling(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from error
    return pattern


Emotion = Annotated[str, AfterValidator(_canonical)]
Pattern = Annotated[str, AfterValidator(_compiling)]


def under_any_folder(pattern: str) -> re.Pattern[str]:
    """A pattern for a full match of a relative path, in whatever folders it lies; group 1 are these."""
    return re.compile(r"((?:.*?/)??)" + pattern)


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(_Declared):
    """The terms a corpus is given under."""

    text: str
    non_commercial: bool


class Files(_Declared):
    """Clips whose path tells what they are: `pattern` is matched to the end of the path less its suffix.

    Groups named as table columns (`speaker`, `label`, `session`, `gender`, `split`, ...) fill these, others
    are kept as extra columns; `sentence` is looked up in the corpus's `texts`. `folder` is the name of a
    speaker's folder, as in `Actor_{speaker}`.
    """

    pattern: Pattern
    folder: str | None = None


class Index(_Declared):
    """Clips listed in a table of the corpus: `columns` maps Affekt's columns to its own.

    `audio` is the place of a clip with the index's columns in braces; its suffix does not matter.
    """

    file: str
    audio: str
    separator: str = "\t"
    columns: dict[str, str]


class LabelFiles(_Declared):
    """Clips that text files of the corpus label, a line for each.

    `files` is matched to the end of a text file's path, `line` to every line that begins with `begins`; lines
    that begin otherwise say something else. The named groups of both, in braces, make `audio`, the place of a
    clip (its suffix does not matter; it lies in the same folders as the place that `files` matches), and
    `columns`, Affekt's columns.
    """

    files: Pattern
    begins: str = ""
    line: Pattern
    audio: str
    columns: dict[str, str]

    @model_validator(mode="after")
    def _groups_are_there(self) -> LabelFiles:
        in_path, in_line = (set(re.compile(pattern).groupindex) for pattern in (self.files, self.line))
        if both := sorted(in_path & in_line):
            raise ValueError(f"the group '{both[0]}' stands in both files and line")
        for text in (self.audio, *self.columns.values()):
            for _, name, _, _ in string.Formatter().parse(text):
                if name is not None and name not in in_path | in_line:
                    raise ValueError(f"'{text}': neither files nor line has a group '{name}'")
        return self


class Speaker(_Declared):
    """One published speaker: age in years, number of clips in the whole corpus."""

    gender: Gender | None = None
    age: int | None = None
    clips: int | None = None


class Part(_Declared):
    """The published size of one subset."""

    clips: int
    speakers: int


class Subset(_Declared):
    """The published number of those clips whose columns hold one of the words in `where`."""

    where: dict[str, tuple[str, ...]]
    clips: int


class Expected(_Declared):
    """The published size of the whole corpus.

    Clips are counted by canonical name in `emotions`, by the corpus's own words in `labels`.
    """

    clips: int
    speakers: int
    emotions: dict[Emotion, int] = Field(default_factory=dict)
    labels: dict[str, int] = Field(default_factory=dict)
    splits: dict[str, Part] = Field(default_factory=dict)
    subsets: tuple[Subset, ...] = ()


class OfficialFold(_Declared):
    """One published fold: the speakers tested on, and those the training is watched on."""

    name: str
    test: tuple[str, ...]
    validation: tuple[str, ...] = ()


class CorpusSpec(_Declared):
    """A corpus, declared; `emotions` maps its own words or letters to canonical emotions.

    `no_emotion` are its words for clips without one; `words` says, by column, what its other words are called
    in the table; `not_clips` are recordings that come with it and are none of its clips. The `language` is
    `mul` where clips are in several and none is told.
    """

    name: str
    title: str
    language: str = Field(pattern=r"^([a-z]{2}|mul)$")
    licence: Licence
    citation: str
    url: str
    files: Files | None = None
    index: Index | None = None
    labels: LabelFiles | None = None
    not_clips: Pattern | None = None
    emotions: dict[str, Emotion] = Field(default_factory=dict)
    no_emotion: tuple[str, ...] = ()
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)
    speakers: dict[str, Speaker] = Field(default_factory=dict)
    expected: Expected
    folds: tuple[OfficialFold, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> CorpusSpec:
        if sum(way is not None for way in (self.files, self.index, self.labels)) != 1:
            raise ValueError("declare one of [files], [index] and [labels]")
        if both := sorted(set(self.emotions) & set(self.no_emotion)):
            raise ValueError(f"'{both[0]}' stands in both emotions and no_emotion")
        for kind, counts in (("emotions", self.expected.emotions), ("labels", self.expected.labels)):
            total = sum(counts.values())
            if total not in (0, self.expected.clips):
                raise ValueError(f"expected.{kind} sum to {total}, expected.clips is {self.expected.clips}")
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
