"""Corpus files: what they may declare, and what the shipped ones do."""

from __future__ import annotations

import pytest

from affekt import corpora
from affekt.corpora.spec import parse
from affekt.errors import CorpusError, UsageError
from affekt.labels import EMOTIONS

MINIMAL = """
name = "tiny"
title = "Tiny"
language = "en"
citation = "Nobody 2020"
url = "https://example.org"
licence = { text = "CC0", non_commercial = false }
files = { pattern = '(?P<speaker>[a-z]+)_(?P<label>[a-z]+)' }
emotions = { mad = "anger" }
expected = { clips = 2, speakers = 1 }
"""


@pytest.mark.parametrize("name", corpora.names())
def test_a_shipped_corpus_is_named_as_its_file_and_says_who_to_cite(name: str) -> None:
    declared = corpora.spec(name)
    assert declared.name == name
    assert declared.citation
    assert declared.url.startswith("http")
    assert declared.licence.text
    assert set(declared.emotions.values()) <= set(EMOTIONS)


@pytest.mark.parametrize("name", corpora.names())
def test_declared_speakers_add_up_to_the_whole_corpus_where_all_are_declared(name: str) -> None:
    declared = corpora.spec(name)
    if len(declared.speakers) == declared.expected.speakers:
        assert sum(speaker.clips or 0 for speaker in declared.speakers.values()) == declared.expected.clips


def test_the_published_ravdess_folds_test_every_actor_once_and_watch_others() -> None:
    declared = corpora.spec("ravdess")
    tested = [actor for fold in declared.folds for actor in fold.test]
    assert sorted(tested) == [f"{number:02d}" for number in range(1, 25)]
    assert all(not set(fold.test) & set(fold.validation) for fold in declared.folds)
    assert declared.folds[0].validation == ("03", "06")


def test_odd_ravdess_actors_are_male() -> None:
    for name, speaker in corpora.spec("ravdess").speakers.items():
        assert speaker.gender == ("male" if int(name) % 2 else "female")


def test_an_unknown_corpus_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'ravdess'"):
        corpora.spec("ravdes")


def test_a_minimal_declaration_is_enough() -> None:
    assert parse(MINIMAL, "tiny.toml").emotions == {"mad": "anger"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "tiny.toml: .*titel|title"),
        ('"anger"', '"angr"', "did you mean 'anger'"),
        ('language = "en"', 'language = "English"', "language"),
        ("files = ", "file = ", "tiny.toml"),
        ("clips = 2, speakers = 1", "clips = 2, speakers = 1, emotions = { anger = 3 }", "sum to 3"),
        ("(?P<speaker>", "(?P<speaker", "pattern"),
        ('name = "tiny"', "name = ", "not valid TOML"),
    ],
)
def test_a_wrong_declaration_is_refused_by_key(old: str, new: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        parse(MINIMAL.replace(old, new), "tiny.toml")


def test_folds_may_name_only_declared_speakers() -> None:
    with pytest.raises(CorpusError, match="unknown speakers: x"):
        parse(MINIMAL + '\n[[folds]]\nname = "1"\ntest = ["x"]\n', "tiny.toml")
