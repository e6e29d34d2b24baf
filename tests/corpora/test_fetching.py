"""Corpora from a real server: whole or not at all, taken up where they were cut; others by hand."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from affekt import corpora
from affekt.corpora.fetching import fetch_archives
from affekt.corpora.shapes import Archive
from affekt.downloads import DownloadError
from affekt.errors import CorpusError, UsageError
from affekt.files import WriteError
from tests.fixtures.file_server import serve


def zipped(*names: str) -> bytes:
    noise = np.random.default_rng(5)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in names:
            bundle.writestr(name, noise.bytes(60_000))
    return stream.getvalue()


CONTENT = zipped("Actor_01/03-01-01-01-01-01-01.wav", "Actor_02/03-01-02-01-01-01-02.wav")
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.mark.parametrize("checksum", [SHA256, MD5], ids=["sha256", "md5"])
def test_a_corpus_is_fetched_into_a_new_folder_and_nothing_else_stays(tmp_path: Path, checksum: str) -> None:
    told: list[int] = []
    with serve(CONTENT) as served:
        archive = Archive(url=served.url, size=len(CONTENT), checksum=checksum)
        count = fetch_archives([archive], tmp_path / "ravdess", tick=lambda done, _: told.append(done))
    assert count == 2
    assert told[-1] == len(CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == ["ravdess"]
    table = corpora.load(f"ravdess:{tmp_path / 'ravdess'}")
    assert table["emotion"].tolist() == ["neutral", "calm"]


def test_a_cut_download_is_taken_up_the_next_time(tmp_path: Path) -> None:
    with serve(CONTENT) as served:
        archive = Archive(url=served.url, size=len(CONTENT), checksum=SHA256)
        served.cut_after = 70_000
        with pytest.raises(DownloadError, match="404"):
            fetch_archives([archive], tmp_path / "corpus", tick=lambda *_: served.statuses.append(404))
        assert not (tmp_path / "corpus").exists()
        fetch_archives([archive], tmp_path / "corpus")
        assert served.asked == ["", "bytes=70000-", "bytes=70000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_nothing_is_asked_for_where_the_folder_is_full(tmp_path: Path) -> None:
    (tmp_path / "mine.wav").write_text("mine")
    with serve(CONTENT) as served, pytest.raises(WriteError, match="not an empty folder"):
        fetch_archives([Archive(url=served.url, size=len(CONTENT), checksum=SHA256)], tmp_path)
    assert served.asked == []


@pytest.mark.parametrize("checksum", [hashlib.sha256(b"other").hexdigest(), "0" * 32])
def test_another_file_than_the_published_one_is_refused(tmp_path: Path, checksum: str) -> None:
    kind = "SHA-256" if len(checksum) == 64 else "MD5"
    with serve(CONTENT) as served, pytest.raises(DownloadError, match=f"its {kind} is .* was promised"):
        fetch_archives([Archive(url=served.url, size=len(CONTENT), checksum=checksum)], tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_more_bytes_than_published_are_refused(tmp_path: Path) -> None:
    with serve(CONTENT) as served, pytest.raises(DownloadError, match="are expected"):
        fetch_archives([Archive(url=served.url, size=1000, checksum=SHA256)], tmp_path / "corpus")


def test_an_archive_that_leads_out_leaves_nothing_but_itself(tmp_path: Path) -> None:
    content = zipped("a.wav", "../evil.wav")
    with serve(content) as served, pytest.raises(CorpusError, match="leads out"):
        checksum = hashlib.sha256(content).hexdigest()
        fetch_archives([Archive(url=served.url, size=len(content), checksum=checksum)], tmp_path / "corpus")
    assert [path.name for path in tmp_path.iterdir()] == [".corpus.affekt-download"]


def test_a_corpus_without_an_archive_says_where_it_is_and_under_which_terms(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"sail\.usc\.edu/iemocap/, under its terms: IEMOCAP release form"):
        corpora.fetch("iemocap", tmp_path / "x")
    with pytest.raises(UsageError, match="did you mean 'ravdess'"):
        corpora.fetch("ravdes", tmp_path / "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name in corpora.names() if corpora.spec(name).archives])
def test_what_may_be_fetched_is_fetched_by_https(name: str) -> None:
    for archive in corpora.spec(name).archives:
        assert archive.url.startswith("https://")
        assert archive.size > 10**6


def test_ravdess_and_subesco_may_be_fetched() -> None:
    assert [name for name in corpora.names() if corpora.spec(name).archives] == ["ravdess", "subesco"]
