"""Reading pictures: out of folders and archives alike, whatever names and sizes claim."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from affekt import pictures
from affekt.errors import CorpusError
from affekt.pictures import PARTS, read_pictures


def encoded(seed: int, width: int = 20, height: int = 20, kind: str = "PNG", mode: str = "RGB") -> bytes:
    """A picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(content, kind)
    return content.getvalue()


NAMES = [f"{part}/{kind}/{number}.png" for part in PARTS for kind in ("cat", "dog") for number in range(3)]
FILES = {name: encoded(at) for at, name in enumerate(NAMES)}


def folder(root: Path, files: dict[str, bytes]) -> Path:
    """Writes them below `root`."""
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def archive(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    """Writes them, in reverse order, into an archive."""
    with tarfile.open(path, mode) as packed:  # type: ignore[call-overload]
        for name, data in reversed(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return path


def test_a_folder_and_its_archives_are_the_same(tmp_path: Path) -> None:
    sources = [
        folder(tmp_path / "root", FILES),
        archive(tmp_path / "a.tar.gz", {f"./deep/er/{name}": data for name, data in FILES.items()}),
        archive(tmp_path / "b.tar", FILES, "w"),
    ]
    first, *others = [read_pictures(one, 64) for one in sources]
    assert first.pixels.shape == (12, 20, 20, 3) and first.classes == ("cat", "dog")
    assert first.names == tuple(sorted(FILES)) and first.parts.count("test") == 6
    for other in others:
        assert np.array_equal(other.pixels, first.pixels)
        assert (other.names, other.ids, other.parts) == (first.names, first.ids, first.parts)
    expected = np.asarray(Image.open(io.BytesIO(FILES[first.names[5]])))
    assert np.array_equal(first.pixels[5], expected)
    assert first.classes[first.targets[5]] == "dog" and first.names[5] == "test/dog/2.png"


def test_sizes_and_kinds_may_differ(tmp_path: Path) -> None:
    files = {
        "cat/0.png": encoded(0, 40, 30),
        "cat/1.JPG": encoded(1, 100, 31, "JPEG"),
        "dog/0.png": encoded(2, 16, 16, mode="L"),
        "dog/1.png": encoded(3, 64, 64, mode="RGBA"),
    }
    found = read_pictures(folder(tmp_path / "root", files), 24)
    assert found.pixels.shape == (4, 24, 24, 3) and set(found.parts) == {""}
    assert found.pixels.std((1, 2, 3)).min() > 10
    assert read_pictures(tmp_path / "root", 64).pixels.shape[1] == 30


def test_what_is_no_picture_of_a_class_is_passed_over(tmp_path: Path) -> None:
    more = {"train/cat/notes.txt": b"x", "train/cat/.hidden.png": b"x", "readme.png": b"x"}
    assert len(read_pictures(folder(tmp_path / "root", FILES | more), 64)) == 12
    path = archive(tmp_path / "a.tar", FILES, "w")
    with tarfile.open(path, "a") as packed:
        link = tarfile.TarInfo("train/cat/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    assert len(read_pictures(path, 64)) == 12


def test_names_lead_nowhere(tmp_path: Path) -> None:
    files = {f"../../outside/{name}": data for name, data in FILES.items()}
    found = read_pictures(archive(tmp_path / "a.tar", files, "w"), 64)
    assert found.names == tuple(sorted(FILES))
    assert [one.name for one in tmp_path.iterdir()] == ["a.tar"]
    with pytest.raises(CorpusError, match="control characters"):
        read_pictures(archive(tmp_path / "b.tar", {"cat\x1b[2J/0.png": encoded(0)}, "w"), 64)


def test_bad_pictures_are_counted_and_named(tmp_path: Path) -> None:
    bad = {
        "train/cat/bad.png": b"no picture",
        "train/cat/gif.png": encoded(0, kind="GIF"),
        "train/dog/cut.jpg": encoded(1, 200, 200, "JPEG")[:3000],
    }
    with pytest.raises(CorpusError, match=r"3 pictures cannot be used: 'train/cat/bad\.png'") as caught:
        read_pictures(folder(tmp_path / "root", FILES | bad), 64)
    assert "\n" not in str(caught.value)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be very large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (11_000, 11_000), (20_000, 5_000)])
def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(CorpusError, match="1 pictures cannot be used"):
        read_pictures(folder(tmp_path / "root", FILES | {"train/cat/z.png": bomb(*size)}), 64)


def test_an_archive_that_is_cut_or_none_is_refused(tmp_path: Path) -> None:
    whole = archive(tmp_path / "a.tar.gz", FILES).read_bytes()
    for content in (whole[: len(whole) // 2], b"no archive at all", gzip.compress(b"no archive" * 200)):
        (tmp_path / "b.tar.gz").write_bytes(content)
        with pytest.raises(CorpusError, match=r"b\.tar\.gz: "):
            read_pictures(tmp_path / "b.tar.gz", 64)


def test_a_header_longer_than_any_picture_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("PaxHeader")
    member.type, member.size = tarfile.XHDTYPE, 2**34
    (tmp_path / "a.tar").write_bytes(member.tobuf() + bytes(4096))
    with pytest.raises(CorpusError, match=r"not a whole \.tar"):
        read_pictures(tmp_path / "a.tar", 64)


def test_there_is_room_for_so_many_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MEMORY_BYTES", 5 * 3 * 20 * 20)
    with pytest.raises(CorpusError, match="more than 5 pictures of 20 x 20 pixels"):
        read_pictures(folder(tmp_path / "root", FILES), 64)


def test_two_classes_are_needed(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="pictures of 1 classes"):
        read_pictures(folder(tmp_path / "root", {"cat/0.png": encoded(0), "cat/1.png": encoded(1)}), 64)
