"""System B: FaceNet on pictures of segments of speech (Liu et al., JASA 149(2), 2021).

FaceNet (Schroff et al., CVPR 2015) as it is used today: Inception-ResNet-v1 (Szegedy et al., AAAI 2017). Its
tensors are called as in facenet-pytorch, so that weights trained on faces can be read.
Shapes: maps [pictures, channels, rows, columns].
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.geometry.segments import Level, Picture, segment_grid
from affekt.models.inception import InceptionResNet
from affekt.models.masking import MaskedBatchNorm2d, length_mask
from affekt.models.pictures import Channels, make_pictures, whole_precision
from affekt.models.resnet_stats import CosineHead

AT_ONCE = 128
"""Pictures that are looked at together where nothing is learnt: memory stays the same for any recording."""


class Facenet(InceptionResNet):
    """Samples in; logits, embedding out. The embedding is what the head decides from.

    A recording is heard in segments (`affekt.geometry.segments`), each drawn as a picture. Its embedding is
    the mean of the segments' embeddings of length 1, its logits are the mean of their log-posteriors; both
    count every segment alike, the last one too.

    Args:
        classes: number of outputs of the head.
        picture: what is drawn, a `spectrogram` or a `waveform`.
        size: rows and columns of a picture.
        segment_seconds, overlap: length of a segment, and the share of it that the next one hears too.
        window_ms, hop_ms, high_hz, channels: of the spectrogram (`SpectrogramPictures`).
        normalisation: whose level a picture is relative to.
        width: channels of every layer, as a share of Inception-ResNet-v1's.
        embedding: size of the embedding.
        dropout: share of the pooled features that is left out in training.
        head: `linear`, or `cosine` for margin losses, whose logits are the mean of the segments' cosines.
    """

    def __init__(
        self,
        classes: int,
        *,
        picture: Picture = "spectrogram",
        size: int = 160,
        segment_seconds: float = 1.0,
        overlap: float = 0.5,
        window_ms: float = 40.0,
        hop_ms: float = 10.0,
        high_hz: float = 4000.0,
        channels: Channels = "repeat",
        normalisation: Level = "segment",
        width: float = 1.0,
        embedding: int = 512,
        dropout: float = 0.6,
        head: Literal["linear", "cosine"] = "linear",
    ) -> None:
        super().__init__(width)
        self.grid = segment_grid(
            picture=picture,
            size=size,
            segment_seconds=segment_seconds,
            overlap=overlap,
            window_ms=window_ms,
            hop_ms=hop_ms,
            normalisation=normalisation,
        )
        self.frontend = make_pictures(
            picture, self.grid, size=size, high_hz=high_hz, channels=channels, level=normalisation
        )
        self.dropout = nn.Dropout(dropout)
        # No bias: the batch normalisation behind it would take it away again.
        self.last_linear = nn.Linear(self.size, embedding, bias=False)
        self.last_bn = MaskedBatchNorm2d(embedding, eps=0.001)
        self.head_scale = math.sqrt(embedding) if head == "linear" else 1.0
        self.head = CosineHead(embedding, classes) if head == "cosine" else nn.Linear(embedding, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def min_samples(self) -> int:
        """A shorter clip is filled up with silence to one segment."""
        return self.grid.samples(1)

    def forward(self, samples: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """samples [batch, samples], lengths [batch] -> logits [batch, classes], embedding [batch, size]."""
        return self.score(*self.frontend(samples, lengths))

    def score(self, drawn: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """The same from what the frontend gives [batch, frames, features]: augmentation stands between."""
        size, step = self.grid.size, self.grid.step
        missing = torch.sym_max(size - drawn.shape[1], 0)  # type: ignore[no-untyped-call]
        drawn = functional.pad(drawn, (0, 0, 0, missing))
        beyond = (frames - size).clamp(min=0)
        counts = 1 + (beyond + step - 1) // step
        most = 1 + (drawn.shape[1] - size + step - 1) // step
        # The last segment ends where the clip ends, and so do those that stand for none.
        starts = (torch.arange(most, device=drawn.device) * step).minimum(beyond[:, None])
        clips = torch.arange(drawn.shape[0], device=drawn.device)[:, None].expand_as(starts)
        real = length_mask(counts, most)
        logits, units = self._segments(drawn, clips.flatten(), starts.flatten(), real.flatten())
        share = (real / counts[:, None])[..., None]
        return {
            "logits": (logits.reshape(drawn.shape[0], most, -1) * share).sum(1),
            "embedding": (units.reshape(drawn.shape[0], most, -1) * share).sum(1),
        }

    def levels(self) -> list[list[nn.Module]]:
        """The parts from the input to the head, as layer-wise learning rates and unfreezing take them."""
        return [*self.trunk_levels(), [self.last_linear, self.last_bn], [self.head]]

    def _segments(self, drawn: Tensor, clips: Tensor, starts: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """What the head says of segments [segments, classes] and their unit embeddings [segments, size].

        Segments that are not `real` are not looked at, and 0; a graph looks at all.
        """
        if torch.compiler.is_exporting():
            return self._look(drawn, clips, starts)
        chosen = real.nonzero()[:, 0]
        parts = [chosen] if self.training else torch.split(chosen, AT_ONCE)
        found = [self._look(drawn, clips[part], starts[part]) for part in parts]
        logits, units = (torch.cat(one) for one in zip(*found, strict=True))
        places = chosen[:, None]
        return (
            logits.new_zeros(len(real), logits.shape[1]).scatter(0, places.expand_as(logits), logits),
            units.new_zeros(len(real), units.shape[1]).scatter(0, places.expand_as(units), units),
        )

    def _look(self, drawn: Tensor, clips: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        with whole_precision(drawn.device):
            within = torch.arange(self.grid.size, device=drawn.device)
            pictures = self.frontend.draw(drawn[clips[:, None], starts[:, None] + within])
        features = self.last_linear(self.dropout(self.trunk(pictures)))
        unit = functional.normalize(self.last_bn(features[..., None, None]).flatten(1).float())
        logits = self.head(self.head_scale * unit)
        return (logits.log_softmax(-1) if isinstance(self.head, nn.Linear) else logits), unit
