"""The front ends that public speaker networks were trained on, as torch modules that export whole to ONNX.

Shapes: samples [batch, samples] at 16 kHz in [-1, 1], lengths [batch] in samples; spectrograms
[batch, frames, mels]. Each clip's mean over time is taken from each mel bin, as both toolkits do.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.audio import SAMPLE_RATE
from affekt.frontend import LogMel, Normalisation
from affekt.models.masking import length_mask, masked_mean

Features = Literal["log-mel", "kaldi", "speechbrain"]
Window = Literal["hamming", "povey"]

WINDOW, HOP = 400, 160
"""25 ms and 10 ms."""

_FLOAT32_EPSILON = 1.1920928955078125e-07


class _Fbank(nn.Module):
    """Samples through a kernel of cosines and sines, and the energies through mel filters."""

    kernel: Tensor
    filters: Tensor

    def __init__(self, kernel: Tensor, filters: Tensor) -> None:
        super().__init__()
        self.window, self.hop = WINDOW, HOP
        self.register_buffer("kernel", kernel.float()[:, None], persistent=False)
        self.register_buffer("filters", filters.float(), persistent=False)

    def energies(self, samples: Tensor) -> Tensor:
        """Mel energies [batch, frames, mels] of all whole windows."""
        spectrum = functional.conv1d(samples[:, None], self.kernel, stride=self.hop)
        real, imaginary = spectrum.chunk(2, dim=1)
        return (real.square() + imaginary.square()).transpose(1, 2) @ self.filters


class KaldiFbank(_Fbank):
    """Kaldi's log mel filter bank without dither, less the clip's mean (kaldi: feat/feature-fbank.cc).

    Frames of 25 ms every 10 ms, whole ones alone (`snip_edges`), so that up to 10 ms at a clip's end are not
    heard; a clip shorter than one frame is filled with zeros. Each frame loses its mean, is pre-emphasised
    (0.97) and windowed; 512-point power spectrum; triangles on the mel scale from 20 Hz to 8 kHz; the
    logarithm of energies of 16-bit samples, at least the epsilon of float32. All before the squares is
    linear, and is one kernel here.

    Args:
        mels: mel bins.
        window: `hamming` as WeSpeaker's recipes say, or Kaldi's own `povey`.
    """

    def __init__(self, *, mels: int = 80, window: Window = "hamming") -> None:
        centre = torch.eye(WINDOW, dtype=torch.float64) - 1 / WINDOW
        emphasis = torch.eye(WINDOW, dtype=torch.float64)
        emphasis -= 0.97 * torch.diag(torch.ones(WINDOW - 1, dtype=torch.float64), -1)
        emphasis[0, 0] -= 0.97
        kernel = _fourier(512) * _taper(window) @ emphasis @ centre
        super().__init__(kernel, _kaldi_filters(mels))

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Whole frames [batch] in each clip; at least one."""
        return 1 + (lengths - self.window).clamp(min=0) // self.hop

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Spectrograms [batch, frames, mels], zero beyond each clip's end, and frames [batch]."""
        samples = samples * length_mask(lengths, samples.shape[1]) * 2.0**15
        # A window of zeros behind the longest clip gives a tiny one a whole frame.
        energies = self.energies(functional.pad(samples, (0, self.window)))
        logarithm = energies.clamp(min=_FLOAT32_EPSILON).log()
        return _without_mean(logarithm, self.frame_lengths(lengths))


class SpeechBrainFbank(_Fbank):
    """SpeechBrain's filter bank in dB, less the clip's mean (speechbrain: lobes/features.py, Fbank).

    Frames of 25 ms centred every 10 ms, zeros around the clip; Hamming window; 400-point power spectrum;
    triangles as wide to the right as to the left on the mel scale from 0 Hz to 8 kHz; 10 log10 of energies
    of at least 1e-10, and at most 80 dB below the clip's loudest bin.

    Args:
        mels: mel bins.
    """

    def __init__(self, *, mels: int = 80) -> None:
        taper = torch.hamming_window(WINDOW, periodic=True, dtype=torch.float64)
        super().__init__(_fourier(WINDOW) * taper, _speechbrain_filters(mels))

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Frames [batch] whose centres lie in each clip or at its end."""
        return 1 + lengths // self.hop

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Spectrograms [batch, frames, mels], zero beyond each clip's end, and frames [batch]."""
        samples = samples * length_mask(lengths, samples.shape[1])
        energies = self.energies(functional.pad(samples, (self.window // 2, self.window // 2)))
        decibels = 10 * energies.clamp(min=1e-10).log10()
        frames = self.frame_lengths(lengths)
        beyond = length_mask(frames, decibels.shape[1])[..., None] == 0
        loudest = decibels.masked_fill(beyond, -100.0).amax((1, 2), keepdim=True)
        return _without_mean(torch.maximum(decibels, loudest - 80), frames)


def make_frontend(
    features: Features, *, mels: int, window_ms: float, hop_ms: float, normalisation: Normalisation
) -> nn.Module:
    """Affekt's own front end, or one of public networks, which have frames and normalisation of their own."""
    match features:
        case "kaldi":
            return KaldiFbank(mels=mels)
        case "speechbrain":
            return SpeechBrainFbank(mels=mels)
        case "log-mel":
            return LogMel(mels=mels, window_ms=window_ms, hop_ms=hop_ms, normalisation=normalisation)


def _without_mean(logarithm: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    mask = length_mask(frames, logarithm.shape[1])[..., None]
    return (logarithm - masked_mean(logarithm, mask, dim=(1,))) * mask, frames


def _fourier(size: int) -> Tensor:
    """Cosines and sines [2 * (size / 2 + 1), WINDOW] in float64."""
    time = torch.arange(WINDOW, dtype=torch.float64)
    angle = 2 * torch.pi / size * torch.arange(size // 2 + 1, dtype=torch.float64)[:, None] * time
    return torch.cat([angle.cos(), -angle.sin()])


def _taper(window: Window) -> Tensor:
    if window == "povey":
        return torch.hann_window(WINDOW, periodic=False, dtype=torch.float64) ** 0.85
    return torch.hamming_window(WINDOW, periodic=False, dtype=torch.float64)


def _mel(hertz: float) -> float:
    return 1127 * math.log(1 + hertz / 700)


def _kaldi_filters(mels: int) -> Tensor:
    """Triangles [257, mels] that are straight on the mel scale (kaldi: feat/mel-computations.cc)."""
    edges = torch.linspace(_mel(20.0), _mel(SAMPLE_RATE / 2), mels + 2, dtype=torch.float64)
    bins = 1127 * torch.log1p(torch.linspace(0, SAMPLE_RATE / 2, 257, dtype=torch.float64) / 700)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)


def _speechbrain_filters(mels: int) -> Tensor:
    """Triangles [201, mels] that are straight on the frequency axis (speechbrain: processing/features.py)."""
    edges = torch.linspace(0.0, _mel(SAMPLE_RATE / 2), mels + 2, dtype=torch.float64)
    hertz = 700 * (torch.exp(edges / 1127) - 1)
    bins = torch.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1, dtype=torch.float64)[:, None]
    slope = (bins - hertz[1:-1]) / (hertz[1:-1] - hertz[:-2])
    return torch.minimum(slope + 1, 1 - slope).clamp(min=0)
