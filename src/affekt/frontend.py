"""From samples to spectrograms, as torch modules that export whole to ONNX.

Shapes: samples [batch, samples] at 16 kHz, lengths [batch] in samples; spectrograms [batch, frames, mels].
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.audio import SAMPLE_RATE
from affekt.models.masking import length_mask, masked_mean


def mel_filters(mels: int, bins: int, low_hz: float, high_hz: float) -> Tensor:
    """Triangular filters [bins, mels], equally spaced on Slaney's mel scale, each of unit area.

    The scale is linear below 1 kHz and logarithmic above (Slaney, Auditory Toolbox, 1998).
    """
    edges = _mel_to_hz(torch.linspace(_hz_to_mel(low_hz), _hz_to_mel(high_hz), mels + 2, dtype=torch.float64))
    bin_hz = torch.linspace(0, SAMPLE_RATE / 2, bins, dtype=torch.float64)
    rising = (bin_hz[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bin_hz[:, None]) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * 2 / (edges[2:] - edges[:-2])).float()


def dft_kernel(taper: Tensor, dft: int, bins: int) -> Tensor:
    """Windowed cosines and sines [2 * bins, 1, window]: the first bins of a DFT as a convolution."""
    time = torch.arange(len(taper), dtype=torch.float64)
    frequency = torch.arange(bins, dtype=torch.float64)
    angle = 2 * torch.pi * frequency[:, None] * time / dft
    return (torch.cat([angle.cos(), -angle.sin()]) * taper).float()[:, None]


class PowerSpectrum(nn.Module):
    """The squared magnitudes [batch, frames, bins] of windowed frames: the first bins of their DFT.

    By a fast transform; a graph to export has a convolution instead, which every runtime knows, and which
    gives the same within rounding. On a processor the transform takes a fifth of the convolution's time.
    """

    def __init__(self, taper: Tensor, *, hop: int, dft: int, bins: int) -> None:
        super().__init__()
        self.hop, self.dft, self.bins = hop, dft, bins
        self.taper: Tensor
        self.kernel: Tensor
        self.register_buffer("taper", taper.float(), persistent=False)
        self.register_buffer("kernel", dft_kernel(taper, dft, bins), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Of all whole windows of samples [batch, samples]."""
        if torch.compiler.is_exporting():
            spectrum = functional.conv1d(samples[:, None], self.kernel, stride=self.hop)
            real, imaginary = spectrum.chunk(2, dim=1)
            return (real.square() + imaginary.square()).transpose(1, 2)
        windows = samples.unfold(1, len(self.taper), self.hop) * self.taper
        transformed = torch.fft.rfft(windows, n=self.dft)[..., : self.bins]
        power: Tensor = transformed.real.square() + transformed.imag.square()
        return power


Normalisation = Literal["none", "utterance", "bin"]

REFERENCE_ENERGY = 1e-2
"""Mean mel energy of speech at about -30 dBFS; the floor of `none` lies `floor_db` below it, at 0."""


class LogMel(nn.Module):
    """Log-mel spectrogram, free of the recording's gain unless asked otherwise.

    Values are log(1 + energy / floor), so that 0 is silence: what padding, masks and the edges of a
    convolution hold is then quiet, not loud. `utterance` puts the floor `floor_db` from the utterance's mean
    energy: the gain is gone, and the spectral tilt that a raised voice has stays. `bin` takes each mel bin's
    mean over the utterance away too, and with it the colour of the channel, as speaker networks do. `none`
    has a fixed floor: loudness is a cue where all speakers kept the same distance from the same microphone,
    and misleads anywhere else.
    """

    def __init__(
        self,
        *,
        mels: int = 64,
        window_ms: float = 25.0,
        hop_ms: float = 10.0,
        low_hz: float = 20.0,
        high_hz: float = 7_600.0,
        floor_db: float = -60.0,
        normalisation: Normalisation = "utterance",
    ) -> None:
        super().__init__()
        self.window, self.hop = round(window_ms * SAMPLE_RATE / 1000), round(hop_ms * SAMPLE_RATE / 1000)
        dft = 2 ** math.ceil(math.log2(self.window))
        self.normalisation = normalisation
        self.floor = 10 ** (floor_db / 10)
        self.filters: Tensor
        taper = torch.hann_window(self.window, periodic=True, dtype=torch.float64)
        self.spectrum = PowerSpectrum(taper, hop=self.hop, dft=dft, bins=dft // 2 + 1)
        self.register_buffer("filters", mel_filters(mels, dft // 2 + 1, low_hz, high_hz), persistent=False)

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Frames [batch] that cover every sample of each utterance; at least one."""
        return covering(lengths, self.window, self.hop)

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Spectrograms [batch, frames, mels], zero beyond each utterance's end, and frames [batch]."""
        samples = samples * length_mask(lengths, samples.shape[1])
        # A window of zeros behind the longest clip gives its last samples, and a tiny clip, a whole frame.
        samples = functional.pad(samples, (0, self.window))
        energies = self.spectrum(samples) @ self.filters
        frames = self.frame_lengths(lengths)
        mask = length_mask(frames, energies.shape[1])[..., None]
        reference: Tensor | float = REFERENCE_ENERGY
        if self.normalisation != "none":
            # Not `+ 1e-12`: the exporter's optimiser takes so small a sum for none, and silence becomes NaN.
            reference = masked_mean(energies, mask, dim=(1,)).mean(-1, keepdim=True).clamp(min=1e-12)
        logarithm = torch.log1p(energies / (reference * self.floor))
        if self.normalisation == "bin":
            logarithm = logarithm - masked_mean(logarithm, mask, dim=(1,))
        return logarithm * mask, frames


class LogSpectrogram(nn.Module):
    """Log-power spectrogram of linear frequency in units of 20 dB; 0 is silence, and what padding holds.

    Values are log(1 + power / floor) / log(100). Frames have a Hamming window; power is that of the samples:
    white noise of variance v has the mean v in each bin. Without normalisation the floor is fixed, and a
    frame depends on its own samples alone; `utterance` puts it `FLOOR_DB` below the utterance's mean power,
    and the gain is gone. In these units speech spreads about as far as normalised pictures do.
    """

    def __init__(
        self,
        *,
        bins: int = 200,
        dft: int = 800,
        window_ms: float = 40.0,
        hop_ms: float = 10.0,
        normalisation: Literal["none", "utterance"] = "none",
    ) -> None:
        super().__init__()
        self.window, self.hop = round(window_ms * SAMPLE_RATE / 1000), round(hop_ms * SAMPLE_RATE / 1000)
        self.normalisation = normalisation
        taper = torch.hamming_window(self.window, periodic=True, dtype=torch.float64)
        taper = taper / taper.square().sum().sqrt()
        self.spectrum = PowerSpectrum(taper, hop=self.hop, dft=dft, bins=bins)

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Frames [batch] that cover every sample of each utterance; at least one."""
        return covering(lengths, self.window, self.hop)

    def power(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Power [batch, frames, bins], zero beyond each utterance's end, and frames [batch]."""
        samples = samples * length_mask(lengths, samples.shape[1])
        # A window of zeros behind the longest clip gives its last samples, and a tiny clip, a whole frame.
        samples = functional.pad(samples, (0, self.window))
        power = self.spectrum(samples)
        frames = self.frame_lengths(lengths)
        return power * length_mask(frames, power.shape[1])[..., None], frames

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Spectrograms [batch, frames, bins], zero beyond each utterance's end, and frames [batch]."""
        power, frames = self.power(samples, lengths)
        reference: Tensor | float = REFERENCE_POWER
        if self.normalisation == "utterance":
            reference = utterance_power(power, frames)
        return compressed(power / reference), frames


def utterance_power(power: Tensor, frames: Tensor) -> Tensor:
    """The mean power [batch, 1, 1] of utterances [batch, frames, bins], at least that of silence."""
    mask = length_mask(frames, power.shape[1])[..., None]
    return masked_mean(power, mask, dim=(1,)).mean(-1, keepdim=True).clamp(min=SILENT_POWER)


def compressed(power: Tensor) -> Tensor:
    """Power relative to a reference in units of 20 dB above the floor, `FLOOR_DB` from that reference."""
    return torch.log1p(power / 10 ** (FLOOR_DB / 10)) / math.log(100)


SILENT_POWER = 1e-12
"""Mean power below which nothing is made louder."""

REFERENCE_POWER = 2e-3
"""Mean power of speech at about -30 dBFS in each bin below 4 kHz."""

FLOOR_DB = -60.0


def covering(lengths: Tensor, window: int, hop: int) -> Tensor:
    """Frames [batch] that cover every sample; at least one."""
    beyond_first = (lengths - window).clamp(min=0)
    return 1 + (beyond_first + hop - 1) // hop


def _hz_to_mel(hz: float) -> float:
    if hz < 1000:
        return hz * 3 / 200
    return 15 + 27 * float(torch.log(torch.tensor(hz / 1000, dtype=torch.float64)) / _LOG_6_4)


def _mel_to_hz(mel: Tensor) -> Tensor:
    return torch.where(mel < 15, mel * 200 / 3, 1000 * torch.exp((mel - 15) / 27 * _LOG_6_4))


_LOG_6_4 = torch.log(torch.tensor(6.4, dtype=torch.float64))
