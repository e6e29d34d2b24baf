"""From a corpus's or a user's own words to canonical emotions, with nothing guessed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from affekt.errors import UsageError
from affekt.labels import EMOTIONS, canonical, nearest

_SHOWN_WORDS = 5

Labels = Mapping[str, str | None]


class EmotionMap:
    """Maps words to emotions: the user's `labels` first, then the corpus's own words, then known spellings.

    `labels` may name a word as written or a canonical emotion (`{"excitement": "happiness"}` merges two
    classes); None, there or among the corpus's own, leaves such clips without an emotion.

    Raises:
        UsageError: `labels` maps to something that is not an emotion.
    """

    def __init__(self, labels: Labels | None = None, own: Labels | None = None) -> None:
        self._labels: dict[str, str | None] = {}
        for word, target in (labels or {}).items():
            emotion = None if target is None else canonical(target)
            if target is not None and emotion is None:
                raise UsageError(
                    f"labels: '{word}' is mapped to '{target}', which is not an emotion"
                    f"{nearest(target, EMOTIONS)}"
                )
            self._labels[word.strip().casefold()] = emotion
        self._own = own

    def __call__(self, word: str) -> str | None:
        """The emotion of a word, None where it is mapped to none.

        Raises:
            KeyError: the word is unknown.
        """
        folded = word.strip().casefold()
        if folded in self._labels:
            return self._labels[folded]
        if self._own is not None:
            emotion = self._own[word]
        elif (emotion := canonical(word)) is None:
            raise KeyError(word)
        return None if emotion is None else self._labels.get(emotion, emotion)


def one_line(text: str) -> str:
    """The text with every run of white space made one space, for messages."""
    return " ".join(text.split())


def unknown_words(origin: str, words: Mapping[str, list[str]]) -> str:
    """The one-line message for words that map to no emotion; `words` holds the files of each."""
    parts = []
    for word, files in sorted(words.items())[:_SHOWN_WORDS]:
        close = difflib.get_close_matches(word.lower(), EMOTIONS, n=1)
        hint = f", near '{close[0]}'" if close else ""
        parts.append(f"'{one_line(word)}' ({len(files)} times, first {files[0]}{hint})")
    more = f" and {len(words) - _SHOWN_WORDS} more" if len(words) > _SHOWN_WORDS else ""
    return (
        f"{origin}: unknown emotion words: {', '.join(parts)}{more}; "
        f"map each with `labels` to one of {', '.join(EMOTIONS)}"
    )
