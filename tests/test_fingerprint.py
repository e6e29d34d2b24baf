"""Prints: the same for any blocks and gain, nearly the same through codecs, quiet where nothing is heard."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from affekt import audio
from affekt.audio.fingerprint import HOP, QUIET, WINDOW, Fingerprinter, Prints, fingerprint
from tests.fixtures.tiny import EXAMPLES

CLIPS = {path.stem: audio.read(path) for path in sorted(EXAMPLES.glob("*.flac"))}
SPEECH = CLIPS["anger-03a01Wa"]


def different(one: Prints, other: Prints) -> float:
    """The share of bits that differ where both are heard."""
    heard = (one != QUIET) & (other != QUIET)
    return float(np.bitwise_count(one[heard] ^ other[heard]).mean() / 32)


def coded(samples: NDArray[np.float32], form: str, subtype: str) -> NDArray[np.float32]:
    stream = io.BytesIO()
    soundfile.write(stream, samples, audio.SAMPLE_RATE, format=form, subtype=subtype)
    return audio.read(stream.getvalue())


@given(st.lists(st.integers(1, 9000), max_size=8))
def test_prints_do_not_depend_on_the_blocks(sizes: list[int]) -> None:
    maker = Fingerprinter()
    cuts = np.minimum(np.cumsum([0, *sizes]), len(SPEECH))
    for start, stop in zip(cuts, [*cuts[1:], len(SPEECH)], strict=True):
        maker.add(SPEECH[start:stop])
    np.testing.assert_array_equal(maker.prints(), fingerprint(SPEECH))


def test_there_is_a_print_for_each_hop_but_the_first_four() -> None:
    assert len(fingerprint(SPEECH)) == (len(SPEECH) - WINDOW) // HOP + 1 - 4


@pytest.mark.parametrize("gain", [1e-3, 0.1, 8.0])
def test_gain_changes_nothing(gain: float) -> None:
    assert different(fingerprint(SPEECH * np.float32(gain)), fingerprint(SPEECH)) < 0.001


@pytest.mark.parametrize(("form", "subtype"), [("MP3", "MPEG_LAYER_III"), ("OGG", "OPUS"), ("OGG", "VORBIS")])
def test_a_codec_changes_little(form: str, subtype: str) -> None:
    changed = fingerprint(coded(SPEECH, form, subtype))
    own = fingerprint(SPEECH)
    size = min(len(changed), len(own))
    assert different(changed[:size], own[:size]) < 0.15


def test_other_speech_is_as_different_as_chance() -> None:
    prints = [fingerprint(clip) for clip in CLIPS.values()]
    pairs = [(one, other) for at, one in enumerate(prints) for other in prints[at + 1 :]]
    assert all(0.4 < different(one, other) < 0.6 for one, other in pairs)


def test_silence_and_what_is_too_short_have_no_prints() -> None:
    assert not fingerprint(np.zeros(16_000, np.float32)).any()
    padded = fingerprint(np.pad(SPEECH, (16_000, 0)))
    assert not padded[:50].any()
    assert len(fingerprint(SPEECH[:2000])) == 0


def test_a_long_recording_is_printed_up_to_a_limit() -> None:
    maker = Fingerprinter(most=50)
    for _ in range(5):
        maker.add(SPEECH)
    assert len(maker.prints()) == 46
