"""From names to recordings."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from affekt import AudioError, AudioNotFoundError, inputs


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    names = (
        "b.wav",
        "a/z.FLAC",
        "a/y.mp3",
        "a/deep/er/x.opus",
        "notes.txt",
        ".hidden.wav",
        ".git/x.wav",
        "a.wav",
    )
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def listed(*names: str | Path, lines: list[str] | None = None) -> list[str]:
    found = []
    for item in inputs.expand(names, lines):
        assert isinstance(item, str)
        found.append(item)
    return found


def test_a_folder_gives_its_recordings_sorted_at_any_depth(calls: Path) -> None:
    expected = ["a/deep/er/x.opus", "a/y.mp3", "a/z.FLAC", "a.wav", "b.wav"]
    assert listed(calls) == [str(calls / name) for name in expected]


def test_what_is_named_is_taken_whatever_it_is(calls: Path) -> None:
    names = [str(calls / "notes.txt"), "nowhere.wav", str(calls / ".hidden.wav"), "nowhere.wav"]
    assert listed(*names) == names


def test_a_pattern_gives_what_it_matches_sorted(calls: Path) -> None:
    assert listed(str(calls / "*.wav")) == [str(calls / "a.wav"), str(calls / "b.wav")]
    assert len(listed(str(calls / "**" / "*.*"))) == 6


def test_a_file_with_the_signs_of_a_pattern_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "call[1].wav"
    path.touch()
    assert listed(path) == [str(path)]


def test_a_dash_reads_names_line_by_line(calls: Path) -> None:
    lines = [f"{calls / 'b.wav'}\n", "\n", "a name with spaces .wav\r\n", "-\n", f"{calls / 'a'}\n"]
    assert listed("-", lines=lines)[:2] == [str(calls / "b.wav"), "a name with spaces .wav"]
    assert len(listed("-", lines=lines)) == 5


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("x.wav\ny.wav\n"))
    assert listed("-") == ["x.wav", "y.wav"]


@pytest.mark.parametrize("name", ["empty", "empty/*.wav"])
def test_what_stands_for_nothing_gives_a_reason(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (reason,) = inputs.expand([tmp_path / name])
    assert isinstance(reason, AudioNotFoundError)
    assert reason.name == str(tmp_path / name)


def test_a_folder_that_links_to_itself_ends(calls: Path) -> None:
    (calls / "again").symlink_to(calls)
    assert len(listed(calls)) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_gives_a_reason(calls: Path) -> None:
    (calls / "a").chmod(0)
    found = list(inputs.expand([calls]))
    (calls / "a").chmod(0o700)
    assert [isinstance(item, AudioError) for item in found] == [True, False, False]
