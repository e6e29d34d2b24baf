"""Silencing a region takes that region away, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE
from affekt.explanation.maps import even_grid
from affekt.explanation.silence import SILENCED, Silencer, decibels
from tests.fixtures import toy


def tones(seconds: float = 1.0) -> NDArray[np.float32]:
    """500 Hz in the first half, 3 kHz in the second, 1.5 kHz all along."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    low, middle, high = (np.sin(2 * np.pi * hertz * time) for hertz in (500, 1500, 3000))
    return np.asarray(0.2 * middle + 0.3 * np.where(time < seconds / 2, low, high), np.float32)


def level(samples: NDArray[np.float32], hertz: float, start: float, end: float) -> float:
    """The amplitude of a tone between two times."""
    part = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(part)) / SAMPLE_RATE)
    return float(2 * abs(np.mean(part * wave)))


def test_a_silenced_band_is_gone_and_the_others_stay() -> None:
    samples = tones()
    grid = even_grid(1.0, 16, 10)
    band = int(np.searchsorted(grid.hertz, 500) - 1)
    mask = np.zeros(grid.shape, np.bool_)
    mask[band - 1 : band + 2, :5] = True
    heard = Silencer(samples).without(mask, grid)
    assert level(samples, 500, 0.1, 0.4) == pytest.approx(0.3, rel=0.02)
    assert level(heard, 500, 0.1, 0.4) < 0.003
    for hertz, start, end in ((1500, 0.1, 0.9), (3000, 0.6, 0.9)):
        assert level(heard, hertz, start, end) == pytest.approx(level(samples, hertz, start, end), rel=0.02)
    assert np.array_equal(heard[9000:], samples[9000:])


def test_all_silenced_is_eighty_decibels_less() -> None:
    samples = toy.speech()
    grid = even_grid(2.0, 4, 4)
    heard = Silencer(samples).without(np.ones(grid.shape, np.bool_), grid)
    assert np.abs(heard - SILENCED * samples).max() < 1e-5
    assert np.array_equal(Silencer(samples).without(np.zeros(grid.shape, np.bool_), grid), samples)


@given(
    length=st.integers(1, 3000), bands=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 99)
)
def test_what_is_taken_and_what_is_left_are_the_whole(
    length: int, bands: int, columns: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    samples = random.uniform(-1, 1, length).astype(np.float32)
    grid = even_grid(length / SAMPLE_RATE, bands, columns)
    mask = random.random(grid.shape) < 0.5
    silencer = Silencer(samples)
    both = silencer.without(mask, grid) + silencer.without(~mask, grid)
    assert both.shape == samples.shape and both.dtype == np.float32
    assert np.abs(both - (1 + SILENCED) * samples).max() < 1e-4


def test_the_level_of_a_tone_is_where_it_sounds() -> None:
    grid = even_grid(1.0, 64, 100)
    shown = decibels(tones(), grid)
    assert shown.shape == grid.shape
    for column, hertz in ((25, 500), (75, 3000)):
        loudest = int(shown[:, column].argmax())
        assert grid.hertz[loudest] - 40 < hertz < grid.hertz[loudest + 1] + 40
    assert shown.max() == pytest.approx(20 * np.log10(0.3) - 6, abs=4)
    assert decibels(np.zeros(10, np.float32), even_grid(10 / SAMPLE_RATE, 3, 1)).max() < -119
