"""System A: a residual network over log-mels with statistics pooling (Padi et al., ICMI 2021).

The trunk is a ResNet-34 (He et al., CVPR 2016) with a 3x3 stem of stride 1, as speaker recognition uses it.
Shapes: maps [batch, channels, mels, frames].
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.frontend import Normalisation
from affekt.models.fbank import Features, make_frontend
from affekt.models.masking import MaskedBatchNorm2d, StridedPointwise, length_mask
from affekt.models.pooling import StatisticsPooling


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; every layer is masked."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = MaskedBatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = MaskedBatchNorm2d(channels)
        self.shortcut: nn.ModuleList | None = None
        if stride != 1 or channels_in != channels:
            convolution = StridedPointwise(channels_in, channels, stride)
            self.shortcut = nn.ModuleList([convolution, MaskedBatchNorm2d(channels)])

    def forward(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        residual = features
        mask = mask[..., :: self.stride]
        if self.shortcut is not None:
            convolution, normalisation = self.shortcut
            residual = normalisation(convolution(features), mask)
        features = functional.relu(self.bn1(self.conv1(features), mask))
        features = self.bn2(self.conv2(features), mask)
        return functional.relu(features + residual), mask


class CosineHead(nn.Module):
    """Cosines between an embedding and one direction for each class: [batch, size] -> [batch, classes]."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, size))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, embedding: Tensor) -> Tensor:
        if not self.training:
            return self._cosines(embedding)
        # A cosine in bfloat16 is off by up to 0.004, and the loss multiplies it by 30.
        with torch.autocast(embedding.device.type, enabled=False):
            return self._cosines(embedding.float())

    def _cosines(self, embedding: Tensor) -> Tensor:
        return functional.linear(functional.normalize(embedding), functional.normalize(self.weight))


class ResNetStats(nn.Module):
    """Samples in; logits, embedding out. The embedding is what the head decides from.

    Args:
        classes: number of outputs of the head.
        width: channels of the first stage; 16 is the thin network, 32 the paper family's.
        blocks: blocks of the four stages; (3, 4, 6, 3) is ResNet-34, (2, 2, 2, 2) ResNet-18.
        stem_stride: how much the stem shortens frequency and time; 1 as speaker networks have it, 2 and 4
            train four and sixteen times as fast (at 4 the first block does the second halving).
        mels: mel bins of the frontend.
        window_ms, hop_ms: the frontend's analysis window and the time between frames.
        features: which frontend: Affekt's own, or a public network's (`make_frontend`).
        normalisation: what the frontend takes away.
        variance: the pooling's, of the frames as they are or as a `sample`, as WeSpeaker has it.
        embedding: size of the embedding.
        head: `linear`, or `cosine` for margin losses, whose logits are cosines in [-1, 1].
    """

    def __init__(
        self,
        classes: int,
        *,
        width: int = 16,
        blocks: tuple[int, ...] = (3, 4, 6, 3),
        stem_stride: int = 1,
        features: Features = "log-mel",
        mels: int = 64,
        window_ms: float = 25.0,
        hop_ms: float = 10.0,
        normalisation: Normalisation = "utterance",
        variance: Literal["population", "sample"] = "population",
        embedding: int = 128,
        head: Literal["linear", "cosine"] = "linear",
    ) -> None:
        super().__init__()
        self.frontend = make_frontend(
            features, mels=mels, window_ms=window_ms, hop_ms=hop_ms, normalisation=normalisation
        )
        self.conv1 = nn.Conv2d(1, width, 3, min(stem_stride, 2), padding=1, bias=False)
        self.bn1 = MaskedBatchNorm2d(width)
        stages, channels_in, bins = [], width, -(-mels // min(stem_stride, 2))
        for stage, depth in enumerate(blocks):
            channels, stride = width * 2**stage, 2 if stage or stem_stride == 4 else 1
            first = BasicBlock(channels_in, channels, stride)
            stages.append(
                nn.ModuleList([first, *(BasicBlock(channels, channels, 1) for _ in range(depth - 1))])
            )
            channels_in, bins = channels, -(-bins // stride)
        self.layers = nn.ModuleList(stages)
        sample = variance == "sample"
        self.pooling = StatisticsPooling(unbiased=sample, epsilon=1e-7 if sample else 1e-6)
        # No bias: the batch normalisation behind it would take it away again.
        self.embedding = nn.Linear(2 * channels_in * bins, embedding, bias=False)
        self.bn_embedding = MaskedBatchNorm2d(embedding)
        self.head = CosineHead(embedding, classes) if head == "cosine" else nn.Linear(embedding, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, samples: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """samples [batch, samples], lengths [batch] -> logits [batch, classes], embedding [batch, size]."""
        return self.score(*self.frontend(samples, lengths))

    def score(self, spectrogram: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """The same from spectrograms [batch, frames, mels]: where SpecAugment stands between the two."""
        mask = length_mask(frames, spectrogram.shape[1])[:, None, None]
        mask = mask[..., :: self.conv1.stride[1]]
        features = spectrogram.transpose(1, 2)[:, None]
        features = functional.relu(self.bn1(self.conv1(features), mask))
        for stage in self.layers:
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                features, mask = block(features, mask)
        embedding = self.embedding(self.pooling(features, mask))
        whole = embedding.new_ones(1, 1, 1, 1)
        embedding = self.bn_embedding(embedding[..., None, None], whole).flatten(1)
        return {"logits": self.head(embedding), "embedding": embedding}

    def levels(self) -> list[list[nn.Module]]:
        """The parts from the input to the head, as layer-wise learning rates and unfreezing take them."""
        stages = [[stage] for stage in self.layers]
        return [[self.conv1, self.bn1], *stages, [self.embedding, self.bn_embedding], [self.head]]
