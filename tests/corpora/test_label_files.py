"""Corpora whose labels are lines of text files: what may be declared, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from affekt.corpora.label_files import entries_of
from affekt.corpora.shapes import LabelFiles
from affekt.corpora.spec import parse
from affekt.errors import CorpusError

DECLARED = LabelFiles(
    files=r"(?P<day>[a-z]+)/labels\.txt",
    begins="-",
    line=r"- (?P<clip>\w+): (?P<label>\w+)(?: (?P<age>\d+))?",
    audio="{day}/audio/{clip}",
    columns={"label": "{label}", "age": "{age}", "session": "day {day}"},
)


def entries(root: Path, **texts: str) -> list[tuple[str, dict[str, str | None]]]:
    files = []
    for day, text in texts.items():
        place = f"{day}/labels.txt"
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(text.encode("latin-1"))
        files.append(place)
    return list(entries_of(root, [*files, "monday/other.txt"], DECLARED))


def test_path_and_line_make_the_place_and_the_columns(tmp_path: Path) -> None:
    assert entries(tmp_path, monday="# head\n- one: sad 31\n\n- two: calm\n", friday="- one: sad\n") == [
        ("monday/audio/one", {"label": "sad", "age": "31", "session": "day monday"}),
        ("monday/audio/two", {"label": "calm", "age": None, "session": "day monday"}),
        ("friday/audio/one", {"label": "sad", "age": None, "session": "day friday"}),
    ]


def test_the_clips_lie_in_the_folders_that_the_label_file_lies_in(tmp_path: Path) -> None:
    assert [place for place, _ in entries(tmp_path, **{"a/b/monday": "- one: sad\n"})] == [
        "a/b/monday/audio/one"
    ]


def test_line_ends_byte_order_marks_and_strange_remarks_do_no_harm(tmp_path: Path) -> None:
    found = entries(tmp_path, monday="\xef\xbb\xbf- one: sad\r\nso na\xefve\r\n- two: sad  \r\n")
    assert [place for place, _ in found] == ["monday/audio/one", "monday/audio/two"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- one: sad\n- two sad\n", r"monday/labels\.txt: line 2: '- two sad' is no label"),
        ("- one: sad\n- one: calm\n", r"line 2: monday/audio/one is labelled twice"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as error:
        entries(tmp_path, monday=text)
    assert "\n" not in str(error.value)


def test_a_line_of_any_length_is_quoted_in_short(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as error:
        entries(tmp_path, monday="-" + "x " * 100_000)
    assert len(str(error.value)) < 400


def test_without_label_files_and_with_an_unreadable_one_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no label files here"):
        entries(tmp_path)
    with pytest.raises(CorpusError, match=r"friday/labels\.txt: cannot be read"):
        list(entries_of(tmp_path, ["friday/labels.txt"], DECLARED))


TINY = r"""
name = "tiny"
title = "Tiny"
language = "mul"
citation = "Nobody 2020"
url = "https://example.org"
licence = { text = "CC0", non_commercial = false }
emotions = { mad = "anger" }
no_emotion = ["odd"]
expected = { clips = 3, speakers = 1, labels = { mad = 2, odd = 1 } }

[labels]
files = '(?P<day>[a-z]+)\.txt'
line = '(?P<clip>\w+) (?P<label>\w+)'
audio = "{day}/{clip}"
columns = { label = "{label}" }
"""


def test_a_declaration_with_label_files_is_enough() -> None:
    declared = parse(TINY, "tiny.toml")
    assert declared.emotion_words() == {"mad": "anger", "odd": None}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{day}/{clip}", "{day}/{turn}", r"labels: .*'\{day\}/\{turn\}': neither files nor line .*'turn'"),
        ('label = "{label}"', 'label = "{word}"', "'word'"),
        ("{day}/{clip}", "{day/{clip}", "labels"),
        ("(?P<clip>", "(?P<day>", "'day' stands in both"),
        (r"(?P<clip>\w+)", r"(?P<clip>\w+", r"labels\.line: .*no regular expression"),
        ('no_emotion = ["odd"]', 'no_emotion = ["mad"]', "'mad' stands in both"),
        ("odd = 1 }", "odd = 2 }", r"expected\.labels sum to 4"),
        ("[labels]", "[files]\npattern = 'a'\n[labels]", "declare one of"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(old: str, new: str, message: str) -> None:
    assert TINY.count(old) == 1
    with pytest.raises(CorpusError, match=message):
        parse(TINY.replace(old, new), "tiny.toml")
