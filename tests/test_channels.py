"""Lines and codecs: what they take away, and what they leave."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt import channels
from affekt.errors import UsageError
from tests.fixtures import toy

RATE = 16_000


def power(samples: np.ndarray, low: float, high: float) -> float:
    """Energy between two frequencies."""
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    return float(spectrum[(frequencies >= low) & (frequencies < high)].sum())


def noise(seconds: float = 2.0) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE))).astype(np.float32)


def test_eight_kilohertz_end_at_four() -> None:
    heard, before = channels.narrow(noise()), noise()
    assert power(heard, 4200, 8000) < 1e-3 * power(before, 4200, 8000)
    assert power(heard, 100, 3500) == pytest.approx(power(before, 100, 3500), rel=0.02)


def test_a_telephone_line_has_its_band() -> None:
    heard, before = channels.telephone(noise()), noise()
    assert power(heard, 0, 150) < 0.05 * power(before, 0, 150)
    assert power(heard, 3600, 8000) < 0.02 * power(before, 3600, 8000)
    assert power(heard, 400, 3300) == pytest.approx(power(before, 400, 3300), rel=0.1)


@given(st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=50))
def test_mu_law_is_true_to_a_few_hundredths_and_monotonic(values: list[float]) -> None:
    samples = np.sort(np.array(values, np.float32))
    heard = channels.mu_law(samples)
    assert (np.diff(heard) >= 0).all()
    assert np.abs(heard - np.clip(samples, -1, 1)).max() < 0.025
    assert np.array_equal(channels.mu_law(-samples), -heard)


@given(st.integers(1, 4000))
def test_lines_keep_the_length(count: int) -> None:
    samples = toy.speech()[5000 : 5000 + count]
    for line in (channels.narrow, channels.telephone):
        assert len(line(samples)) == count
        assert np.isfinite(line(samples)).all()


@pytest.mark.parametrize("kbit", [8, 16, 32, 64])
def test_mp3_has_the_bit_rate_asked_for(kbit: int) -> None:
    clip = np.tile(toy.speech(), 5)
    heard = channels.mp3(clip, kbit)
    size = len(channels.encode_mp3(clip, kbit))
    assert 8 * size / (len(clip) / RATE) == pytest.approx(1000 * kbit, rel=0.1)
    assert 0 <= len(heard) - len(clip) < RATE // 4
    assert power(heard, 200, 2000) == pytest.approx(power(clip, 200, 2000), rel=0.25)


def test_an_unknown_bit_rate_is_refused() -> None:
    with pytest.raises(UsageError, match="mp3: 320 kbit/s"):
        channels.mp3(toy.speech(), 320)


def test_gain_clips_and_loses_like_sixteen_bits() -> None:
    clip = toy.speech()
    assert np.abs(channels.gain(clip, 60)).max() <= 1
    assert np.allclose(channels.gain(clip, -6.0206), clip / 2, atol=2e-5)
    assert not channels.gain(clip, -120).any()


def test_several_channels_become_their_mean() -> None:
    clip = toy.speech()
    both = np.stack([clip, 0 * clip], axis=1)
    assert np.allclose(channels.several(both), clip / 2, atol=1e-6)
