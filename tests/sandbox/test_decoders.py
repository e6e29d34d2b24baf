"""A recording may crash, hang or fill its decoder, and costs nobody else anything."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from affekt import audio, errors
from affekt.sandbox import process as processes
from affekt.sandbox.pool import Decoders
from affekt.sandbox.process import DecoderProcess
from affekt.sandbox.stream import DecodedStream
from tests.fixtures import tiny

CLIPS = sorted(tiny.EXAMPLES.glob("*.flac"))


@pytest.fixture(scope="module")
def pool() -> Iterator[Decoders]:
    with Decoders(2, seconds=20) as decoders:
        yield decoders


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of a chirp per channel: more than fits into a socket's buffer."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    time_s = np.arange(60 * 16_000) / 16_000
    channels = [0.3 * np.sin(2 * np.pi * (rate + 5 * time_s) * time_s) for rate in (200, 330)]
    soundfile.write(path, np.stack(channels, 1), 16_000)
    return path


def process_of(stream: audio.Blocks) -> DecoderProcess:
    assert isinstance(stream, DecodedStream) and stream._process is not None
    return stream._process


def test_what_comes_out_is_what_the_decoder_gives(pool: Decoders, long_clip: Path) -> None:
    for path in [*CLIPS, long_clip]:
        here, there = audio.load(path), pool.decode(path)
        assert np.array_equal(here.samples, there.samples)
        assert (here.name, here.warnings) == (there.name, there.warnings)


def test_bytes_file_objects_and_arrays_go_in_too(pool: Decoders) -> None:
    expected = audio.read(CLIPS[0])
    data = CLIPS[0].read_bytes()
    assert np.array_equal(pool.decode(data, name="an upload").samples, expected)
    rest = io.BytesIO(b"before" + data)
    rest.seek(6)
    assert np.array_equal(pool.decode(rest).samples, expected)
    assert np.array_equal(pool.decode({"bytes": data}).samples, expected)
    assert np.array_equal(pool.decode(expected, rate=16_000).samples, expected)


def test_errors_and_warnings_are_those_of_the_decoder(pool: Decoders, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text\n.wav").write_text("not audio")
    soundfile.write(tmp_path / "nan.wav", np.full(1000, np.nan), 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "silent.wav", np.zeros(1000), 16_000)
    (tmp_path / "cut.flac").write_bytes(CLIPS[0].read_bytes()[:20_000])
    os.mkfifo(tmp_path / "pipe.wav")
    paths = [*map(str, sorted(tmp_path.iterdir())), str(tmp_path / "nowhere.wav"), "https://nowhere/a.wav"]
    for path in paths:
        try:
            expected: object = audio.load(path).warnings
        except errors.AudioError as error:
            expected = type(error), str(error)
        try:
            found: object = pool.decode(path).warnings
        except errors.AudioError as error:
            found = type(error), str(error)
        assert found == expected


def test_limits_hold_in_the_worker_and_before_it(pool: Decoders) -> None:
    with pytest.raises(errors.AudioTooLargeError, match="over the limit of 1 s"):
        pool.decode(CLIPS[0], limits=audio.Limits(seconds=1))
    with pytest.raises(errors.AudioTooLargeError, match="over the limit of 9"):
        pool.decode(b"RIFF" * 9, limits=audio.Limits(input_bytes=9))


@pytest.mark.parametrize("cause", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_told_and_the_process_replaced(
    pool: Decoders, long_clip: Path, cause: signal.Signals
) -> None:
    with pool.stream(long_clip) as heard:
        process = process_of(heard)
        os.kill(process.pid, cause)
        with pytest.raises(errors.AudioCrashedError, match=rf"long\.wav: its decoder crashed \({cause.name}"):
            list(heard)
    assert not process.alive
    assert len(pool.decode(CLIPS[0]).samples) == 32_000


def test_a_worker_that_dies_between_recordings_costs_none(pool: Decoders) -> None:
    with pool.stream(CLIPS[0]) as heard:
        process = process_of(heard)
        list(heard)
    os.kill(process.pid, signal.SIGKILL)
    process._process.wait()
    assert len(pool.decode(CLIPS[0]).samples) == 32_000


def test_a_hang_ends_at_its_time(long_clip: Path) -> None:
    with Decoders(1, seconds=5) as pool:
        pool.decode(CLIPS[0])
        pool._seconds = 0.3
        with pool.stream(long_clip) as heard:
            process = process_of(heard)
            os.kill(process.pid, signal.SIGSTOP)
            began = time.monotonic()
            with pytest.raises(errors.AudioTimeoutError, match="not decoded within"):
                list(heard)
        assert time.monotonic() - began < 8
        assert not process.alive
        pool._seconds = 20
        assert len(pool.decode(CLIPS[0]).samples) == 32_000


def test_too_much_memory_is_refused_and_the_process_lives_on(tmp_path: Path) -> None:
    path = tmp_path / "wide.wav"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (384_000, 8))
    soundfile.write(path, noise, 384_000)
    with Decoders(1, seconds=20, memory=2**22) as pool:
        with pytest.raises((errors.AudioMemoryError, errors.AudioCrashedError)) as caught:
            pool.decode(path)
        assert caught.value.code in ("memory", "crashed")
        assert len(pool.decode(CLIPS[0].read_bytes()).samples) == 32_000


def test_a_walk_that_stops_early_frees_the_pool(long_clip: Path) -> None:
    with Decoders(1, seconds=20) as pool:
        for _ in range(3):
            with pool.stream(long_clip) as heard:
                next(iter(heard))
        assert len(pool.decode(CLIPS[0]).samples) == 32_000


def test_many_threads_share_few_processes(pool: Decoders) -> None:
    expected = {path: audio.read(path) for path in CLIPS}
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(pool.decode, CLIPS * 10))
    for waveform in found:
        assert np.array_equal(waveform.samples, expected[Path(waveform.name)])


def test_no_worker_outlives_its_owner(long_clip: Path) -> None:
    program = f"""
import os, time
from affekt.sandbox.pool import Decoders
pool = Decoders(1)
stream = pool.stream({str(long_clip)!r})
print(stream._process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _runs(pid):
        time.sleep(0.02)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_of_the_working_directory_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "soundfile.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    with Decoders(1) as pool:
        assert len(pool.decode(CLIPS[0]).samples) == 32_000


def test_a_closed_pool_says_so() -> None:
    pool = Decoders(1)
    pool.close()
    with pytest.raises(errors.UsageError, match="closed"):
        pool.decode(CLIPS[0])
    with pytest.raises(errors.UsageError, match="at least one worker"):
        Decoders(0)


def test_a_process_that_was_started_early_is_the_first_of_the_next_pool() -> None:
    processes.start_early(20.0)
    (early,) = processes._early
    with Decoders(1, seconds=20.0) as pool, pool.stream(CLIPS[0]) as heard:
        assert process_of(heard) is early
        assert sum(map(len, heard)) == 32_000
    assert not early.alive


def test_a_process_that_was_started_early_for_something_else_is_ended() -> None:
    processes.start_early(20.0)
    (early,) = processes._early
    with Decoders(1, seconds=10.0) as pool:
        assert not early.alive
        assert len(pool.decode(CLIPS[0]).samples) == 32_000
    processes.start_early(20.0)
    (early,) = processes._early
    processes._end_early()
    assert not early.alive and not processes._early
