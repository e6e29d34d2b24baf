"""Recordings in archives: read where they are, and nothing believed of what an archive says."""

from __future__ import annotations

import io
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import affekt
from affekt import Recognizer, archives, audio
from affekt.archives import reading
from affekt.errors import AudioCorruptError, AudioError, AudioNotFoundError, AudioTooLargeError
from affekt.inputs import expand
from tests.fixtures import tiny

CLIPS = {path.name: path.read_bytes() for path in sorted(tiny.EXAMPLES.glob("*.flac"))}
NAMES = [f"2021/ä b/{name}" if at % 2 else name for at, name in enumerate(CLIPS)]
Make = Callable[[Path, dict[str, bytes]], None]


def make_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)


def make_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as bundle:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            bundle.addfile(info, io.BytesIO(data))


KINDS = [("a.zip", make_zip), ("a.tar", make_tar), ("a.tar.gz", make_tar), ("A.TGZ", make_tar)]


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Recognizer:
    return Recognizer.load(tiny_model_folder, threads=1)


@pytest.mark.parametrize(("name", "make"), KINDS)
def test_recordings_in_an_archive_are_those_beside_it(
    model: Recognizer, tmp_path: Path, name: str, make: Make
) -> None:
    beside = {"._x.wav": b"", "__MACOSX/a.wav": b"x", "notes.txt": b"text", "empty/": b""}
    path = tmp_path / name
    make(path, dict(zip(NAMES, CLIPS.values(), strict=True)) | beside)
    with affekt.predict(path, model, threads=2, scores=True) as rows:
        found = list(rows)
    assert [row["file"] for row in found] == [f"{path}/{one}" for one in NAMES]
    for row, clip in zip(found, CLIPS, strict=True):
        alone = model(tiny.EXAMPLES / clip)
        assert row["emotion"] == alone.label
        assert row["confidence"] == pytest.approx(alone.confidence, abs=1e-6)
    # Also one alone, and in whatever order.
    for one, data in reversed(list(zip(NAMES, CLIPS.values(), strict=True))):
        assert np.array_equal(audio.read(f"{path}/{one}"), audio.read(data))
    assert list(tmp_path.iterdir()) == [path]


def test_many_threads_read_one_archive(tmp_path: Path) -> None:
    paths = [tmp_path / f"{at}.tar.gz" for at in range(6)]
    files = {f"{at}.bin": bytes([at]) * 1000 for at in range(20)}
    for path in paths:
        make_tar(path, files)
    wrong: list[str] = []

    def work(seed: int) -> None:
        for at in np.random.default_rng(seed).permutation(120):
            path, name = paths[at % 6], f"{at // 6}.bin"
            if reading.read(str(path), name) != files[name]:
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not wrong
    assert len(reading._Kept._kept) <= reading._MOST_OPEN + 4


def reasons(path: Path) -> dict[str, str]:
    """The last part of each name -> what stands for it: a name to score, or why not."""
    return {
        (item.name if isinstance(item, AudioError) else item).removeprefix(f"{path}/"): (
            item.problem if isinstance(item, AudioError) else "taken"
        )
        for item in expand([path])
    }


def test_what_a_zip_must_not_hold_is_a_row_each(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in ("../out.wav", "/root.wav", "C:/drive.wav", "a/../../up.wav", "in.zip", "good.wav"):
            bundle.writestr(name, CLIPS[next(iter(CLIPS))])
        bundle.writestr(link, "good.wav")
        bundle.writestr("GOOD.wav", b"")
        with bundle.open("bomb.wav", "w") as stream:
            for _ in range(80):
                stream.write(bytes(2**20))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"GOOD.wav"))
    data[at + 8] |= 1
    path.write_bytes(data)
    assert reasons(path) == {
        "../out.wav": "leads out of the folder",
        "/root.wav": "leads out of the folder",
        "C:/drive.wav": "leads out of the folder",
        "a/../../up.wav": "leads out of the folder",
        "in.zip": "an archive in an archive",
        "good.wav": "taken",
        "link.wav": "is no plain file",
        "GOOD.wav": "is encrypted",
        "bomb.wav": "grows too much when unpacked",
    }
    for name in ("bomb.wav", "link.wav", "GOOD.wav"):
        with pytest.raises(AudioError, match="make the archive again without it"):
            audio.read(f"{path}/{name}")


def test_what_a_tar_must_not_hold_is_a_row_each(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as bundle:
        for name, kind in (
            ("link.wav", tarfile.SYMTYPE), ("hard.wav", tarfile.LNKTYPE),
            ("pipe.wav", tarfile.FIFOTYPE), ("disk.wav", tarfile.BLKTYPE),
        ):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            bundle.addfile(info)
        for name in ("../out.wav", "./good.wav", "good.wav"):
            bundle.addfile(tarfile.TarInfo(name), io.BytesIO())
    told = {
        item.name.rpartition("/")[2]: item.problem for item in expand([path]) if not isinstance(item, str)
    }
    for name in ("link.wav", "hard.wav", "pipe.wav", "disk.wav"):
        assert told.pop(name) == "is no plain file"
    assert told == {"out.wav": "leads out of the folder", "good.wav": "stands twice in it"}
    assert f"{path}/good.wav" in list(expand([path]))


def test_a_packed_bomb_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGE_BYTES", 2**20)
    path = tmp_path / "a.tar.gz"
    make_tar(path, {"first.wav": CLIPS[next(iter(CLIPS))][:100], "zeros.wav": bytes(2**25), "last.wav": b"x"})
    assert path.stat().st_size * reading.MOST_TIMES_LARGER < 2**25
    *good, bad = list(expand([path]))
    assert good == [f"{path}/first.wav", f"{path}/zeros.wav"]
    assert isinstance(bad, AudioCorruptError)
    assert "holds too much" in str(bad)
    with pytest.raises(AudioCorruptError, match="holds too much"):
        reading.read(str(path), "zeros.wav")


def test_a_large_file_and_too_many_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    make_zip(path, {f"{at}.wav": b"x" * 10 for at in range(5)})
    with pytest.raises(AudioTooLargeError, match="10 bytes, over the limit of 9"):
        reading.read(str(path), "1.wav", most_bytes=9)
    monkeypatch.setattr(reading, "MOST_FILES", 3)
    assert isinstance(list(expand([path]))[-1], AudioTooLargeError)


@pytest.mark.parametrize(("name", "make"), KINDS)
def test_damage_is_a_row_and_never_a_traceback(tmp_path: Path, name: str, make: Make) -> None:
    path = tmp_path / name
    make(path, CLIPS)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for cut in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        for item in expand([path]):
            if isinstance(item, str):
                try_to_read(item)
    for _ in range(30):
        changed = bytearray(whole)
        for at in random.integers(0, len(whole), 20):
            changed[at] = random.integers(256)
        path.write_bytes(changed)
        for item in expand([path]):
            if isinstance(item, str):
                try_to_read(item)


def try_to_read(name: str) -> None:
    try:
        audio.read(name)
    except AudioError as error:
        assert "\n" not in str(error)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    make_zip(path, {"a.wav": b"x"})
    with pytest.raises(AudioNotFoundError, match="no such file in the archive"):
        audio.read(f"{path}/b.wav")
    make_zip(path, {"a.txt": b"x"})
    (item,) = expand([path])
    assert isinstance(item, AudioNotFoundError)
    assert archives.split(f"{tmp_path}/none.zip/a.wav") is None
    assert archives.split(str(path)) is None
