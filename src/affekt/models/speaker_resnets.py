"""SpeechBrain's speaker network: a pre-activated residual network that looks where attention points.

After speechbrain: lobes/models/ResNet.py (M. Rouvier, 2022). The first two stages have squeeze-and-excitation
(Hu et al., CVPR 2018, section 3), pooling is attentive statistics.
Shapes: maps [batch, channels, mels, frames].
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.frontend import Normalisation
from affekt.models.fbank import Features, make_frontend
from affekt.models.masking import MaskedBatchNorm2d, StridedPointwise, length_mask, masked_mean
from affekt.models.pooling import AttentiveStatisticsPooling
from affekt.models.resnet_stats import CosineHead

STRIDES = (1, 2, 2, 2)
SQUEEZED_STAGES = 2


class Squeeze(nn.Module):
    """Weighs each channel by what its mean over the real frames says of all of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Linear(channels, channels)
        self.outer = nn.Linear(channels, channels)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        mean = masked_mean(features.mean(2, keepdim=True), mask, dim=(3,)).flatten(1)
        weights: Tensor = self.outer(functional.relu(self.inner(mean))).sigmoid()
        return features * weights[..., None, None]


class PreActivatedBlock(nn.Module):
    """Normalisation and ReLU before each of three convolutions (He et al., ECCV 2016); all masked."""

    def __init__(self, channels_in: int, channels: int, stride: int, *, squeeze: bool) -> None:
        super().__init__()
        self.stride = stride
        self.bn1 = MaskedBatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn2 = MaskedBatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn3 = MaskedBatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels, 1, bias=False)
        self.squeeze = Squeeze(channels) if squeeze else None
        self.shortcut: nn.ModuleList | None = None
        if stride != 1 or channels_in != channels:
            convolution = StridedPointwise(channels_in, channels, stride)
            self.shortcut = nn.ModuleList([convolution, MaskedBatchNorm2d(channels)])

    def forward(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        residual = features
        features = self.conv1(functional.relu(self.bn1(features, mask)))
        mask = mask[..., :: self.stride]
        if self.shortcut is not None:
            convolution, normalisation = self.shortcut
            residual = normalisation(convolution(residual), mask)
        features = self.conv2(functional.relu(self.bn2(features, mask)))
        features = self.conv3(functional.relu(self.bn3(features, mask)))
        if self.squeeze is not None:
            features = self.squeeze(features, mask)
        return features + residual, mask


class AttentiveResNet(nn.Module):
    """Samples in; logits, embedding out. The embedding is what the head decides from.

    Args:
        classes: number of outputs of the head.
        channels: channels of the four stages.
        blocks: blocks of the four stages.
        attention: size of the layer that decides where to look.
        features, mels, window_ms, hop_ms, normalisation: the frontend (`make_frontend`).
        embedding: size of the embedding.
        head: `linear`, or `cosine` for margin losses, whose logits are cosines in [-1, 1].
    """

    def __init__(
        self,
        classes: int,
        *,
        channels: tuple[int, ...] = (128, 128, 256, 256),
        blocks: tuple[int, ...] = (3, 4, 6, 3),
        attention: int = 128,
        features: Features = "speechbrain",
        mels: int = 80,
        window_ms: float = 25.0,
        hop_ms: float = 10.0,
        normalisation: Normalisation = "utterance",
        embedding: int = 256,
        head: Literal["linear", "cosine"] = "linear",
    ) -> None:
        super().__init__()
        self.frontend = make_frontend(
            features, mels=mels, window_ms=window_ms, hop_ms=hop_ms, normalisation=normalisation
        )
        self.conv1 = nn.Conv2d(1, channels[0], 3, padding=1, bias=False)
        self.bn1 = MaskedBatchNorm2d(channels[0])
        stages, channels_in, bins = [], channels[0], mels
        for number, (wide, depth, stride) in enumerate(zip(channels, blocks, STRIDES, strict=True)):
            squeeze = number < SQUEEZED_STAGES
            first = PreActivatedBlock(channels_in, wide, stride, squeeze=squeeze)
            others = (PreActivatedBlock(wide, wide, 1, squeeze=squeeze) for _ in range(depth - 1))
            stages.append(nn.ModuleList([first, *others]))
            channels_in, bins = wide, -(-bins // stride)
        self.layers = nn.ModuleList(stages)
        size = channels_in * bins
        self.pooling = AttentiveStatisticsPooling(size, attention)
        self.bn_pooled = MaskedBatchNorm2d(2 * size)
        # No bias: the batch normalisation behind it would take it away again.
        self.embedding = nn.Linear(2 * size, embedding, bias=False)
        self.bn_embedding = MaskedBatchNorm2d(embedding)
        self.head = CosineHead(embedding, classes) if head == "cosine" else nn.Linear(embedding, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, samples: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """samples [batch, samples], lengths [batch] -> logits [batch, classes], embedding [batch, size]."""
        return self.score(*self.frontend(samples, lengths))

    def score(self, spectrogram: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """The same from spectrograms [batch, frames, mels]: where SpecAugment stands between the two."""
        mask = length_mask(frames, spectrogram.shape[1])[:, None, None]
        features = functional.relu(self.bn1(self.conv1(spectrogram.transpose(1, 2)[:, None]), mask))
        for stage in self.layers:
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                features, mask = block(features, mask)
        whole = features.new_ones(1, 1, 1, 1)
        pooled = self.bn_pooled(self.pooling(features, mask)[..., None, None], whole).flatten(1)
        embedding = self.bn_embedding(self.embedding(pooled)[..., None, None], whole).flatten(1)
        return {"logits": self.head(embedding), "embedding": embedding}

    def levels(self) -> list[list[nn.Module]]:
        """The parts from the input to the head, as layer-wise learning rates and unfreezing take them."""
        last: list[nn.Module] = [self.pooling, self.bn_pooled, self.embedding, self.bn_embedding]
        return [[self.conv1, self.bn1], *([stage] for stage in self.layers), last, [self.head]]
