"""Recordings that are damaged, forged, empty or not recordings at all, each with what may come of it."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import soundfile
from numpy.typing import NDArray

FORMATS = (
    ("wav", "WAV", "PCM_16", 44_100),
    ("wav", "WAV", "PCM_U8", 8_000),
    ("wav", "WAV", "PCM_24", 48_000),
    ("wav", "WAV", "FLOAT", 22_050),
    ("wav", "WAV", "ULAW", 8_000),
    ("wav", "WAV", "ALAW", 8_000),
    ("aiff", "AIFF", "PCM_16", 16_000),
    ("au", "AU", "PCM_16", 16_000),
    ("flac", "FLAC", "PCM_16", 16_000),
    ("flac", "FLAC", "PCM_24", 48_000),
    ("ogg", "OGG", "VORBIS", 22_050),
    ("opus", "OGG", "OPUS", 48_000),
    ("mp3", "MP3", "MPEG_LAYER_III", 44_100),
    ("mp3", "MP3", "MPEG_LAYER_III", 16_000),
)
ANY = frozenset({"ok", "warning", "corrupt", "format", "empty", "non_finite", "too_large"})
REFUSED = frozenset({"corrupt", "format", "empty", "too_large"})
BOMB_SECONDS = 660


@dataclass(frozen=True)
class Made:
    """A file's bytes (or the size of a file of zeros behind them), its ending, and what may come of it."""

    data: bytes
    suffix: str
    expected: frozenset[str]
    zeros_behind: int = 0


@dataclass
class Seeds:
    """Intact recordings in every format, and the bombs, each made once and when first asked for."""

    intact: list[tuple[str, bytes]] = field(default_factory=list)
    bombs: dict[str, bytes] = field(default_factory=dict)

    def pick(self, rng: Random, *suffixes: str) -> tuple[str, bytes]:
        """An intact recording, of one of the given formats where any are given."""
        if not self.intact:
            for number, (suffix, container, codec, rate) in enumerate(FORMATS):
                channels = 1 + number % 2
                sound = voice(rate, 1.0 + 0.1 * number, channels, number)
                self.intact.append((suffix, encode(sound, rate, container, codec)))
        return rng.choice([seed for seed in self.intact if not suffixes or seed[0] in suffixes])

    def bomb(self, container: str, codec: str) -> bytes:
        """Eleven minutes of silence in few bytes."""
        if codec not in self.bombs:
            rate, held = 48_000, io.BytesIO()
            with soundfile.SoundFile(held, "w", rate, 2, codec, format=container) as sound:
                for _ in range(BOMB_SECONDS):
                    sound.write(np.zeros((rate, 2), np.float32))
            self.bombs[codec] = held.getvalue()
        return self.bombs[codec]


def voice(rate: int, seconds: float, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    """Something like a voice [samples, channels]: gliding harmonics in syllables, another in each channel."""
    time = np.arange(int(rate * seconds)) / rate
    rng = np.random.default_rng(seed)
    columns = []
    for channel in range(channels):
        pitch = 110 + 45 * channel % 200 + 30 * np.sin(2 * np.pi * 0.7 * time + seed + channel)
        phase = 2 * np.pi * np.cumsum(pitch) / rate
        harmonics = sum(np.sin(number * phase) / number for number in range(1, 9))
        syllables = 0.5 + 0.5 * np.sin(2 * np.pi * (3 + channel % 5) * time)
        columns.append(0.15 * harmonics * syllables + 0.003 * rng.standard_normal(len(time)))
    return np.stack(columns, axis=1).astype(np.float32)


def encode(sound: NDArray[np.float32], rate: int, container: str, codec: str) -> bytes:
    """The bytes of a recording."""
    held = io.BytesIO()
    soundfile.write(held, sound, rate, format=container, subtype=codec)
    return held.getvalue()


def without_first_frame(mp3: bytes) -> bytes:
    """An MP3 that does not say how long it is: its first frame is the encoder's note of the length."""
    return mp3[mp3.index(mp3[:2], 4) :]


def flipped(rng: Random, seeds: Seeds) -> Made:
    suffix, data = seeds.pick(rng)
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return Made(bytes(damaged), suffix, ANY)


def header_scrambled(rng: Random, seeds: Seeds) -> Made:
    suffix, data = seeds.pick(rng)
    damaged = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        damaged[rng.randrange(64)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return Made(bytes(damaged), suffix, ANY)


def overwritten(rng: Random, seeds: Seeds) -> Made:
    suffix, data = seeds.pick(rng)
    length = rng.randint(50, 4000)
    place = rng.randrange(len(data) - length)
    return Made(data[:place] + rng.randbytes(length) + data[place + length :], suffix, ANY)


def cut(rng: Random, seeds: Seeds) -> Made:
    suffix, data = seeds.pick(rng)
    return Made(data[: rng.randrange(1, int(len(data) * 0.98))], suffix, REFUSED | {"warning"})


def hole(rng: Random, seeds: Seeds) -> Made:
    suffix, data = seeds.pick(rng)
    place = rng.randrange(len(data) // 4, len(data) // 2)
    expected = REFUSED | {"warning", "non_finite"}
    return Made(data[:place] + data[place + rng.randint(200, 4000) :], suffix, expected)


def wrong_ending(rng: Random, seeds: Seeds) -> Made:
    suffix, data = seeds.pick(rng)
    other = rng.choice([ending for ending in ("wav", "mp3", "raw", "txt", "gsm", "") if ending != suffix])
    return Made(data, other, frozenset({"ok"}))


def headerless_mp3(rng: Random, seeds: Seeds) -> Made:
    _, data = seeds.pick(rng, "mp3")
    return Made(without_first_frame(data), "mp3", frozenset({"ok"}))


def two_in_one(rng: Random, seeds: Seeds) -> Made:
    suffix, data = seeds.pick(rng, "ogg", "opus")
    return Made(data + data, suffix, frozenset({"warning"}))


def streamed_wav(rng: Random, seeds: Seeds) -> Made:
    data = bytearray(encode(voice(16_000, 1.0, 1, rng.randrange(99)), 16_000, "WAV", "PCM_16"))
    place, size = data.find(b"data") + 4, rng.choice((0, 0x7FFFF000, 0xFFFFFFFF))
    data[place : place + 4] = data[4:8] = struct.pack("<I", size)
    return Made(bytes(data), "wav", frozenset({"ok"}))


def nothing(rng: Random, seeds: Seeds) -> Made:
    return Made(b"", rng.choice(FORMATS)[0], frozenset({"empty"}))


def not_audio(rng: Random, seeds: Seeds) -> Made:
    data = rng.choice(
        (
            b"Erwache, mein Herz, und singe.\n" * rng.randint(1, 500),
            "Mary had a little lamb\n".encode("utf-16") * rng.randint(1, 50),
            b"<!doctype html><title>404</title>",
            b'{"error": "not found"}',
            b"\x89PNG\r\n\x1a\n" + rng.randbytes(2000),
            b"PK\x03\x04" + rng.randbytes(2000),
            b"\xff\xf1\x50\x80" + rng.randbytes(2000),
            bytes(rng.randint(1, 5000)),
            b"\xff" * rng.randint(1, 5000),
        )
    )
    return Made(data, rng.choice(FORMATS)[0], frozenset({"format"}))


def not_media(rng: Random, seeds: Seeds) -> Made:
    magic = rng.choice((b"\0\0\0\x20ftypM4A ", b"\0\0\0\x10moov", b"\x1a\x45\xdf\xa3"))
    return Made(magic + rng.randbytes(2000), rng.choice(("m4a", "mp4", "webm")), REFUSED)


def few_samples(rng: Random, seeds: Seeds) -> Made:
    suffix, container, codec, rate = rng.choice(FORMATS[:10])
    count = rng.choice((0, 0, 1, 2, 399, 400, 401))
    sound = voice(rate, 1.0)[4000 : 4000 + count]
    expected = {"empty"} if count == 0 else {"ok", "warning", "empty"}
    return Made(encode(sound, rate, container, codec), suffix, frozenset(expected))


def not_finite(rng: Random, seeds: Seeds) -> Made:
    rate, channels = rng.choice((16_000, 44_100)), rng.randint(1, 3)
    sound = voice(rate, 2.5, channels).astype(np.float64)
    place, channel = rng.randrange(len(sound)), rng.randrange(channels)
    sound[place, channel] = rng.choice((np.nan, np.inf, -np.inf, 1e38, -1e6))
    codec = rng.choice(("FLOAT", "DOUBLE"))
    held = io.BytesIO()
    soundfile.write(held, sound, rate, format="WAV", subtype=codec)
    return Made(held.getvalue(), "wav", frozenset({"non_finite"}))


def odd_shape(rng: Random, seeds: Seeds) -> Made:
    rate, channels = rng.choice(((192_000, 2), (384_000, 1), (4_000, 1), (16_001, 8)))
    data = encode(voice(rate, 0.5, channels), rate, "WAV", "PCM_16")
    return Made(data, "wav", frozenset({"ok"}))


def too_many(rng: Random, seeds: Seeds) -> Made:
    rate, channels = rng.choice(((16_000, 9), (16_000, 32), (8_000, 1024), (3_999, 1), (384_001, 1)))
    data = encode(voice(rate, 0.05, channels), rate, "WAV", "PCM_16")
    return Made(data, "wav", frozenset({"too_large"}))


def forged_wav(rng: Random, seeds: Seeds) -> Made:
    data = bytearray(encode(voice(16_000, 1.0), 16_000, "WAV", "PCM_16"))
    rates = [(24, "<I", rate) for rate in (0, 1, 655_350, 2**31 - 1)]
    channels = [(22, "<H", count) for count in (0, 1024, 65_535)]
    place, code, value = rng.choice([*rates, *channels, (34, "<H", 0)])
    struct.pack_into(code, data, place, value)
    return Made(bytes(data), "wav", frozenset({"too_large", "corrupt"}))


def forged_flac(rng: Random, seeds: Seeds) -> Made:
    data = bytearray(encode(voice(16_000, 1.0), 16_000, "FLAC", "PCM_16"))
    packed = int.from_bytes(data[18:26], "big")
    total = rng.choice((0, 100, 2**33, 2**36 - 1))
    data[18:26] = (packed >> 36 << 36 | total).to_bytes(8, "big")
    return Made(bytes(data), "flac", frozenset({"ok"} if total < 16_000 else {"too_large"}))


def bomb(rng: Random, seeds: Seeds) -> Made:
    kind = rng.choice(("flac", "flac unknown", "flac small", "ogg", "opus", "mp3", "mp3 headerless", "wav"))
    expected = frozenset({"too_large"})
    if kind == "wav":
        size = 2**32 - 2**20
        header = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<I", 16)
        header += struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16) + b"data" + struct.pack("<I", size)
        return Made(header, "wav", expected, zeros_behind=size)
    suffix, _, forgery = kind.partition(" ")
    containers = {"flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS")}
    data = bytearray(seeds.bomb(*containers.get(suffix, ("MP3", "MPEG_LAYER_III"))))
    if suffix == "flac" and forgery:
        packed = int.from_bytes(data[18:26], "big")
        total = 0 if forgery == "unknown" else 48_000
        data[18:26] = (packed >> 36 << 36 | total).to_bytes(8, "big")
    elif forgery:
        data = bytearray(without_first_frame(bytes(data)))
    return Made(bytes(data), suffix, expected)


def quiet_or_loud(rng: Random, seeds: Seeds) -> Made:
    sound = voice(22_050, 1.2, 2)
    shape = rng.choice(("silent", "whisper", "clipped", "opposite", "offset"))
    if shape == "silent":
        sound[:] = 0
    elif shape == "whisper":
        sound *= 1e-4
    elif shape == "clipped":
        sound = np.sign(sound).astype(np.float32)
    elif shape == "opposite":
        sound[:, 1] = -sound[:, 0]
    else:
        sound[:] = 0.25
    return Made(encode(sound, 22_050, "WAV", "FLOAT"), "wav", frozenset({"warning"}))


KINDS: tuple[tuple[Callable[[Random, Seeds], Made], int], ...] = (
    (flipped, 5),
    (header_scrambled, 5),
    (overwritten, 4),
    (cut, 5),
    (hole, 3),
    (wrong_ending, 2),
    (headerless_mp3, 1),
    (two_in_one, 1),
    (streamed_wav, 1),
    (nothing, 1),
    (not_audio, 3),
    (not_media, 1),
    (few_samples, 2),
    (not_finite, 2),
    (odd_shape, 1),
    (too_many, 2),
    (forged_wav, 2),
    (forged_flac, 1),
    (bomb, 1),
    (quiet_or_loud, 1),
)


def write(made: Made, path: Path) -> None:
    """Writes a case; zeros behind it take no room on the disk."""
    path.write_bytes(made.data)
    if made.zeros_behind:
        with path.open("r+b") as stream:
            stream.truncate(len(made.data) + made.zeros_behind)
