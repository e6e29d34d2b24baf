"""Files from the web against a real server: cut, changed, too large, not the one that was promised."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from affekt import downloads
from affekt.downloads import DownloadError
from affekt.errors import UsageError
from affekt.files import WriteError
from tests.fixtures.file_server import Served, serve

CONTENT = np.random.default_rng(1).bytes(900_000)
OTHER = np.random.default_rng(2).bytes(900_000)
LIMIT = 1_000_000
AT_ONCE = (0.01, 0.01)


@pytest.fixture
def served() -> Iterator[Served]:
    """A server with a file."""
    with serve(CONTENT) as one:
        yield one


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(
    served: Served, cache: Path, content: bytes = CONTENT, pauses_s: tuple[float, ...] = AT_ONCE
) -> Path:
    return downloads.fetch(served.url, digest(content), LIMIT, cache=cache, pauses_s=pauses_s)


def kept(cache: Path) -> set[str]:
    """The names of the files with content under the cache folder."""
    return {path.name for path in cache.rglob("*") if path.is_file() and path.name != ".lock"}


def test_a_file_is_fetched_once_and_told_of(served: Served, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = downloads.fetch(
        served.url, digest(CONTENT), LIMIT, cache=tmp_path, tick=lambda *at: told.append(at)
    )
    assert path.read_bytes() == CONTENT
    assert path.name == "weights.pt"
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert fetch(served, tmp_path) == path
    assert served.asked == [""]
    assert kept(tmp_path) == {"weights.pt", "weights.pt.seen"}


def test_a_cut_download_goes_on_where_it_ended(served: Served, tmp_path: Path) -> None:
    served.cut_after = 500_000
    assert fetch(served, tmp_path).read_bytes() == CONTENT
    assert served.asked == ["", "bytes=500000-"]


def test_it_goes_on_in_another_run(served: Served, tmp_path: Path) -> None:
    served.cut_after = 500_000
    with pytest.raises(DownloadError, match="cut after 500000 of 900000 bytes; try again later"):
        fetch(served, tmp_path, pauses_s=())
    assert kept(tmp_path) == {"weights.pt.part", "weights.pt.part.json"}
    assert fetch(served, tmp_path).read_bytes() == CONTENT
    assert served.asked == ["", "bytes=500000-"]


def test_a_server_without_ranges_starts_anew(served: Served, tmp_path: Path) -> None:
    served.cut_after, served.ranges = 500_000, False
    assert fetch(served, tmp_path).read_bytes() == CONTENT
    assert served.asked == ["", "bytes=500000-"]


def test_without_a_version_it_starts_anew(served: Served, tmp_path: Path) -> None:
    served.cut_after, served.tag = 500_000, ""
    assert fetch(served, tmp_path).read_bytes() == CONTENT
    assert served.asked == ["", ""]


@pytest.mark.parametrize("heeds", [True, False])
def test_a_file_that_changed_in_between_starts_anew(served: Served, tmp_path: Path, heeds: bool) -> None:
    served.cut_after, served.heeds_if_range = 500_000, heeds
    with pytest.raises(DownloadError):
        fetch(served, tmp_path, OTHER, pauses_s=())
    served.content, served.tag = OTHER, '"two"'
    assert fetch(served, tmp_path, OTHER).read_bytes() == OTHER


def test_a_file_that_changed_under_the_same_tag_starts_anew(served: Served, tmp_path: Path) -> None:
    served.cut_after = 500_000
    with pytest.raises(DownloadError):
        fetch(served, tmp_path, OTHER, pauses_s=())
    served.content = OTHER
    assert fetch(served, tmp_path, OTHER).read_bytes() == OTHER
    assert served.asked == ["", "bytes=500000-", ""]


def test_a_file_that_became_shorter_than_its_part_starts_anew(served: Served, tmp_path: Path) -> None:
    served.cut_after = 500_000
    short = OTHER[:400_000]
    with pytest.raises(DownloadError):
        fetch(served, tmp_path, short, pauses_s=())
    served.content = short
    assert fetch(served, tmp_path, short).read_bytes() == short


def test_of_another_checksum_nothing_is_kept(served: Served, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="was promised; nothing was kept") as found:
        fetch(served, tmp_path, OTHER)
    assert served.url in str(found.value)
    assert digest(CONTENT) in str(found.value)
    assert kept(tmp_path) == set()
    assert served.asked == [""]


@pytest.mark.parametrize("length", [True, False])
def test_too_large_a_file_is_refused_and_not_kept(served: Served, tmp_path: Path, length: bool) -> None:
    served.length = length
    with pytest.raises(DownloadError, match="at most 100000 are expected"):
        downloads.fetch(served.url, digest(CONTENT), 100_000, cache=tmp_path)
    assert kept(tmp_path) == set()


def test_a_file_without_a_length_is_taken(served: Served, tmp_path: Path) -> None:
    served.length = False
    assert fetch(served, tmp_path).read_bytes() == CONTENT


def test_what_is_not_there_is_said_at_once(served: Served, tmp_path: Path) -> None:
    served.statuses = [404]
    with pytest.raises(DownloadError, match="the server says 404 Not Found; look whether"):
        fetch(served, tmp_path)
    assert served.asked == [""]


def test_a_passing_failure_is_tried_again(served: Served, tmp_path: Path) -> None:
    served.statuses = [503, 429]
    assert fetch(served, tmp_path).read_bytes() == CONTENT
    served.statuses = [500, 500, 500]
    with pytest.raises(DownloadError, match="the server says 500 Internal Server Error; try again later"):
        fetch(served, tmp_path, OTHER)


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with serve(CONTENT) as gone:
        pass
    with pytest.raises(DownloadError, match="cannot be reached") as found:
        fetch(gone, tmp_path)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/other", "file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_it_is_not_sent_on_to_less_than_https(served: Served, tmp_path: Path, target: str) -> None:
    served.statuses, served.location = [302], target
    with pytest.raises(DownloadError, match="what is not https"):
        fetch(served, tmp_path)


@pytest.mark.parametrize(
    "url",
    ["http://example.org/a", "file:///etc/hostname", "ftp://example.org/a", "https://", "a.pt",
     "http://127.0.0.1.example.org/a", "https://example.org/\na"],
)  # fmt: skip
def test_only_https_addresses_are_taken(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an https address") as found:
        downloads.fetch(url, digest(CONTENT), LIMIT, cache=tmp_path)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("sha256", ["", "abc", digest(CONTENT).upper(), f"../../{digest(CONTENT)[6:]}"])
def test_a_checksum_is_demanded(sha256: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no SHA-256"):
        downloads.fetch("https://example.org/a", sha256, LIMIT, cache=tmp_path)


@pytest.mark.parametrize("last", ["..%2F..%2Fevil", ".hidden", "%00%0A", "a" * 400, ""])
def test_no_address_names_a_file_elsewhere(served: Served, tmp_path: Path, last: str) -> None:
    served.url = f"{served.url.rpartition('/')[0]}/{last}"
    path = fetch(served, tmp_path)
    assert path.parent == tmp_path / "downloads" / digest(CONTENT)
    assert path.read_bytes() == CONTENT


def test_a_kept_file_that_was_changed_is_fetched_again(served: Served, tmp_path: Path) -> None:
    path = fetch(served, tmp_path)
    path.write_bytes(OTHER)
    assert fetch(served, tmp_path).read_bytes() == CONTENT
    assert len(served.asked) == 2


def test_a_kept_file_that_was_only_touched_is_read_and_not_fetched(served: Served, tmp_path: Path) -> None:
    path = fetch(served, tmp_path)
    path.touch()
    fetch(served, tmp_path)
    assert len(served.asked) == 1


def test_two_processes_fetch_it_once(served: Served, tmp_path: Path) -> None:
    program = "import sys; from affekt.downloads import fetch; print(fetch(*sys.argv[1:3], int(sys.argv[3])))"
    command = [sys.executable, "-c", program, served.url, digest(CONTENT), str(LIMIT)]
    both = [
        subprocess.Popen(command, env={"AFFEKT_CACHE": str(tmp_path)}, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {one.communicate()[0].strip() for one in both}
    assert [one.returncode for one in both] == [0, 0]
    (path,) = said
    assert Path(path).read_bytes() == CONTENT
    assert served.asked == [""]


def test_a_cache_that_cannot_be_one_is_named(served: Served, tmp_path: Path) -> None:
    (tmp_path / "downloads").write_text("in the way")
    with pytest.raises(WriteError, match=str(tmp_path)):
        fetch(served, tmp_path)


def test_the_cache_is_where_the_platform_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AFFEKT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert downloads.cache_folder() == tmp_path / ".cache" / "affekt"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert downloads.cache_folder() == tmp_path / ".cache" / "affekt"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert downloads.cache_folder() == tmp_path / "xdg" / "affekt"
    monkeypatch.setenv("AFFEKT_CACHE", str(tmp_path / "own"))
    assert downloads.cache_folder() == tmp_path / "own"
