"""The front end against librosa, and what it must not hear: gain, padding, the rest of the batch."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.frontend import LogMel, dft_kernel, mel_filters
from tests.fixtures import toy

WINDOW, HOP, DFT = 400, 160, 512


@pytest.mark.parametrize(("mels", "low", "high"), [(64, 20.0, 7600.0), (32, 20.0, 7600.0), (80, 0.0, 8000.0)])
def test_filters_are_slaneys(mels: int, low: float, high: float) -> None:
    expected = librosa.filters.mel(sr=16_000, n_fft=DFT, n_mels=mels, fmin=low, fmax=high)
    found = mel_filters(mels, DFT // 2 + 1, low, high).T.numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-6


def test_energies_are_librosas_mel_spectrogram() -> None:
    samples = toy.speech()
    kernel = dft_kernel(torch.hann_window(WINDOW, dtype=torch.float64), DFT, DFT // 2 + 1)
    spectrum = torch.nn.functional.conv1d(torch.from_numpy(samples)[None, None], kernel, stride=HOP)
    real, imaginary = spectrum.chunk(2, dim=1)
    filters = mel_filters(64, DFT // 2 + 1, 20.0, 7600.0)
    found = ((real.square() + imaginary.square()).transpose(1, 2) @ filters)[0].numpy()
    # librosa centres its 400 samples of window in 512.
    beside = (DFT - WINDOW) // 2
    expected = librosa.feature.melspectrogram(
        y=np.pad(samples, beside), sr=16_000, n_fft=DFT, hop_length=HOP, win_length=WINDOW, window="hann",
        center=False, power=2.0, n_mels=64, fmin=20.0, fmax=7600.0,
    ).T  # fmt: skip
    assert found.shape == expected.shape
    assert (np.abs(found - expected) / (expected + 1e-6 * expected.max())).max() < 1e-4


@pytest.mark.parametrize("normalisation", ["utterance", "bin"])
@pytest.mark.parametrize("gain", [0.03, 0.3, 3.0, 10.0])
def test_gain_is_not_heard(gain: float, normalisation: str) -> None:
    samples = torch.from_numpy(toy.speech())[None]
    lengths = torch.tensor([samples.shape[1]])
    frontend = LogMel(normalisation="bin" if normalisation == "bin" else "utterance")
    plain, _ = frontend(samples, lengths)
    louder, _ = frontend(samples * gain, lengths)
    assert plain.abs().max() > 1
    assert (plain - louder).abs().max() < 1e-3


def test_padding_is_not_heard() -> None:
    short, long = torch.from_numpy(toy.speech())[:9_123], torch.from_numpy(toy.speech("neutral-10a02Na"))
    batch = torch.stack([torch.cat([short, torch.randn(len(long) - len(short))]), long])
    frontend = LogMel()
    alone, frames = frontend(short[None], torch.tensor([len(short)]))
    together, both = frontend(batch, torch.tensor([len(short), len(long)]))
    assert both[0] == frames[0] == alone.shape[1] - 2
    assert (together[0, : frames[0]] - alone[0, : frames[0]]).abs().max() < 1e-4
    assert not together[0, frames[0] :].any()


def test_bin_takes_each_bins_mean_away_and_utterance_keeps_the_tilt() -> None:
    samples = torch.from_numpy(toy.speech())[None]
    lengths = torch.tensor([20_000])
    frames = int(LogMel().frame_lengths(lengths))
    by_bin, _ = LogMel(normalisation="bin")(samples, lengths)
    by_utterance, _ = LogMel(normalisation="utterance")(samples, lengths)
    assert by_bin[:, :frames].mean(1).abs().max() < 1e-5
    assert by_utterance[:, :frames].mean(1).std() > 0.5
    assert by_utterance.min() >= 0


def test_only_none_hears_how_loud_a_recording_is() -> None:
    samples = torch.from_numpy(toy.speech())[None]
    lengths = torch.tensor([20_000])
    quiet, loud = (LogMel(normalisation="none")(gain * samples, lengths)[0].mean() for gain in (0.1, 1.0))
    assert loud - quiet > 2


def test_silence_is_finite() -> None:
    found, _ = LogMel()(torch.zeros(1, 1000), torch.tensor([1000]))
    assert found.isfinite().all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5000))
def test_frames_cover_every_sample(length: int) -> None:
    frontend = LogMel(mels=16)
    frames = int(frontend.frame_lengths(torch.tensor([length])))
    assert (frames - 1) * HOP + WINDOW >= length
    assert frames == 1 or (frames - 2) * HOP + WINDOW < length
    spectrogram, counted = frontend(torch.randn(1, length), torch.tensor([length]))
    assert int(counted) == frames <= spectrogram.shape[1]
    assert spectrogram[0, :frames].isfinite().all()
