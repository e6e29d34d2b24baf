"""Zips that cannot be trusted: what leads out, links, repeats, swells or is damaged leaves nothing behind."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.corpora import archives
from affekt.corpora.archives import unpack
from affekt.errors import CorpusError
from affekt.files import WriteError

NOISE = np.random.default_rng(3).bytes(40_000)


def bundle(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members:
            zipped.writestr(name, content)
    return path


def of_kind(name: str, kind: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o777) << 16
    return member


def under(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_files_are_unpacked_into_their_folders_and_what_is_hidden_is_left_out(tmp_path: Path) -> None:
    one = bundle(
        tmp_path / "one.zip",
        ("Actor_01/", b""),
        ("Actor_01/a.wav", NOISE),
        ("SUBESCO/F_02_MONIKA_S_2_SURPRISE_3].wav", NOISE[::-1]),
        ("__MACOSX/Actor_01/._a.wav", b"x"),
        ("Actor_01/.DS_Store", b"x"),
    )
    two = bundle(tmp_path / "two.zip", ("Actor_02/Col\u0160re.wav", NOISE[:100]))
    assert unpack([one, two], tmp_path / "deep" / "corpus") == 3
    assert under(tmp_path / "deep") == {
        "corpus/Actor_01/a.wav": NOISE,
        "corpus/Actor_02/Col\u0160re.wav": NOISE[:100],
        "corpus/SUBESCO/F_02_MONIKA_S_2_SURPRISE_3].wav": NOISE[::-1],
    }


HOSTILE: dict[str, tuple[list[tuple[str | zipfile.ZipInfo, bytes]], str]] = {
    "up": ([("../evil.wav", b"x")], "leads out"),
    "up later": ([("a/../../evil.wav", b"x")], "leads out"),
    "absolute": ([("/tmp/evil.wav", b"x")], "leads out"),
    "here": ([("a/./b.wav", b"x")], "leads out"),
    "drive": ([("C:/evil.wav", b"x")], "leads out"),
    "backslash": ([("..\\evil.wav", b"x")], "leads out"),
    "empty part": ([("a//b.wav", b"x")], "leads out"),
    "line": ([("a\nb.wav", b"x")], "no name for a file"),
    "escape": ([("a\x1b[2J.wav", b"x")], "no name for a file"),
    "long": ([("a" * 300 + ".wav", b"x")], "no name for a file"),
    "deep": ([("a/" * 40 + "b.wav", b"x")], "too many folders"),
    "link": ([(of_kind("a.wav", stat.S_IFLNK), b"/etc/passwd")], "no plain file"),
    "device": ([(of_kind("a.wav", stat.S_IFCHR), b"")], "no plain file"),
    "twice": ([("a.wav", b"x"), ("A.WAV", b"y")], "stands twice"),
    "twice, letters": ([("\u00e9.wav", b"x"), ("e\u0301.wav", b"y")], "stands twice"),
    "file as folder": ([("a", b"x"), ("a/b.wav", b"y")], "a file and a folder"),
    "folder as file": ([("a/b.wav", b"y"), ("a", b"x")], "a file and a folder"),
    "swells": ([("a.wav", bytes(50_000_000))], "bytes in it, over"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_a_zip_must_not_hold_is_refused_and_nothing_is_left(tmp_path: Path, case: str) -> None:
    members, message = HOSTILE[case]
    archive = bundle(tmp_path / "c.zip", ("good.wav", NOISE), *members)
    with pytest.raises(CorpusError, match=message) as found:
        unpack([archive], tmp_path / "corpus")
    assert "\n" not in str(found.value)
    assert "\x1b" not in str(found.value)
    assert [path.name for path in tmp_path.iterdir()] == ["c.zip"]
    assert not (tmp_path.parent / "evil.wav").exists()


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    archive = bundle(tmp_path / "c.zip", *((f"{i}.wav", NOISE) for i in range(3)))
    with pytest.raises(CorpusError, match="3 files, over 2"):
        unpack([archive], tmp_path / "corpus")


def cut(data: bytes) -> bytes:
    return data[:-30]


def flipped(data: bytes) -> bytes:
    return data[:2000] + bytes([data[2000] ^ 0xFF]) + data[2001:]


def encrypted(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + b"\x01" + data[at + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped, encrypted])
def test_a_damaged_zip_leaves_nothing(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    archive = bundle(tmp_path / "c.zip", ("good.wav", NOISE), ("other.wav", NOISE[::-1]))
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(CorpusError, match=r"damaged|encrypted"):
        unpack([archive], tmp_path / "corpus")
    assert [path.name for path in tmp_path.iterdir()] == ["c.zip"]


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_no_change_of_bytes_writes_outside_or_breaks_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    archive = bundle(folder / "c.zip", ("a/good.wav", NOISE[:5000]), ("b.wav", NOISE[:4000]))
    data = bytearray(archive.read_bytes())
    for at, value in changes:
        data[-1 - at % len(data)] = value
    archive.write_bytes(bytes(data))
    try:
        unpack([archive], folder / "corpus")
    except CorpusError:
        assert [path.name for path in folder.iterdir()] == ["c.zip"]
    else:
        assert {path.name for path in folder.iterdir()} == {"c.zip", "corpus"}


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    archive = bundle(tmp_path / "c.zip", ("a.wav", NOISE))
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.wav").write_text("mine")
    with pytest.raises(WriteError, match="not an empty folder"):
        unpack([archive], full)
    assert under(full) == {"mine.wav": b"mine"}
    (tmp_path / "empty").mkdir()
    assert unpack([archive], tmp_path / "empty") == 1
