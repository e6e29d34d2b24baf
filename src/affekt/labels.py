"""The canonical emotion names, and how other spellings reach them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EMOTIONS: tuple[str, ...] = (
    "anger",
    "boredom",
    "calm",
    "contempt",
    "disgust",
    "excitement",
    "fear",
    "frustration",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
)

_ALIASES: dict[str, str] = {
    "angry": "anger", "ang": "anger",
    "bored": "boredom",
    "disgusted": "disgust", "dis": "disgust",
    "excited": "excitement", "exc": "excitement",
    "fearful": "fear", "fea": "fear", "anxiety": "fear",
    "frustrated": "frustration", "fru": "frustration",
    "happy": "happiness", "hap": "happiness", "joy": "happiness",
    "neu": "neutral", "neutrality": "neutral",
    "sad": "sadness",
    "surprised": "surprise", "sur": "surprise",
}  # fmt: skip


UNKNOWN = "unknown"
"""What is answered where no emotion is sure enough; never a class of a model."""

NO_SPEECH = "no_speech"
"""What stands for the emotion where nobody speaks; never a class of a model."""


def canonical(word: str) -> str | None:
    """The canonical emotion for a word in any case (`Angry` -> `anger`), or None if unknown."""
    word = word.strip().lower()
    return word if word in EMOTIONS else _ALIASES.get(word)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for an unknown word: `; did you mean 'x'?`, or the known ones where none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(names)}"
