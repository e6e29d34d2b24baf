"""Copies by sound: found in whatever coding, also in part; other takes of a sentence are not."""

from __future__ import annotations

from pathlib import Path

import _leaks
import numpy as np
import pytest

from affekt import audio, corpora
from affekt.audio.fingerprint import fingerprint
from affekt.corpora import near_copies
from affekt.corpora.near_copies import Match, Samples, Shelf, confirmed
from tests.fixtures.tiny import EXAMPLES

CLIPS = [audio.read(path) for path in sorted(EXAMPLES.glob("*.flac"))]
FOUND = sorted(set(_leaks.CHANGES) - {"speed_1.10", "noise_10db", "clipped_+26db", "segment_1s"})


def matches_of(clips: list[Samples]) -> list[Match]:
    with Shelf() as shelf:
        for clip in clips:
            shelf.add(fingerprint(clip))
        return [
            match
            for match in shelf.matches()
            if match.sure or confirmed(match, clips[match.first], clips[match.second])
        ]


@pytest.mark.parametrize("way", FOUND)
def test_a_changed_copy_is_found_and_nothing_else(way: str) -> None:
    for at, clip in enumerate(CLIPS):
        other = CLIPS[(at + 1) % len(CLIPS)]
        changed = _leaks.CHANGES[way](clip, other, at)
        pairs = {(match.first, match.second) for match in matches_of([*CLIPS, changed])}
        allowed = {(at, 4), ((at + 1) % 4, 4)} if way == "joined" else {(at, 4)}
        assert (at, 4) in pairs
        assert pairs <= allowed


def test_a_match_says_where_and_how_much() -> None:
    (match,) = matches_of([CLIPS[0], CLIPS[0][8000:24_000]])
    assert match.shift == pytest.approx(0.5, abs=0.02)
    assert match.share > 0.9
    assert 0.6 < match.seconds < 1.0
    assert match.different < 0.1


def test_another_speed_is_not_found() -> None:
    """What the method cannot do is said, and stays true of it."""
    assert matches_of([CLIPS[0], _leaks.sped(CLIPS[0], 1.1)]) == []


def test_takes_of_one_sentence_by_one_speaker_are_no_copies(data_root: Path) -> None:
    table = corpora.load(f"ravdess:{data_root / 'ravdess'}")
    own = table[table["speaker"] == "23"]
    assert matches_of([audio.read(path) for path in own["path"]]) == []


def test_the_copy_within_ravdess_is_found(data_root: Path) -> None:
    table = corpora.load(f"ravdess:{data_root / 'ravdess'}")
    own = table[table["speaker"] == "07"].reset_index(drop=True)
    (match,) = matches_of([audio.read(path) for path in own["path"]])
    names = [Path(own["file"][at]).stem for at in (match.first, match.second)]
    assert names == ["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]


def test_a_huge_corpus_is_sampled_and_whole_copies_are_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_copies, "_MOST_ENTRIES", 200)
    pairs = {(match.first, match.second) for match in matches_of([*CLIPS, *(clip * 0.3 for clip in CLIPS)])}
    assert pairs == {(at, at + 4) for at in range(4)}


def test_silence_and_nothing_match_nothing() -> None:
    assert matches_of([]) == []
    assert matches_of([np.zeros(32_000, np.float32)] * 3) == []
    assert matches_of([CLIPS[0][:6000]] * 2) == []
