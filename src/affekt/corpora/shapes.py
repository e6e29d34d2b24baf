"""The parts of a corpus file: licence, where clips are and what their names mean, who speaks, how many."""

from __future__ import annotations

import re
import string
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

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
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


def under_any_folder(pattern: str) -> re.Pattern[str]:
    """A pattern for a full match of a relative path, in whatever folders it lies; group 1 are these."""
    return re.compile(r"((?:.*?/)??)" + pattern)


class Declared(BaseModel):
    """What every part of a corpus file is: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Licence(Declared):
    """The terms a corpus is given under."""

    text: str
    non_commercial: bool


class Files(Declared):
    """Clips whose path tells what they are: `pattern` is matched to the end of the path less its suffix.

    Groups named as table columns (`speaker`, `label`, `session`, `gender`, `split`, ...) fill these, others
    are kept as extra columns; `sentence` is looked up in the corpus's `texts`. `folder` is the name of a
    speaker's folder, as in `Actor_{speaker}`.
    """

    pattern: Pattern
    folder: str | None = None


class Index(Declared):
    """Clips listed in a table of the corpus: `columns` maps Affekt's columns to its own.

    `file` is the end of the table's path, in whatever folder it lies. `audio` is the end of a clip's path,
    with the table's columns in braces, folders in their values left out; its suffix does not matter. `always`
    are Affekt's columns that hold the same for all of its clips, `lost` the places that are listed and were
    never given out; `lists_more` where there are many of these.

    With `ratings`, a row is one rater's, and a clip has several, in one such table or more: `ratings` maps
    the corpus's words to columns of numbers. The words become columns of means over raters; the highest mean
    is the clip's label, if it is above 0 and no other is as high.
    """

    file: str
    audio: str
    separator: str = "\t"
    columns: dict[str, str]
    always: dict[str, str] = Field(default_factory=dict)
    lost: tuple[str, ...] = ()
    lists_more: bool = False
    ratings: dict[str, str] = Field(default_factory=dict)


class LabelFiles(Declared):
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


class People(Declared):
    """A table of the corpus about its speakers, read where it is there: `columns` maps Affekt's to its own.

    `file` is the end of its path; `speaker` the column that names them as the table of clips does.
    """

    file: str
    speaker: str
    separator: str = ","
    columns: dict[str, str]


class Speaker(Declared):
    """One published speaker: age in years, clips in the whole corpus, language where it has several."""

    gender: Gender | None = None
    age: int | None = None
    clips: int | None = None
    language: Language | None = None


class Part(Declared):
    """The published size of one subset; None where its speakers were not counted."""

    clips: int
    speakers: int | None = None


class Subset(Declared):
    """The published number of those clips whose columns hold one of the words in `where`."""

    where: dict[str, tuple[str, ...]]
    clips: int


class Expected(Declared):
    """The published size of the whole corpus; None where a number was not published.

    Clips are counted by canonical name in `emotions`, by the corpus's own words in `labels`. `caution` says
    why a sound copy may have other counts, which then is a warning and no error.
    """

    clips: int
    speakers: int | None = None
    emotions: dict[Emotion, int] = Field(default_factory=dict)
    labels: dict[str, int] = Field(default_factory=dict)
    splits: dict[str, Part] = Field(default_factory=dict)
    subsets: tuple[Subset, ...] = ()
    caution: str = ""

    @model_validator(mode="after")
    def _sums(self) -> Expected:
        parts = {name: part.clips for name, part in self.splits.items()}
        counted = (("emotions", self.emotions), ("labels", self.labels), ("splits", parts))
        for kind, counts in counted:
            total = sum(counts.values())
            if total not in (0, self.clips):
                raise ValueError(f"expected.{kind} sum to {total}, expected.clips is {self.clips}")
        return self


class OfficialFold(Declared):
    """One published fold: the speakers tested on, and those the training is watched on."""

    name: str
    test: tuple[str, ...]
    validation: tuple[str, ...] = ()


class OfficialSplit(Declared):
    """A published split, as the table's column `split` tells it; `speaker_dependent` where speakers recur."""

    text: str
    speaker_dependent: bool


class Archive(Declared):
    """A zip of the corpus that may be fetched: its size in bytes and its publisher's checksum."""

    url: str
    size: int = Field(gt=0)
    checksum: str = Field(pattern=r"^([0-9a-f]{64}|[0-9a-f]{32})$")
