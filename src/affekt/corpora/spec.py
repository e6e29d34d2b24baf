"""What a corpus file (`emodb.toml`, ...) declares: where clips are, what names mean, licence, counts."""

from __future__ import annotations

import functools
import re
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


Emotion = Annotated[str, AfterValidator(_canonical)]


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

    pattern: str
    folder: str | None = None

    @model_validator(mode="after")
    def _compiles(self) -> Files:
        self.matcher()
        return self

    def matcher(self) -> re.Pattern[str]:
        """The compiled pattern, for a full match of a relative path without suffix."""
        return re.compile(r"(?:.*?/)??" + self.pattern)


class Index(_Declared):
    """Clips listed in a table of the corpus: `columns` maps Affekt's columns to its own.

    `audio` is the place of a clip with the index's columns in braces; its suffix does not matter.
    """

    file: str
    audio: str
    separator: str = "\t"
    columns: dict[str, str]


class Speaker(_Declared):
    """One published speaker: age in years, number of clips in the whole corpus."""

    gender: Gender | None = None
    age: int | None = None
    clips: int | None = None


class Part(_Declared):
    """The published size of one subset."""

    clips: int
    speakers: int


class Expected(_Declared):
    """The published size of the whole corpus; `emotions` by canonical name, `splits` by subset."""

    clips: int
    speakers: int
    emotions: dict[Emotion, int] = Field(default_factory=dict)
    splits: dict[str, Part] = Field(default_factory=dict)


class OfficialFold(_Declared):
    """One published fold: the speakers tested on, and those the training is watched on."""

    name: str
    test: tuple[str, ...]
    validation: tuple[str, ...] = ()


class CorpusSpec(_Declared):
    """A corpus, declared; `emotions` maps its own words or letters to canonical emotions."""

    name: str
    title: str
    language: str = Field(pattern=r"^[a-z]{2}$")
    licence: Licence
    citation: str
    url: str
    files: Files | None = None
    index: Index | None = None
    emotions: dict[str, Emotion] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)
    speakers: dict[str, Speaker] = Field(default_factory=dict)
    expected: Expected
    folds: tuple[OfficialFold, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> CorpusSpec:
        if (self.files is None) == (self.index is None):
            raise ValueError("declare either [files] or [index]")
        total = sum(self.expected.emotions.values())
        if total not in (0, self.expected.clips):
            raise ValueError(f"expected.emotions sum to {total}, expected.clips is {self.expected.clips}")
        named = {speaker for fold in self.folds for speaker in (*fold.test, *fold.validation)}
        if unknown := sorted(named - set(self.speakers)):
            raise ValueError(f"folds name unknown speakers: {', '.join(unknown)}")
        return self


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
    except re.error as error:
        raise CorpusError(f"{origin}: files.pattern: {error}") from error
