"""Folds in which the same sound stands in two parts, found by its prints."""

from __future__ import annotations

import _leaks
import numpy as np
import pytest

from affekt.audio.fingerprint import fingerprint
from affekt.corpora.near_copies import Shelf
from affekt.errors import SplitError
from affekt.splits.leaks import refuse_copies
from tests.fixtures import toy

SPEECH = [toy.speech(), toy.speech("sadness-08a02Tb")]
CLIPS = [*SPEECH, SPEECH[0] * 0.3, _leaks.telephone(_leaks.noisy(SPEECH[1], 20, 1))]
"""Two voices, and each of them again: softer, and over a line with noise."""
FILES = ["a.wav", "b.wav", "quiet.flac", "line.ogg"]


def refused(train: list[int], validation: list[int], test: list[int], files: list[str] = FILES) -> str:
    """What is said of a fold; nothing where it is taken."""
    parts = [np.array(rows, np.int64) for rows in (train, validation, test)]
    with Shelf() as shelf:
        for clip in CLIPS:
            shelf.add(fingerprint(clip))
        matches = shelf.matches()
    assert len(matches) == 2
    try:
        refuse_copies([("one", parts)], matches, CLIPS.__getitem__, files)
    except SplitError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (([1, 2, 3], [], [0]), "'a.wav' in test and 'quiet.flac' in train sound the same for 1."),
        (([1, 3, 0], [2], []), "'a.wav' in train and 'quiet.flac' in validation"),
        (([0, 2], [1], [3]), "'b.wav' in validation and 'line.ogg' in test"),
    ],
    ids=["train and test", "train and validation", "validation and test"],
)
def test_a_copy_in_two_parts_is_refused(parts: tuple[list[int], list[int], list[int]], said: str) -> None:
    found = refused(*parts)
    assert found.startswith("fold 'one': ") and said in found and "leak_check=bytes" in found


def test_a_copy_within_a_part_or_out_of_the_fold_is_none() -> None:
    assert refused([0, 2], [], [1, 3]) == ""
    assert refused([0], [], [1]) == ""


def test_segments_of_one_recording_are_not_compared() -> None:
    assert refused([0, 1], [], [2, 3], ["one.wav"] * 4) == ""
