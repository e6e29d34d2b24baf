"""Changes to samples: exact ratios and lengths, no shift in time, and a function of the generator alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE
from affekt.errors import UsageError
from affekt.waves import (
    Samples,
    add_noise,
    babble,
    change_speed,
    coloured_noise,
    crop,
    fast_length,
    mix,
    reverberate,
    simulate_response,
)

SEEDS = st.integers(0, 2**32)
COUNTS = st.integers(1, 6000)


def wave(count: int, seed: int = 0, level: float = 0.1) -> Samples:
    """Noise under a slope: no two parts of it are alike, and it has a beginning and an end."""
    noise = default_rng(seed).standard_normal(count) * np.linspace(0.5, 1, count)
    return (level * noise).astype(np.float32)


def tone(hertz: float, count: int = SAMPLE_RATE) -> Samples:
    return np.sin(2 * np.pi * hertz * np.arange(count) / SAMPLE_RATE).astype(np.float32)


def energy(samples: NDArray[np.floating]) -> float:
    return float((samples.astype(np.float64) ** 2).sum())


def loudest_hertz(samples: Samples) -> float:
    size = 2**18
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    return float(spectrum.argmax() * SAMPLE_RATE / size)


@given(count=COUNTS, seconds=st.floats(1e-3, 0.4), seed=SEEDS)
def test_a_crop_is_a_part_of_the_recording_or_the_recording_repeated(
    count: int, seconds: float, seed: int
) -> None:
    samples = np.arange(count, dtype=np.float32)
    part = crop(samples, seconds, default_rng(seed))
    assert part.dtype == np.float32
    assert len(part) == round(seconds * SAMPLE_RATE)
    if len(part) <= count:
        assert part.tolist() == list(range(int(part[0]), int(part[0]) + len(part)))
    else:
        assert part.tolist() == [at % count for at in range(len(part))]


def test_crops_reach_both_ends_and_all_between() -> None:
    rng = default_rng(0)
    starts = {int(crop(np.arange(20, dtype=np.float32), 16 / SAMPLE_RATE, rng)[0]) for _ in range(200)}
    assert starts == {0, 1, 2, 3, 4}


@given(
    count=COUNTS,
    noise=st.integers(1, 9000),
    snr_db=st.floats(-30, 60),
    level=st.floats(1e-4, 1),
    seed=st.integers(0, 99),
)
def test_noise_is_added_at_the_ratio_asked_for(
    count: int, noise: int, snr_db: float, level: float, seed: int
) -> None:
    samples = wave(count, seed)
    noisy = add_noise(samples, wave(noise, seed + 1, level), snr_db)
    assert noisy.dtype == np.float32
    assert len(noisy) == count
    added = noisy.astype(np.float64) - samples
    # What float32 keeps of a noise 60 dB below a single sample.
    assert 10 * math.log10(energy(samples) / energy(added)) == pytest.approx(snr_db, abs=0.01)


@given(
    st.integers(1, 3000), st.integers(1, 3000), st.floats(0.01, 0.5), st.floats(1e-3, 1e3), st.integers(0, 9)
)
def test_a_mix_holds_both_at_one_level(count: int, other: int, share: float, level: float, seed: int) -> None:
    samples, second = wave(count, seed), wave(other, seed + 1, level)
    mixed = mix(samples, second, share)
    assert mixed.dtype == np.float32 and len(mixed) == count
    assert np.array_equal(mix(samples, second, 0), samples)
    assert np.array_equal(mix(samples, np.zeros(other, np.float32), share), samples)
    fitted = np.resize(second, count).astype(np.float64)
    scale = math.sqrt(energy(samples) / energy(fitted))
    expected = ((1 - share) * samples + share * scale * fitted) / math.hypot(1 - share, share)
    np.testing.assert_allclose(mixed, expected, atol=1e-6)


def test_a_short_noise_is_repeated_and_a_long_one_cut() -> None:
    samples = wave(1000)
    short, long = wave(300, seed=1), wave(5000, seed=2)
    added = add_noise(samples, short, 0) - samples
    np.testing.assert_allclose(added[300:600], added[:300], atol=1e-7)
    np.testing.assert_allclose(add_noise(samples, long, 3), add_noise(samples, long[:1000], 3))


def test_silence_stays_silent_and_a_silent_noise_adds_nothing() -> None:
    silence, samples = np.zeros(100, np.float32), wave(100)
    assert not add_noise(silence, samples, 10).any()
    assert add_noise(samples, silence, 10).tolist() == samples.tolist()
    assert not babble([silence, silence], 50, default_rng(0)).any()
    assert not reverberate(silence, simulate_response(default_rng(0))).any()


@pytest.mark.parametrize("exponent", [0, 1, 2, -1])
def test_coloured_noise_falls_as_its_exponent_says(exponent: float) -> None:
    noise = coloured_noise(2**18, default_rng(3), exponent)
    frames = noise.reshape(-1, 2048) * np.hanning(2048)
    power = (np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0)
    hertz = np.fft.rfftfreq(2048, 1 / SAMPLE_RATE)
    heard = (hertz > 100) & (hertz < 7000)
    slope = np.polyfit(np.log(hertz[heard]), np.log(power[heard]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.06)


def test_brown_noise_is_not_below_what_is_heard() -> None:
    power = np.abs(np.fft.rfft(coloured_noise(2**16, default_rng(0), 2))) ** 2
    assert power[np.fft.rfftfreq(2**16, 1 / SAMPLE_RATE) < 19].sum() < 1e-6 * power.sum()


@given(count=st.integers(1, 5000), exponent=st.floats(-2, 3), seed=SEEDS)
def test_coloured_noise_has_its_length_and_an_rms_of_one(count: int, exponent: float, seed: int) -> None:
    noise = coloured_noise(count, default_rng(seed), exponent)
    assert noise.dtype == np.float32
    assert len(noise) == count
    assert energy(noise) == pytest.approx(count, rel=1e-4)


@settings(max_examples=50)
@given(
    lengths=st.lists(st.integers(20, 3000), min_size=1, max_size=7), count=st.integers(20, 5000), seed=SEEDS
)
def test_babble_has_its_length_and_an_rms_of_one(lengths: list[int], count: int, seed: int) -> None:
    clips = [wave(length, seed=at, level=10.0**-at) for at, length in enumerate(lengths)]
    voices = babble(clips, count, default_rng(seed))
    assert voices.dtype == np.float32
    assert len(voices) == count
    assert energy(voices) == pytest.approx(count, rel=1e-4)


def test_a_quiet_voice_babbles_as_loud_as_the_others() -> None:
    voices = babble([tone(500), 1e-3 * tone(1500), np.zeros(9, np.float32)], SAMPLE_RATE, default_rng(0))
    spectrum = np.abs(np.fft.rfft(voices))
    assert spectrum[500] == pytest.approx(spectrum[1500], rel=1e-3)


@given(count=COUNTS, before=st.integers(0, 50), after=st.integers(0, 9000), sign=st.sampled_from([0.3, 1]))
def test_an_impulse_changes_nothing_wherever_it_stands(
    count: int, before: int, after: int, sign: float
) -> None:
    samples = wave(count)
    impulse = np.zeros(before + 1 + after, np.float32)
    impulse[before] = sign
    heard = reverberate(samples, impulse)
    assert heard.dtype == np.float32
    np.testing.assert_allclose(heard, samples, atol=1e-6)


@settings(max_examples=30)
@given(count=COUNTS, size=st.integers(1, 3000), seed=st.integers(0, 99))
def test_a_room_is_a_convolution_as_loud_as_before(count: int, size: int, seed: int) -> None:
    samples, response = wave(count, seed), wave(size, seed + 100)
    heard = reverberate(samples, response)
    direct = int(np.abs(response).argmax())
    expected = np.convolve(samples.astype(np.float64), response)[direct : direct + count]
    expected *= math.sqrt(energy(samples) / energy(expected))
    assert len(heard) == count
    assert energy(heard) == pytest.approx(energy(samples), rel=1e-5)
    np.testing.assert_allclose(heard, expected, atol=1e-4)


@settings(max_examples=30)
@given(seed=SEEDS, delay=st.integers(0, 500))
def test_the_direct_path_does_not_shift(seed: int, delay: int) -> None:
    click = np.zeros(8000, np.float32)
    click[4000] = 1
    response = np.pad(simulate_response(default_rng(seed)), (delay, 0))
    heard = reverberate(click, response)
    assert int(np.abs(heard).argmax()) == 4000
    assert np.abs(heard[:4000]).max() < 1e-4 * np.abs(heard).max()


@settings(max_examples=30)
@given(seed=SEEDS, seconds=st.floats(0.2, 1), ratio=st.floats(0, 20))
def test_a_simulated_room_falls_by_sixty_decibels_within_its_time(
    seed: int, seconds: float, ratio: float
) -> None:
    response = simulate_response(default_rng(seed), rt60=(seconds, seconds), direct_db=(ratio, ratio))
    assert response.dtype == np.float32
    assert len(response) == round(seconds * SAMPLE_RATE)
    assert response[0] == 1 == np.abs(response).max()
    assert not response[1:32].any()
    assert -10 * math.log10(energy(response[1:])) == pytest.approx(ratio, abs=1e-3)
    # Schroeder's backward integration, JASA 37, 1965: the slope of what is still to come.
    left = np.cumsum(response[::-1].astype(np.float64) ** 2)[::-1]
    late = slice(800, len(response) // 2)
    slope = np.polyfit(np.arange(len(response))[late], 10 * np.log10(left[late]), 1)[0]
    assert -60 / slope / SAMPLE_RATE == pytest.approx(seconds, rel=0.25)


def test_early_reflections_are_single_and_as_strong_as_the_tail_promises() -> None:
    early, late = [], []
    for seed in range(200):
        response = simulate_response(default_rng(seed), rt60=(0.5, 0.5))
        assert 6 <= np.count_nonzero(response[1:800]) <= 24
        early.append(energy(response[1:800]) / energy(response[1:]))
        late.append(energy(response[800:]) / energy(response[1:]))
    # Under 60 dB in half a second, 50 ms hold 1 - 10**-0.6 of the energy.
    assert np.mean(early) == pytest.approx(1 - 10**-0.6, abs=0.02)
    assert np.mean(late) == pytest.approx(10**-0.6, abs=0.02)


@given(count=st.integers(1, 20_000), factor=st.floats(0.5, 2))
def test_speed_gives_the_length_it_says(count: int, factor: float) -> None:
    changed = change_speed(wave(count), factor)
    assert changed.dtype == np.float32
    assert len(changed) == max(1, round(count / factor))
    assert np.isfinite(changed).all()


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1])
def test_speed_moves_tempo_and_pitch_together(factor: float) -> None:
    samples = np.concatenate([tone(200), 0.1 * tone(200)])
    changed = change_speed(samples, factor)
    assert loudest_hertz(changed) == pytest.approx(200 * factor, abs=0.5)
    fall = round(SAMPLE_RATE / factor)
    assert np.abs(changed[fall - 400 : fall - 100]).max() == pytest.approx(1, abs=0.01)
    assert np.abs(changed[fall + 100 : fall + 400]).max() == pytest.approx(0.1, abs=0.01)


def test_speeding_up_does_not_fold_back_what_no_longer_fits() -> None:
    changed = change_speed(tone(7600), 1.1)
    assert energy(changed[200:-200]) < 1e-4 * len(changed)


DRAWN: dict[str, Callable[[Generator], Samples]] = {
    "crop": lambda rng: crop(wave(900), 0.01, rng),
    "coloured_noise": lambda rng: coloured_noise(100, rng, 1),
    "babble": lambda rng: babble([wave(900), wave(50, seed=1)], 400, rng),
    "simulate_response": simulate_response,
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_generator_decides(name: str) -> None:
    draw = DRAWN[name]
    first, again, other = (draw(default_rng([7, epoch, 3])) for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_arguments_are_left_alone() -> None:
    samples, other = wave(4000), wave(500, seed=1)
    before = samples.copy(), other.copy()
    for part in (samples, other):
        part.flags.writeable = False
    add_noise(samples, other, 5)
    babble([samples, other], 900, default_rng(0))
    reverberate(samples, other)
    change_speed(samples, 1.1)
    np.testing.assert_array_equal(samples, before[0])
    np.testing.assert_array_equal(other, before[1])


@given(st.integers(1, 200_000))
def test_transforms_havefast_lengths(count: int) -> None:
    length = fast_length(count)
    assert count <= length <= 1.2 * count + 1
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1


REFUSED: dict[str, Callable[[], Samples]] = {
    "crop: 0 s": lambda: crop(wave(5), 0, default_rng(0)),
    "of 0 samples": lambda: crop(wave(0), 1, default_rng(0)),
    "count is 0": lambda: coloured_noise(0, default_rng(0), 1),
    "babble: 10 samples of 0 clips": lambda: babble([], 10, default_rng(0)),
    "babble: 10 samples of 1 clips": lambda: babble([wave(0)], 10, default_rng(0)),
    "response: empty or silent": lambda: reverberate(wave(5), np.zeros(3, np.float32)),
    "start at 0.1 s": lambda: simulate_response(default_rng(0), rt60=(0.01, 1)),
    "at 0 dB": lambda: simulate_response(default_rng(0), direct_db=(-3, 1)),
    "factor is 3": lambda: change_speed(wave(5), 3),
    "factor is nan": lambda: change_speed(wave(5), math.nan),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_done_is_refused(message: str) -> None:
    with pytest.raises(UsageError, match=message):
        REFUSED[message]()
