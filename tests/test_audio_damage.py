"""The audio room under attack: budgets and damage."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from random import Random

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import _damage
import hostile_audio
from _damage import FORMATS, encode, voice, without_first_frame

from affekt import audio
from affekt.errors import (
    AudioCorruptError,
    AudioEmptyError,
    AudioError,
    AudioFormatError,
    AudioTooLargeError,
)

SEEDS = _damage.Seeds()


def mp3(seconds: float, rate: int = 44_100, channels: int = 2) -> bytes:
    """Variable bit rate: loud and busy at first, nearly silent then."""
    sound = voice(rate, seconds, channels)
    sound[len(sound) // 6 :] *= 0.01
    held = io.BytesIO()
    soundfile.write(
        held,
        sound,
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="VARIABLE",
        compression_level=0.1,
    )
    return held.getvalue()


def test_hostile_files_end_as_they_should(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for case in hostile_audio.cases(tmp_path, 150, seed=1):
        started = time.perf_counter()
        assert hostile_audio.outcome(case.path) in case.expected, case.path.name
        assert time.perf_counter() - started < 10
    assert capfd.readouterr() == ("", "")


def test_the_measuring_counts_crashes_and_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = tmp_path / "good.wav", tmp_path / "bad.wav"
    good.write_bytes(encode(voice(16_000, 0.3), 16_000, "WAV", "PCM_16"))
    bad.write_bytes(b"")
    made = [hostile_audio.Case(path, "x", frozenset()) for path in (good, bad)]
    assert [run.outcome for run in hostile_audio.measure(made)] == ["ok", "empty"]
    monkeypatch.setattr(hostile_audio, "DEADLINE_SECONDS", 0.0)
    assert [run.outcome for run in hostile_audio.measure(made)] == ["hang", "hang"]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from([maker for maker, _ in _damage.KINDS[:5]]))
def test_no_damage_escapes_the_error_tree(seed: int, kind: object) -> None:
    made = kind(Random(seed), SEEDS)  # type: ignore[operator]
    try:
        waveform = audio.load(made.data)
    except AudioError as error:
        assert str(error).startswith("bytes: ")
        assert "\n" not in str(error)
    else:
        assert len(waveform.samples)
        assert np.isfinite(waveform.samples).all()
        assert set(waveform.warnings) <= set(audio.WARNINGS)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form[2]}-{form[3]}")
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_a_cut_recording_is_flagged_and_keeps_its_sound(
    form: tuple[str, str, str, int], share: float
) -> None:
    _, container, codec, rate = form
    data = encode(voice(rate, 6.0, 2), rate, container, codec)
    waveform = audio.load(data[: int(len(data) * share)])
    assert "truncated" in waveform.warnings
    assert waveform.seconds > 6.0 * share - 1.5
    whole = audio.read(data)[: len(waveform.samples)]
    assert np.corrcoef(waveform.samples[:4000], whole[:4000])[0, 1] > 0.99


@pytest.mark.parametrize("container", ["WAV", "RF64", "W64", "AIFF", "AU", "NIST"])
def test_cut_and_intact_containers_are_told_apart(container: str) -> None:
    data = encode(voice(16_000, 1.0, 1), 16_000, container, "PCM_16")
    assert audio.load(data).warnings == ()
    assert audio.load(data[:-3000]).warnings == ("truncated",)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_from_a_pipe_is_whole(size: int) -> None:
    sound = voice(16_000, 1.0)
    data = bytearray(encode(sound, 16_000, "WAV", "PCM_16"))
    struct.pack_into("<I", data, 40, size)
    struct.pack_into("<I", data, 4, min(size + 36, 0xFFFFFFFF))
    waveform = audio.load(bytes(data))
    assert waveform.warnings == ()
    assert len(waveform.samples) == len(sound)


def test_an_empty_wav_with_tags_behind_is_empty() -> None:
    data = bytearray(encode(voice(16_000, 1.0)[:0], 16_000, "WAV", "PCM_16")) + b"LIST\x08\0\0\0INFOabcd"
    struct.pack_into("<I", data, 4, len(data) - 8)
    with pytest.raises(AudioEmptyError):
        audio.load(bytes(data))


@pytest.mark.parametrize("rate", [44_100, 22_050, 8_000])
def test_an_mp3_that_does_not_say_its_length_is_read_whole(rate: int) -> None:
    data = mp3(9.0, rate)
    whole, headerless = audio.load(data), audio.load(without_first_frame(data))
    assert headerless.warnings == ()
    assert headerless.seconds == pytest.approx(whole.seconds, abs=0.3)
    joined = audio.load(data + data)
    assert joined.seconds == pytest.approx(2 * whole.seconds, abs=0.4)


def test_what_stands_around_the_frames_of_an_mp3_is_no_damage() -> None:
    data, picture = mp3(1.0), bytes(range(128)) * 8
    id3 = b"ID3\x04\0\0\0\0\x08\0" + picture
    for tail in (b"TAG" + b"x" * 125, b"APETAGEX" + picture, bytes(5000)):
        waveform = audio.load(id3 + data + tail)
        assert waveform.warnings == ()
        assert np.array_equal(waveform.samples, audio.read(data))


def test_a_flac_with_a_wrong_or_unknown_total_is_read_whole() -> None:
    data = bytearray(encode(voice(16_000, 2.7), 16_000, "FLAC", "PCM_16"))
    expected = audio.read(bytes(data))
    packed = int.from_bytes(data[18:26], "big") >> 36 << 36
    for total in (0, 1000):
        data[18:26] = (packed | total).to_bytes(8, "big")
        waveform = audio.load(bytes(data))
        assert waveform.warnings == ()
        assert np.array_equal(waveform.samples, expected)
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 40, 0, 0) + bytes(8)
    for tags in (b"TAG" + bytes(125), bytes(8) + ape, bytes(8) + ape + b"TAG" + bytes(125)):
        assert audio.load(bytes(data) + tags).warnings == ()


@pytest.mark.parametrize("codec", ["VORBIS", "OPUS"])
def test_a_single_flipped_bit_in_an_ogg_page_is_seen(codec: str) -> None:
    data = bytearray(encode(voice(48_000, 2.0), 48_000, "OGG", codec))
    assert audio.load(bytes(data)).warnings == ()
    data[len(data) // 2] ^= 4
    assert "truncated" in audio.load(bytes(data)).warnings


@pytest.mark.parametrize(
    ("limits", "rate", "channels"),
    [
        (audio.Limits(), 16_000, 9),
        (audio.Limits(), 3_999, 1),
        (audio.Limits(), 384_001, 1),
        (audio.Limits(seconds=0.9), 16_000, 1),
        (audio.Limits(input_bytes=1000), 16_000, 1),
        (audio.Limits(decoded_bytes=60_000), 16_000, 1),
        (audio.Limits(min_rate=1), 400, 1),
        (audio.Limits(max_rate=10**6), 600_000, 1),
    ],
)
def test_each_budget_is_kept(limits: audio.Limits, rate: int, channels: int) -> None:
    data = encode(voice(rate, 1.0, channels), rate, "WAV", "PCM_16")
    with pytest.raises(AudioTooLargeError, match="Limits"):
        audio.load(data, limits=limits)
    roomy = audio.Limits(
        channels=9, min_rate=1, max_rate=10**6, seconds=None, decoded_bytes=None, resample_ratio=100
    )
    assert audio.load(data, limits=roomy).seconds == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("total", [0, 48_000, None])
def test_a_bomb_is_refused_in_little_memory(total: int | None) -> None:
    data = bytearray(SEEDS.bomb("FLAC", "PCM_16"))
    if total is not None:
        packed = int.from_bytes(data[18:26], "big") >> 36 << 36
        data[18:26] = (packed | total).to_bytes(8, "big")
    tracemalloc.start()
    try:
        with pytest.raises(AudioTooLargeError, match="over the limit of 600 s"):
            audio.load(bytes(data))
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"ADIF" + bytes(99), "AAC"),
        (b"\xff\xf1\x50\x80" + bytes(99), "AAC"),
        (b"ID3\x04\0\0\0\0\0\0\xff\xf1\x50\x80" + bytes(99), "AAC"),
        (b"#!AMR\n" + bytes(99), "AMR"),
        (b"#EXTM3U\n/etc/passwd\n", "not a recording"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not a recording"),
        (b"hello " * 99, "not a recording"),
    ],
)
def test_other_formats_are_named_with_a_way_out(data: bytes, says: str) -> None:
    with pytest.raises(AudioFormatError, match=says):
        audio.load(data)


def test_errors_cross_processes_and_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "half.flac"
    path.write_bytes(b"fLaC" + bytes(10))
    with pytest.raises(AudioCorruptError, match=r"half\.flac") as caught:
        audio.load(path)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301
    with pytest.raises(AudioCorruptError, match=r"^upload 7: "):
        audio.load(path, name="upload 7")


def test_a_failing_file_object_is_an_audio_error() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 4000:
                raise OSError("the disk is gone")
            return super().read(size)

    data = encode(voice(16_000, 1.0), 16_000, "WAV", "PCM_16")
    assert audio.load(Failing(data)).warnings == ("truncated",)


def test_others_keep_standard_error_while_an_mp3_is_decoded(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(mp3(20.0))
    data[5000:9000] = Random(0).randbytes(4000)
    stop = threading.Event()

    def chatter() -> None:
        while not stop.is_set():
            os.write(2, b"progress\n")
            time.sleep(0.001)

    other = threading.Thread(target=chatter)
    other.start()
    try:
        assert "truncated" in audio.load(bytes(data)).warnings
    finally:
        stop.set()
        other.join()
    assert set(capfd.readouterr().err.splitlines()) == {"progress"}
