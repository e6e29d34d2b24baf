"""The audio room with the extra `media`: MP4, WebM, Matroska and raw AAC, whole, cut, forged and refused."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import av
import hostile_audio
import numpy as np
import pytest
import soxr
from _damage import voice
from numpy.typing import NDArray

from affekt import audio
from affekt.errors import AudioCorruptError, AudioEmptyError, AudioError, AudioFormatError, AudioTooLargeError

SECONDS = 2.5
MIB = 2**20
KINDS = {
    "m4a": ("ipod", "aac", 44_100, False),
    "alac": ("ipod", "alac", 44_100, False),
    "mp4": ("mp4", "aac", 48_000, True),
    "mov": ("mov", "pcm_s16le", 16_000, False),
    "webm": ("webm", "libopus", 48_000, False),
    "mkv": ("matroska", "flac", 22_050, True),
    "aac": ("adts", "aac", 44_100, False),
}
LATE = {"aac": 1024}
"""Samples of encoder delay that stay, since the file does not tell of them."""


def encode(
    sound: NDArray[np.float32],
    rate: int,
    container: str,
    codec: str,
    *,
    video: bool = False,
    options: dict[str, str] | None = None,
) -> bytes:
    """The bytes of a recording [samples, channels], with a video track of three small pictures on request."""
    layout = {1: "mono", 2: "stereo"}[sound.shape[1]]
    with (
        tempfile.NamedTemporaryFile() as file,
        av.open(file.name, "w", format=container, options=options or {}) as out,
    ):
        track = out.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(track, av.AudioStream)
        if video:
            _add_pictures(out)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), "fltp", layout)
        frame.sample_rate, frame.pts = rate, 0
        size = track.codec_context.frame_size or 1024
        cutter = av.AudioResampler(track.codec_context.format.name, layout, rate, size)
        pieces = [*cutter.resample(frame), *cutter.resample(None)] if len(sound) else []
        for piece in (*pieces, None):
            out.mux(track.encode(piece))
        out.close()
        return Path(file.name).read_bytes()


def _add_pictures(out: av.container.OutputContainer) -> None:
    track = out.add_stream("mpeg4", rate=10)
    assert isinstance(track, av.VideoStream)
    track.width, track.height, track.pix_fmt = 32, 32, "yuv420p"
    for grey in (10, 100, 200):
        out.mux(track.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), grey, np.uint8), "rgb24")))
    out.mux(track.encode(None))


@cache
def made(kind: str, options: str = "") -> bytes:
    container, codec, rate, video = KINDS[kind]
    flags = {"movflags": options} if options else None
    return encode(voice(rate, SECONDS, 2), rate, container, codec, video=video, options=flags)


def forged(data: bytes, box: bytes, *fields: tuple[int, int]) -> bytes:
    """The file with 32-bit fields of the first such box changed; offsets count from behind its name."""
    changed = bytearray(data)
    place = changed.index(box) + 4
    for offset, value in fields:
        struct.pack_into(">I", changed, place + offset, value)
    return bytes(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_mean_of_its_channels(tmp_path: Path, kind: str) -> None:
    rate = KINDS[kind][2]
    path = tmp_path / "clip.dat"
    path.write_bytes(made(kind))
    waveform = audio.load(path)
    late = round(LATE.get(kind, 0) * 16_000 / rate)
    expected = soxr.resample(voice(rate, SECONDS, 2).mean(axis=1), rate, 16_000)
    assert waveform.warnings == ()
    assert waveform.name == str(path)
    assert 0 <= len(waveform.samples) - late - len(expected) < 2048 * 16_000 / rate
    assert np.corrcoef(waveform.samples[late : late + len(expected)], expected)[0, 1] > 0.99
    with path.open("rb") as stream:
        assert np.array_equal(audio.read(stream), waveform.samples)
        assert not stream.closed


@pytest.mark.parametrize("kind", KINDS)
def test_a_tone_of_each_channel_survives(kind: str) -> None:
    container, codec, rate, video = KINDS[kind]
    time = np.arange(2 * rate) / rate
    sound = np.stack([0.4 * np.sin(2 * np.pi * hertz * time) for hertz in (440, 1500)], axis=1)
    data = encode(sound.astype(np.float32), rate, container, codec, video=video)
    with audio.stream(data) as blocks:
        assert (blocks.rate, blocks.channels) == (rate, 2)
        pieces = list(blocks)
    assert max(len(piece) for piece in pieces) <= 17_000
    power = np.abs(np.fft.rfft(np.concatenate(pieces)[4_000:20_000] * np.hanning(16_000))) ** 2
    near = [power[hertz - 3 : hertz + 4].sum() for hertz in (440, 1500)]
    assert near[0] == pytest.approx(near[1], rel=0.1)
    assert sum(near) / power.sum() > 0.99


@pytest.mark.parametrize(
    "options", ["faststart", "frag_keyframe+empty_moov", "frag_keyframe+dash+global_sidx"]
)
def test_other_orders_of_an_mp4_are_read_whole(options: str) -> None:
    waveform = audio.load(made("m4a", options))
    assert waveform.warnings == ()
    assert waveform.seconds == pytest.approx(SECONDS, abs=0.06)


def test_a_live_webm_leaves_its_sizes_open_and_is_whole() -> None:
    data = encode(voice(48_000, SECONDS, 2), 48_000, "webm", "libopus", options={"live": "1"})
    assert b"\x18\x53\x80\x67\x01" + b"\xff" * 7 in data
    assert audio.load(data).warnings == ()
    assert audio.load(data).seconds == pytest.approx(SECONDS, abs=0.02)
    assert audio.load(data[:-700]).warnings == ("truncated",)
    cluster = data.index(b"\x1f\x43\xb6\x75") + 4
    width = 9 - data[cluster].bit_length()
    unknown = data[:cluster] + b"\x01" + b"\xff" * 7 + data[cluster + width :]
    assert audio.load(unknown).warnings == ()
    assert np.array_equal(audio.read(unknown), audio.read(data))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("kind", ["m4a", "alac", "webm", "mkv", "aac"])
def test_a_cut_recording_is_flagged_and_keeps_its_sound(kind: str, share: float) -> None:
    data = made(kind, "faststart" if kind in ("m4a", "alac") else "")
    waveform = audio.load(data[: int(len(data) * share)])
    assert "truncated" in waveform.warnings
    assert waveform.seconds > SECONDS * share - 0.7
    assert np.allclose(waveform.samples[:4000], audio.read(data)[:4000], atol=1e-4)


def test_an_mp4_that_lost_its_index_is_corrupt() -> None:
    data = made("m4a")
    with pytest.raises(AudioCorruptError, match="its index is missing"):
        audio.load(data[: len(data) // 2])


@pytest.mark.parametrize(("seconds", "expected"), [(1.0, ()), (3.5, ("truncated",))])
def test_a_length_beyond_what_is_there_is_flagged(seconds: float, expected: tuple[str, ...]) -> None:
    assert audio.load(with_length(seconds)).warnings == expected


def test_a_length_over_the_budget_is_refused_at_once() -> None:
    with pytest.raises(AudioTooLargeError, match=r"700\.0 s or more, over the limit of 600 s"):
        audio.stream(with_length(700.0))


def with_length(seconds: float) -> bytes:
    """A WebM whose header claims another length."""
    data = made("webm")
    place = data.index(b"\x44\x89\x88") + 3
    return data[:place] + struct.pack(">d", 1000 * seconds) + data[place + 8 :]


@pytest.mark.parametrize("kind", ["webm", "aac"])
def test_a_hole_is_flagged(kind: str) -> None:
    data = made(kind)
    middle = len(data) // 2
    assert "truncated" in audio.load(data[:middle] + data[middle + 900 :]).warnings


@pytest.mark.parametrize("kind", ["m4a", "aac"])
def test_noise_in_the_middle_is_flagged(kind: str) -> None:
    data = bytearray(made(kind))
    middle = len(data) // 2
    data[middle : middle + 2000] = Random(0).randbytes(2000)
    assert "truncated" in audio.load(bytes(data)).warnings


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 2), (44_100, 1)])
def test_a_second_recording_of_another_kind_is_left_out_and_flagged(rate: int, channels: int) -> None:
    first, second = made("aac"), encode(voice(rate, SECONDS, channels), rate, "adts", "aac")
    waveform = audio.load(first + second)
    assert waveform.warnings == ("truncated",)
    assert waveform.seconds == pytest.approx(audio.load(first).seconds, abs=0.1)


def test_what_stands_around_the_frames_of_raw_aac_is_no_damage() -> None:
    data = made("aac")
    tagged = b"ID3\x04\0\0\0\0\x08\0" + bytes(range(128)) * 8 + data + b"TAG" + b"x" * 125
    waveform = audio.load(tagged)
    assert waveform.warnings == ()
    assert np.array_equal(waveform.samples, audio.read(data))


@pytest.mark.parametrize(
    ("change", "expected"),
    [("silence", ("silent",)), ("loud", ("clipped",)), ("opposite", ("silent", "cancelled"))],
)
def test_what_the_samples_say(change: str, expected: tuple[str, ...]) -> None:
    sound = voice(16_000, 1.5, 2)
    if change == "silence":
        sound[:] = 0
    elif change == "loud":
        sound = np.clip(5 * sound, -1, 1)
    else:
        sound[:, 1] = -sound[:, 0]
    assert audio.load(encode(sound, 16_000, "mov", "pcm_s16le")).warnings == expected


def test_without_sound_there_is_nothing_to_read() -> None:
    held = io.BytesIO()
    with av.open(held, "w", format="mp4") as out:
        _add_pictures(out)
    with pytest.raises(AudioFormatError, match="without an audio track"):
        audio.load(held.getvalue())
    empty = voice(16_000, 1.0)[:0]
    for container, codec in (("mov", "pcm_s16le"), ("matroska", "flac")):
        with pytest.raises((AudioEmptyError, AudioCorruptError)):
            audio.load(encode(empty, 16_000, container, codec))


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (audio.Limits(seconds=1.0), "seconds"),
        (audio.Limits(input_bytes=1000), "input_bytes"),
        (audio.Limits(decoded_bytes=60_000), "decoded_bytes"),
        (audio.Limits(channels=1), "channels"),
        (audio.Limits(max_rate=8_000), "max_rate"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_each_budget_is_kept(kind: str, limits: audio.Limits, says: str) -> None:
    with pytest.raises(AudioTooLargeError, match=says):
        audio.load(made(kind), limits=limits)


def damaged(rng: Random, data: bytes) -> bytes:
    """One of: flipped bits, a scrambled header, a run of noise, a hole, a cut, a forged 32-bit field."""
    changed = bytearray(data)
    way, place = rng.randrange(6), rng.randrange(len(data))
    head = changed.find(b"moov") if b"moov" in data else 0
    if way == 0:
        for _ in range(rng.choice((1, 5, 40))):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif way == 1:
        for _ in range(rng.randint(1, 8)):
            changed[min(len(changed) - 1, head + rng.randrange(700))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
    elif way == 2:
        changed[place : place + 900] = rng.randbytes(900)
    elif way == 3:
        del changed[place : place + rng.randint(1, 3000)]
    elif way == 4:
        del changed[place:]
    else:
        place = min(len(changed) - 4, head + rng.randrange(700))
        changed[place : place + 4] = rng.choice((2**31 - 1, 2**32 - 1, 50_000_000, 0)).to_bytes(4, "big")
    return bytes(changed)


@pytest.mark.timeout(200)
def test_no_damage_crashes_hangs_or_takes_memory(tmp_path: Path) -> None:
    sources = {**{kind: made(kind) for kind in KINDS}, "fragments": made("m4a", "frag_keyframe+empty_moov")}
    cases = []
    for kind, data in sources.items():
        for number in range(-1, 50):
            path = tmp_path / f"{kind}-{number}"
            path.write_bytes(data if number < 0 else damaged(Random(f"{kind} {number}"), data))
            cases.append(hostile_audio.Case(path, kind, frozenset()))
    runs = hostile_audio.measure(cases)
    outcomes = {"ok", "warning", "format", "corrupt", "empty", "non_finite", "too_large"}
    for case, run in zip(cases, runs, strict=True):
        assert run.outcome in outcomes, case.path.name
        assert run.seconds < 10, case.path.name
        assert case is cases[0] or run.extra_mib < 100, case.path.name
    assert {run.outcome for run in runs} >= {"ok", "warning", "corrupt"}


BOMBS: dict[str, Callable[[], bytes]] = {
    "sizes": lambda: forged(made("m4a"), b"stsz", (4, 1), (8, 80_000_000)),
    "chunks": lambda: forged(forged(made("m4a"), b"stsz", (4, 1), (8, 8 * 10**7)), b"stsc", (12, 8 * 10**7)),
    "plain": lambda: forged(made("mov"), b"stsc", (12, 2**31 - 1)),
    "hidden": lambda: forged(made("m4a"), b"stsz", (4, 1), (8, 8 * 10**7)).replace(b"minf", b"dinf"),
    "runs": lambda: forged(made("m4a", "frag_keyframe+empty_moov"), b"trun", (0, 1), (4, 80_000_000)),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_an_index_that_claims_too_much_is_refused_before_it_is_made(tmp_path: Path, kind: str) -> None:
    paths = [tmp_path / "intact", tmp_path / "bomb"]
    for path, data in zip(paths, (made("m4a"), BOMBS[kind]()), strict=True):
        path.write_bytes(data)
    runs = hostile_audio.measure([hostile_audio.Case(path, kind, frozenset()) for path in paths])
    assert [run.outcome for run in runs] == ["ok", "corrupt" if kind == "hidden" else "too_large"]
    assert runs[1].seconds < 2
    assert runs[1].extra_mib < 16


def test_a_frame_of_lossless_audio_cannot_be_forged_large() -> None:
    data = bytearray(made("alac"))
    place = data.index(b"alac", data.index(b"alac") + 4) + 8
    data[place : place + 4] = (2**24).to_bytes(4, "big")
    try:
        assert "truncated" in audio.load(bytes(data)).warnings
    except AudioError as error:
        assert isinstance(error, AudioCorruptError)


def test_a_long_recording_without_a_length_is_refused_on_the_way() -> None:
    data = made("aac") * 250
    with pytest.raises(AudioTooLargeError, match="over the limit of 600 s"):
        audio.load(data)


@pytest.mark.parametrize("magic", [b"\0\0\0\x20ftypM4A ", b"\0\0\0\x10moov", b"\x1a\x45\xdf\xa3"])
def test_garbage_behind_the_right_magic_is_corrupt(magic: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    for seed in range(20):
        with pytest.raises(AudioError) as caught:
            audio.load(magic + Random(seed).randbytes(3000))
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_ffmpeg_says_nothing_of_damage(capfd: pytest.CaptureFixture[str]) -> None:
    for kind in KINDS:
        data = bytearray(made(kind))
        data[len(data) // 3 : len(data) // 3 + 3000] = Random(0).randbytes(3000)
        try:
            audio.load(bytes(data))
        except AudioError as error:
            assert "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("kind", "what"), [("m4a", "MPEG-4"), ("webm", "WebM"), ("aac", "raw AAC")])
def test_without_the_extra_the_way_to_it_is_named(tmp_path: Path, kind: str, what: str) -> None:
    path = tmp_path / "clip"
    path.write_bytes(made(kind))
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from affekt import audio, errors\n"
        "try: audio.load(sys.argv[1])\n"
        "except errors.AudioFormatError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert run.stdout.count("\n") == 1
    assert run.stdout.startswith(f"{path}: {what}")
    assert 'pip install "affekt[media]"' in run.stdout
    assert "convert it to wav or flac" in run.stdout


def test_pyav_is_loaded_for_such_files_alone(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "clip.wav", voice(16_000, 0.5), 16_000)
    (tmp_path / "clip.m4a").write_bytes(made("m4a"))
    code = (
        "import sys, affekt.audio\n"
        "for name in sys.argv[1:]: affekt.audio.read(name); print('av' in sys.modules)"
    )
    names = [str(tmp_path / "clip.wav"), str(tmp_path / "clip.m4a")]
    run = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"]
