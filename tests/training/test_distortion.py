"""Levels, telephone lines and codecs: as often as asked, whole, by the generator alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt import recipe as recipes
from affekt.audio import SAMPLE_RATE
from affekt.errors import UsageError
from affekt.recipe import AugmentRecipe
from affekt.training.distortion import Samples, transmitted
from tests.fixtures import toy

SHARES = st.sampled_from([0.0, 0.5, 1.0])


def through(samples: Samples, seed: int = 0, **keys: Any) -> Samples:
    return transmitted(samples, AugmentRecipe(**keys), np.random.default_rng([seed, 3]))


def share_above(samples: Samples, hertz: float) -> float:
    """Of a clip's energy."""
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    return float(power[np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) > hertz].sum() / power.sum())


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 9000), gain=SHARES, telephone=SHARES, codec=SHARES, seed=st.integers(0, 2**32))
def test_nothing_is_cut_or_written_into_and_the_generator_decides(
    count: int, gain: float, telephone: float, codec: float, seed: int
) -> None:
    samples = toy.speech()[5000 : 5000 + count].copy()
    before = samples.copy()
    samples.flags.writeable = False
    keys = {"gain": gain, "telephone": telephone, "codec": codec}
    heard, again = (through(samples, seed, **keys) for _ in range(2))
    assert heard.dtype == np.float32 and np.isfinite(heard).all()
    assert len(heard) == count if not codec else count <= len(heard) <= count + SAMPLE_RATE // 5
    # A codec and a resampler overshoot what was clipped.
    assert np.abs(heard).max() <= 2
    assert np.array_equal(heard, again) and np.array_equal(samples, before)
    if not any(keys.values()):
        assert heard is samples


def test_a_telephone_line_has_its_band() -> None:
    voice = toy.speech() + 0.05 * np.random.default_rng(0).standard_normal(32_000).astype(np.float32)
    assert share_above(voice, 3600) > 0.1
    line = through(voice, telephone=1.0)
    assert share_above(line, 3600) < 0.01
    assert share_above(line, 250) > 0.98


@pytest.mark.parametrize("decibel", [-30, -6, 6])
def test_gain_is_what_was_asked(decibel: float) -> None:
    voice = toy.speech() * 0.3
    heard = through(voice, gain=1.0, gain_db=(decibel, decibel))
    ratio = np.sqrt((heard.astype(np.float64) ** 2).sum() / (voice.astype(np.float64) ** 2).sum())
    assert 20 * np.log10(ratio) == pytest.approx(decibel, abs=0.05)


def test_what_is_too_loud_is_clipped() -> None:
    voice = toy.speech() / np.abs(toy.speech()).max()
    heard = through(voice, gain=1.0, gain_db=(20, 20))
    assert (np.abs(heard) > 0.999).mean() > 0.02 and np.abs(heard).max() <= 1


def test_a_codec_of_few_bits_leaves_the_voice_where_it_was_but_for_its_delay() -> None:
    voice = toy.speech()
    # The encoder's delay, a granule of 576 samples, stays in front.
    for kbit in (8, 32):
        heard = through(voice, codec=1.0, codec_kbit=(kbit, kbit)).astype(np.float64)
        assert not np.array_equal(heard, voice)
        match = np.fft.irfft(np.fft.rfft(heard, 65_536) * np.conj(np.fft.rfft(voice, 65_536)))
        shift = int(np.abs(match).argmax())
        assert min(shift, 65_536 - shift) <= 576, (kbit, shift)


def test_shares_are_of_clips() -> None:
    voice = toy.speech()[:2000]
    changed = sum(through(voice, seed, telephone=0.3) is not voice for seed in range(300))
    assert 60 < changed < 120


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("augment.gain_db=[20,-30]", "gain_db is 20.0 to -30.0"),
        ("augment.codec_kbit=[4,32]", "from 8 to 160"),
        ("augment.telephone=2", "less than or equal to 1"),
        ("augment.telefone=1", "telephone"),
    ],
)
def test_settings_that_mean_nothing_are_refused(override: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recipes.load(None, [override])
