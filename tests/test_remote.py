"""Recordings at addresses: in memory, as files, and in a bucket of a real S3 server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

import affekt
from affekt import MissingExtraError, Recognizer
from affekt.errors import AudioError, AudioFormatError, AudioNotFoundError
from affekt.inputs import expand
from tests.fixtures import tiny

CLIPS = sorted(tiny.EXAMPLES.glob("*.flac"))


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Recognizer:
    return Recognizer.load(tiny_model_folder, threads=1)


@pytest.fixture
def memory() -> Iterator[str]:
    """A folder in memory with the clips, one deeper, one hidden, and a text."""
    system = fsspec.filesystem("memory")
    for at, clip in enumerate(CLIPS):
        system.pipe(f"/calls/{'deep/' if at % 2 else ''}{clip.name}", clip.read_bytes())
    system.pipe("/calls/.hidden.wav", b"x")
    system.pipe("/calls/notes.txt", b"x")
    yield "memory://calls"
    system.rm("/calls", recursive=True)


def check(rows: list[dict[str, object]], model: Recognizer) -> None:
    assert len(rows) == len(CLIPS)
    for row in rows:
        alone = model(tiny.EXAMPLES / str(row["file"]).rpartition("/")[2])
        assert row["emotion"] == alone.label
        assert row["confidence"] == pytest.approx(alone.confidence, abs=1e-6)


def test_a_folder_a_pattern_and_a_file_in_memory(model: Recognizer, memory: str) -> None:
    with affekt.predict(memory, model, threads=2) as rows:
        check(list(rows), model)
    (found,) = expand([f"{memory}/anger*.flac"])
    assert str(found).endswith(CLIPS[0].name)
    assert model(str(found)).label == model(CLIPS[0]).label


def test_a_file_address(model: Recognizer) -> None:
    with affekt.predict(f"file://{tiny.EXAMPLES}", model, threads=1) as rows:
        check(list(rows), model)


@pytest.mark.parametrize(
    ("address", "kind", "problem"),
    [
        ("memory://nowhere/a.wav", AudioNotFoundError, "no such file"),
        ("sss://bucket/a.wav", AudioFormatError, "known are abfs"),
        ("simplecache::s3://bucket/a.wav", AudioNotFoundError, "no such file"),
        ("s3://bucket/a.zip::x", AudioFormatError, "no chains"),
    ],
)
def test_what_is_not_there_is_a_row(
    model: Recognizer, address: str, kind: type[AudioError], problem: str
) -> None:
    with affekt.predict(address, model, threads=1) as rows:
        (row,) = rows
    assert row["error"] == kind.code
    assert problem in row["message"]
    assert "\n" not in row["message"]


def test_without_fsspec_the_line_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r'pip install "affekt\[remote\]"'):
        list(expand(["s3://bucket/calls"]))


def test_without_s3fs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setattr(sys.modules["fsspec.registry"], "_registry", {})
    with pytest.raises(MissingExtraError, match=r'pip install "affekt\[remote\]"'):
        list(expand(["s3://bucket/calls"]))


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket with the clips on an S3 server of this machine."""
    server_of = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = server_of.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        system = fsspec.filesystem("s3", skip_instance_cache=True)
        system.mkdir("calls")
        for clip in CLIPS:
            system.pipe(f"calls/2021/{clip.name}", clip.read_bytes())
        yield "s3://calls"
    server.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_bucket(model: Recognizer, bucket: str) -> None:
    with affekt.predict(bucket, model, threads=2) as rows:
        check(list(rows), model)
    with affekt.predict([f"{bucket}/2021/gone.wav", "s3://nobody/a.wav"], model, threads=1) as rows:
        assert [row["error"] for row in rows] == ["not_found", "not_found"]
