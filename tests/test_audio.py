"""The audio room: what comes out is the sound that went in, from every source and format."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from _damage import FORMATS, encode, voice

from affekt import audio
from affekt.audio.decode import BLOCK_BYTES, block_frames
from affekt.errors import AudioEmptyError, AudioNotFoundError, UsageError

FULL_ACCURACY = {"PCM_16": 1e-4, "PCM_24": 1e-6, "FLOAT": 1e-6, "PCM_U8": 0.02, "ULAW": 0.02, "ALAW": 0.02}


def tone(rate: int, hertz: float, seconds: float = 1.0) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def loudest(samples: NDArray[np.float32]) -> float:
    """Hz of the strongest component."""
    padded = 8 * len(samples)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), padded))
    return float(spectrum.argmax()) * audio.SAMPLE_RATE / padded


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form[2]}-{form[3]}")
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_every_format_gives_the_mean_of_its_channels(
    tmp_path: Path, form: tuple[str, str, str, int], channels: int
) -> None:
    suffix, container, codec, rate = form
    if container == "MP3" and channels == 3:
        pytest.skip("MP3 has two channels at most")
    sound = voice(rate, 2.3, channels)
    path = tmp_path / f"clip.{suffix}"
    path.write_bytes(encode(sound, rate, container, codec))
    waveform = audio.load(path)
    expected = soxr.resample(sound.mean(axis=1), rate, 16_000)
    assert waveform.samples.dtype == np.float32
    assert waveform.samples.shape == expected.shape
    assert waveform.warnings == ()
    assert waveform.name == str(path)
    assert waveform.seconds == pytest.approx(len(sound) / rate, abs=1e-4)
    if codec in FULL_ACCURACY:
        assert np.abs(waveform.samples - expected).max() < FULL_ACCURACY[codec]
    else:
        assert np.corrcoef(waveform.samples, expected)[0, 1] > 0.97


@pytest.mark.parametrize("codec", ["PCM_16", "PCM_32", "DOUBLE", "IMA_ADPCM", "MS_ADPCM"])
def test_the_other_wav_codecs(codec: str) -> None:
    sound = voice(16_000, 1.5)
    samples = audio.read(encode(sound, 16_000, "WAV", codec))
    assert np.corrcoef(samples[: len(sound)], sound[:, 0])[0, 1] > 0.99


def test_every_source_gives_the_same_samples(tmp_path: Path) -> None:
    data = encode(voice(22_050, 1.2, 2), 22_050, "FLAC", "PCM_16")
    path = tmp_path / "clip.flac"
    path.write_bytes(data)
    decoded, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    expected = audio.read(path)
    behind = io.BytesIO(b"header" + data)
    behind.seek(6)
    with path.open("rb") as stream:
        assert np.array_equal(audio.read(stream), expected)
        assert not stream.closed
    for source in (str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), behind):
        assert np.array_equal(audio.read(source), expected)
    assert np.array_equal(audio.read(decoded, rate=rate), expected)
    assert np.array_equal(audio.read({"array": decoded, "sampling_rate": rate, "path": "x"}), expected)
    assert np.array_equal(audio.read({"bytes": data, "path": None}), expected)
    assert np.array_equal(audio.read({"bytes": None, "path": str(path)}), expected)


def test_a_pipe_is_read() -> None:
    data = encode(voice(16_000, 0.5), 16_000, "WAV", "PCM_16")
    echo = [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"]
    with subprocess.Popen(echo, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(data)
        process.stdin.close()
        assert len(audio.read(process.stdout)) == 8000


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8", "float64", ">i2"])
def test_integer_arrays_are_scaled(dtype: str) -> None:
    sound = voice(16_000, 1.0)[:, 0]
    kind = np.dtype(dtype)
    if kind.kind == "f":
        array, step = sound.astype(kind), 1e-7
    else:
        half = 2.0 ** (8 * kind.itemsize - 1)
        offset = half if kind.kind == "u" else 0
        array, step = np.round(sound.astype(np.float64) * half + offset).astype(kind), 1 / half
    assert np.abs(audio.read(array, rate=16_000) - sound).max() <= step


def test_the_shorter_axis_of_an_array_holds_the_channels() -> None:
    sound = voice(16_000, 0.5, 2)
    expected = sound.mean(axis=1)
    assert np.allclose(audio.read(sound, rate=16_000), expected, atol=1e-6)
    assert np.allclose(audio.read(sound.T, rate=16_000), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("source", "rate", "says"),
    [
        (np.zeros(10, np.float32), None, "needs its sample rate"),
        (np.zeros(10, np.float32), 44_100.5, "whole number"),
        (np.zeros(10, np.float32), "16000", "whole number"),
        (np.zeros(10, np.int64), 16_000, "int64 samples"),
        (np.zeros(10, np.float16), 16_000, "float16 samples"),
        (np.zeros((2, 2, 2), np.float32), 16_000, "3 axes"),
        ({"sampling_rate": 16_000}, None, "dictionary"),
        (b"RIFF", 16_000, "rate belongs to arrays"),
        (io.StringIO("text"), None, "rb"),
        (17, None, "int is not audio"),
    ],
)
def test_wrong_arguments_are_named(source: object, rate: int | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        audio.load(source, rate=rate)  # type: ignore[arg-type]


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for source in (
        tmp_path / "none.wav",
        tmp_path,
        "",
        "a\0b",
        "x" * 5000,
        "nowhere/a.wav",
        "/dev/null",
    ):
        with pytest.raises(AudioNotFoundError):
            audio.load(source)


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioNotFoundError, match="not a regular file"):
        audio.load(tmp_path / "pipe.wav")


@settings(max_examples=40, deadline=None)
@given(rate=st.integers(4_000, 384_000), length=st.integers(1, 60_000), channels=st.integers(1, 3))
def test_streamed_resampling_is_the_whole_at_once(rate: int, length: int, channels: int) -> None:
    sound = np.random.default_rng(length).uniform(-0.5, 0.5, (length, channels)).astype(np.float32)
    sound = sound if length > channels else sound[:, :1]
    expected = math.floor(length * 16_000 / rate + 0.5)
    if expected == 0:
        with pytest.raises(AudioEmptyError):
            audio.read(sound, rate=rate)
        return
    samples = audio.read(sound, rate=rate)
    assert len(samples) == expected
    once = soxr.resample(sound.mean(axis=1), rate, 16_000)
    assert np.abs(samples - once).max() < 1e-4


@settings(max_examples=40, deadline=None)
@given(rate=st.integers(4_000, 384_000))
def test_a_tone_keeps_its_pitch_and_level_at_any_rate(rate: int) -> None:
    samples = audio.read(tone(rate, 1000.0), rate=rate)
    assert loudest(samples) == pytest.approx(1000.0, rel=1e-3)
    assert samples[4000:12000].std() * np.sqrt(2) == pytest.approx(0.5, rel=1e-2)


@settings(max_examples=40, deadline=None)
@given(rate=st.integers(17_500, 384_000), place=st.floats(0, 1))
def test_what_would_alias_is_80_db_down(rate: int, place: float) -> None:
    hertz = 8_300 + place * (0.49 * rate - 8_300)
    samples = audio.read(tone(rate, hertz), rate=rate)
    assert np.abs(samples[2000:14000]).max() < 0.5e-4


def test_a_long_recording_streams_in_small_blocks(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(encode(voice(44_100, 12.0, 2), 44_100, "WAV", "PCM_16"))
    with audio.stream(path) as blocks:
        assert (blocks.rate, blocks.channels) == (44_100, 2)
        pieces = list(blocks)
    assert max(len(piece) for piece in pieces) <= 17_000
    assert np.array_equal(np.concatenate(pieces), audio.read(path))
    assert block_frames(384_000, 1024) * 1024 * 4 <= BLOCK_BYTES


def test_threads_decode_side_by_side() -> None:
    files = [encode(voice(rate, 1.0), rate, container, codec) for _, container, codec, rate in FORMATS]
    expected = [audio.read(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for samples, alone in zip(pool.map(audio.read, files), expected, strict=True):
                assert np.array_equal(samples, alone)


def test_importing_the_room_loads_no_decoder() -> None:
    code = "import sys, affekt.audio; print({'soundfile', 'soxr'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize("pattern", ["emodb/wav/*.flac", "ravdess/*/*.opus", "nemo/samples/*.opus"])
def test_intact_recordings_raise_no_alarm(data_root: Path, pattern: str) -> None:
    for path in sorted(data_root.glob(pattern))[::60]:
        assert audio.load(path).warnings == (), path
