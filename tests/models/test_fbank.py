"""The public networks' front ends against their definitions in numpy, and against Kaldi's own code."""

from __future__ import annotations

import kaldi_native_fbank
import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from affekt.models.fbank import KaldiFbank, SpeechBrainFbank, Window
from affekt.models.onnx import to_onnx
from tests.fixtures import toy

Array = NDArray[np.float64]
MODULES = [KaldiFbank(), SpeechBrainFbank()]


def mel(hertz: float) -> float:
    return float(1127.0 * np.log(1.0 + hertz / 700.0))


def kaldi(samples: NDArray[np.float32], mels: int, window: Window) -> Array:
    """Log mel energies [frames, mels], frame by frame as Kaldi's documentation has it, in float64."""
    wave = samples.astype(np.float64) * 32768
    frames = 1 + (len(wave) - 400) // 160
    cosine = np.cos(2 * np.pi * np.arange(400) / 399)
    taper = 0.54 - 0.46 * cosine if window == "hamming" else (0.5 - 0.5 * cosine) ** 0.85
    low, high = mel(20.0), mel(8000.0)
    step = (high - low) / (mels + 1)
    rows = []
    for frame in range(frames):
        piece = wave[160 * frame : 160 * frame + 400].copy()
        piece -= piece.mean()
        piece[1:] -= 0.97 * piece[:-1].copy()
        piece[0] -= 0.97 * piece[0]
        power = np.abs(np.fft.rfft(piece * taper, 512)) ** 2
        row = []
        for number in range(mels):
            left, centre, right = (low + (number + beside) * step for beside in (0, 1, 2))
            total = 0.0
            for bin_number in range(256):
                at = mel(bin_number * 16000 / 512)
                if left < at < right:
                    weight = (at - left) / step if at <= centre else (right - at) / step
                    total += weight * power[bin_number]
            row.append(np.log(max(total, float(np.finfo(np.float32).eps))))
        rows.append(row)
    return np.array(rows)


def speechbrain(samples: NDArray[np.float32], mels: int) -> Array:
    """Decibels [frames, mels] by a Fourier transform of each frame, in float64."""
    wave = np.pad(samples.astype(np.float64), 200)
    taper = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)
    starts = range(0, len(samples) + 1, 160)
    power = np.stack([np.abs(np.fft.rfft(wave[start : start + 400] * taper)) ** 2 for start in starts])
    points = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), mels + 2) / 2595) - 1)
    centre, band = points[1:-1], points[1:-1] - points[:-2]
    away = np.abs(np.linspace(0, 8000, 201)[:, None] - centre) / band
    decibels = 10 * np.log10(np.maximum(power @ np.maximum(1 - away, 0), 1e-10))
    return np.asarray(np.maximum(decibels, decibels.max() - 80))


def run(module: nn.Module, samples: NDArray[np.float32]) -> Array:
    found, frames = module(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
    return np.asarray(found[0, : int(frames)].double().numpy())


def voices() -> list[NDArray[np.float32]]:
    """Speech, a chirp far from 0, and a quiet one."""
    chirp = toy.clip("anger", 1, 0.31)
    return [toy.speech()[:9_123], chirp + np.float32(0.3), chirp * np.float32(1e-3)]


@pytest.mark.parametrize("window", ["hamming", "povey"])
@pytest.mark.parametrize("mels", [80, 40])
def test_kaldis_definition(mels: int, window: Window) -> None:
    for samples in voices():
        expected = kaldi(samples, mels, window)
        found = run(KaldiFbank(mels=mels, window=window), samples)
        assert found.shape == expected.shape
        assert np.abs(found - (expected - expected.mean(0))).max() < 5e-3
        assert np.abs(found - (expected - expected.mean(0))).mean() < 1e-4


@pytest.mark.parametrize("window", ["hamming", "povey"])
def test_kaldis_code(window: Window) -> None:
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither, options.frame_opts.window_type = 0.0, window
    options.mel_opts.num_bins, options.mel_opts.high_freq = 80, 0.0
    for samples in voices():
        computer = kaldi_native_fbank.OnlineFbank(options)
        computer.accept_waveform(16_000, (samples * 32768).tolist())
        computer.input_finished()
        expected = np.stack([computer.get_frame(at) for at in range(computer.num_frames_ready)])
        found = run(KaldiFbank(window=window), samples)
        assert found.shape == expected.shape
        assert np.abs(found - (expected - expected.mean(0))).mean() < 2e-4


@pytest.mark.parametrize("mels", [80, 40])
def test_speechbrains_definition(mels: int) -> None:
    for samples in voices():
        expected = speechbrain(samples, mels)
        found = run(SpeechBrainFbank(mels=mels), samples)
        assert found.shape == expected.shape
        assert np.abs(found - (expected - expected.mean(0))).max() < 5e-3


@pytest.mark.parametrize("module", MODULES)
def test_padding_is_not_heard(module: nn.Module) -> None:
    short, long = torch.from_numpy(toy.speech()[:9_123]), torch.from_numpy(toy.speech("neutral-10a02Na"))
    batch = torch.stack([torch.cat([short, torch.randn(len(long) - len(short))]), long])
    alone, count = module(short[None], torch.tensor([len(short)]))
    together, frames = module(batch, torch.tensor([len(short), len(long)]))
    assert int(count) == int(frames[0]) < int(frames[1]) <= together.shape[1]
    assert (together[0, : frames[0]] - alone[0, : frames[0]]).abs().max() < 1e-3
    assert not together[0, frames[0] :].any()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 2000))
def test_any_length_is_finite(length: int) -> None:
    for module in MODULES:
        found, frames = module(torch.randn(1, length), torch.tensor([length]))
        assert 1 <= int(frames) <= found.shape[1]
        assert found.isfinite().all()
        silent, _ = module(torch.zeros(1, length), torch.tensor([length]))
        assert silent.isfinite().all()


def test_kaldi_counts_whole_frames_alone() -> None:
    lengths = torch.tensor([1, 399, 400, 559, 560, 16_000])
    assert KaldiFbank().frame_lengths(lengths).tolist() == [1, 1, 1, 1, 2, 98]


class _Network(nn.Module):
    def __init__(self, frontend: nn.Module) -> None:
        super().__init__()
        self.frontend = frontend

    def forward(self, samples: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        spectrogram, frames = self.frontend(samples, lengths)
        return {"logits": spectrogram, "embedding": frames}


@pytest.mark.parametrize("module", MODULES)
def test_onnx_hears_the_same(module: nn.Module) -> None:
    session = onnxruntime.InferenceSession(to_onnx(_Network(module)), providers=["CPUExecutionProvider"])
    batch = torch.stack([torch.from_numpy(toy.speech()[:9_123]), torch.zeros(9_123)])
    lengths = torch.tensor([9_123, 77])
    expected, frames = module(batch, lengths)
    found, counted = session.run(None, {"samples": batch.numpy(), "lengths": lengths.numpy()})
    assert counted.tolist() == frames.tolist()
    assert np.abs(found - expected.numpy()).max() < 1e-2
    assert np.abs(found - expected.numpy()).mean() < 1e-4
