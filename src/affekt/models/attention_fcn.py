"""System C: attention over a fully convolutional network (Zhang et al., APSIPA 2018, arXiv 1806.01506).

The trunk is that of AlexNet: `alexnet` as torchvision has it (Krizhevsky, arXiv 1404.5997), `alexnet-lrn` the
first one (Krizhevsky et al., NeurIPS 2012, section 3) without its split in two.
Shapes: maps [batch, channels, frequency, time].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from affekt.frontend import LogSpectrogram
from affekt.geometry import SAMPLE_RATE
from affekt.geometry.attention import LAYERS, SMALLEST
from affekt.models.masking import MaskedBatchNorm2d, length_mask
from affekt.models.resnet_stats import CosineHead

Trunk = Literal["alexnet", "alexnet-lrn"]

CHANNELS: dict[Trunk, tuple[int, ...]] = {
    "alexnet": (64, 192, 384, 256, 256),
    "alexnet-lrn": (96, 256, 384, 384, 256),
}

PADDING_ENERGY = -1e4
"""The energy of a position that is padding: its exponential is 0, and unlike infinity it can be stored."""

# Where torchvision's `features` have a layer that the masks follow: kernel, stride, padding from LAYERS.
_CONVOLUTIONS = {"0": 0, "3": 2, "6": 4, "8": 5, "10": 6}
_POOLED = {"0": 1, "3": 3, "10": 7}


class AlexNet(nn.Module):
    """AlexNet's five convolutions; every layer is masked, so that a clip's map is that of the clip alone.

    Tensors are called as in torchvision: `features.0.weight` is the first convolution's.

    Args:
        kind: which AlexNet.
        width: channels of every layer, as a share of AlexNet's.
        batch_norm: normalises behind each convolution, whose bias then goes.
        channels: input channels.
    """

    def __init__(self, kind: Trunk, *, width: float, batch_norm: bool, channels: int) -> None:
        super().__init__()
        self.kind, self.channels = kind, channels
        sizes = [channels, *(max(2, round(width * size)) for size in CHANNELS[kind])]
        self.features = nn.ModuleDict()
        for (name, layer), before, after in zip(_CONVOLUTIONS.items(), sizes[:-1], sizes[1:], strict=True):
            kernel, stride, padding = LAYERS[layer]
            convolution = nn.Conv2d(before, after, kernel, stride, padding, bias=not batch_norm)
            # He et al., ICCV 2015: without normalisation, torch's own start fades from layer to layer.
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            if convolution.bias is not None:
                nn.init.zeros_(convolution.bias)
            self.features[name] = convolution
        normed = zip(_CONVOLUTIONS, sizes[1:], strict=True) if batch_norm else ()
        self.norms = nn.ModuleDict({name: MaskedBatchNorm2d(size) for name, size in normed})
        self.size = sizes[-1]

    def trunk(self, maps: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Maps and their frames [batch], 0 beyond, to maps and the mask [batch, 1, 1, time] of what is real.

        Both axes have at least `SMALLEST` places.
        """
        for name, convolution in self.features.items():
            frames = _shorter(frames, _CONVOLUTIONS[name])
            maps = convolution(maps)
            mask = _mask(frames, maps)
            if name in self.norms:
                maps = self.norms[name](maps, mask)
            maps = functional.relu(maps)
            if self.kind == "alexnet-lrn" and name in ("0", "3"):
                maps = local_response_norm(maps)
            if name in _POOLED:
                maps, frames = functional.max_pool2d(maps, 3, 2), _shorter(frames, _POOLED[name])
                mask = _mask(frames, maps)
            maps = maps * mask
        return maps, mask

    def adopt(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of such a network, the first layer's with the input channels that this one has.

        Three channels are summed to one, which is what they say of one picture in all three; one is shared
        out to three.
        """
        first = tensors.get("features.0.weight")
        if first is None or first.ndim != 4 or {first.shape[1], self.channels} != {1, 3}:
            return dict(tensors)
        fitted = first.sum(1, keepdim=True) if self.channels == 1 else first.expand(-1, 3, -1, -1) / 3
        return {**tensors, "features.0.weight": fitted.contiguous()}

    def trunk_levels(self) -> list[list[nn.Module]]:
        """Each convolution with its normalisation, from the input on."""
        return [
            [convolution, *([self.norms[name]] if name in self.norms else [])]
            for name, convolution in self.features.items()
        ]


class AttentionPooling(nn.Module):
    """A map as the mean of its positions, each weighed by attention (Zhang et al., section 2.2).

    e = u^T tanh(W a + b) for each position a, alpha = softmax(scale * e) over the real positions.

    Args:
        size: channels of the map.
        hidden: rows of W.
        scale: the paper's lambda.
    """

    def __init__(self, size: int, hidden: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.project = nn.Conv2d(size, hidden, 1)
        # No bias: the softmax would take it away again.
        self.weigh = nn.Conv2d(hidden, 1, 1, bias=False)

    def forward(self, maps: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The weighed mean [batch, channels], alpha and scale * e [batch, frequency, time].

        Of maps and the mask [batch, 1, 1, time] of their real positions.
        """
        energy = self.scale * self.weigh(torch.tanh(self.project(maps))).float()[:, 0]
        real = mask[:, 0].expand_as(energy)
        energy = energy.masked_fill(real == 0, PADDING_ENERGY)
        attention = energy.flatten(1).softmax(1).reshape(energy.shape) * real
        return (maps.float() * attention[:, None]).sum((2, 3)), attention, energy


class AttentionFcn(AlexNet):
    """Samples in; logits, embedding and the attention map out. The embedding is what the head decides from.

    Args:
        classes: number of outputs of the head.
        trunk, width, batch_norm, channels: of `AlexNet`; a spectrogram stands in each input channel.
        attention, attention_scale: size of the attention's layer, and the paper's lambda.
        window_ms, hop_ms, dft, high_hz, normalisation: of the frontend; it has the bins up to `high_hz`.
        head: `linear`, or `cosine` for margin losses, whose logits are cosines in [-1, 1].
    """

    def __init__(
        self,
        classes: int,
        *,
        trunk: Trunk = "alexnet",
        width: float = 1.0,
        batch_norm: bool = False,
        channels: int = 1,
        attention: int = 256,
        attention_scale: float = 0.3,
        window_ms: float = 40.0,
        hop_ms: float = 10.0,
        dft: int = 800,
        high_hz: float = 4000.0,
        normalisation: Literal["none", "utterance"] = "none",
        head: Literal["linear", "cosine"] = "linear",
    ) -> None:
        super().__init__(trunk, width=width, batch_norm=batch_norm, channels=channels)
        self.frontend = LogSpectrogram(
            bins=round(high_hz * dft / SAMPLE_RATE),
            dft=dft,
            window_ms=window_ms,
            hop_ms=hop_ms,
            normalisation=normalisation,
        )
        self.pooling = AttentionPooling(self.size, attention, attention_scale)
        self.head = CosineHead(self.size, classes) if head == "cosine" else nn.Linear(self.size, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def maps(self) -> tuple[str, ...]:
        """What `forward` says of each position, beside logits and embedding."""
        linear = isinstance(self.head, nn.Linear)
        return ("attention", "energy", "map", "evidence") if linear else ("attention",)

    @property
    def min_samples(self) -> int:
        """A shorter clip is filled up with silence."""
        return (SMALLEST - 1) * self.frontend.hop + self.frontend.window

    def forward(self, samples: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """samples [batch, samples], lengths [batch] -> logits [batch, classes], embedding and `maps`.

        `attention` [batch, frequency, time] is alpha, 0 on padding, and sums to 1 over each clip; `energy` of
        the same shape is what it is the softmax of. `map` [batch, size, frequency, time] is what attention
        looks at, and `evidence` [batch, classes, frequency, time] what the head would say of each position
        alone. Embedding and logits are their means with attention as the weight, so that pieces of a long
        recording can be put together.
        """
        output = self._pooled(*self.frontend(samples, lengths))
        if isinstance(self.head, nn.Linear):
            weight = self.head.weight[..., None, None]
            output["evidence"] = functional.conv2d(output["map"], weight, self.head.bias)
        return {name: output[name] for name in ("logits", "embedding", *self.maps)}

    def score(self, spectrogram: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """Logits and embedding from spectrograms [batch, frames, bins]: where augmentation stands between."""
        output = self._pooled(spectrogram, frames)
        return {name: output[name] for name in ("logits", "embedding")}

    def look(self, pictures: Tensor) -> dict[str, Tensor]:
        """Logits and embedding, the map's mean, of pictures [batch, channels, height, width]."""
        whole = torch.full((len(pictures),), pictures.shape[3], device=pictures.device)
        maps, _ = self.trunk(pictures, whole)
        embedding = maps.float().mean((2, 3))
        return {"logits": self.head(embedding), "embedding": embedding}

    def levels(self) -> list[list[nn.Module]]:
        """The parts from the input to the head, as layer-wise learning rates and unfreezing take them."""
        return [*self.trunk_levels(), [self.pooling], [self.head]]

    def _pooled(self, spectrogram: Tensor, frames: Tensor) -> dict[str, Tensor]:
        missing = torch.sym_max(SMALLEST - spectrogram.shape[1], 0)  # type: ignore[no-untyped-call]
        spectrogram = functional.pad(spectrogram, (0, 0, 0, missing))
        pictures = spectrogram.transpose(1, 2)[:, None].expand(-1, self.channels, -1, -1)
        maps, mask = self.trunk(pictures, frames.clamp(min=SMALLEST))
        embedding, attention, energy = self.pooling(maps, mask)
        logits = self.head(embedding)
        return {
            "logits": logits,
            "embedding": embedding,
            "attention": attention,
            "energy": energy,
            "map": maps,
        }


def local_response_norm(maps: Tensor) -> Tensor:
    """Each channel against the five around it (Krizhevsky et al., NeurIPS 2012, section 3.3).

    a / (2 + 1e-4 * sum of squares) ^ 0.75.
    """
    squares = functional.pad(maps.float().square(), (0, 0, 0, 0, 2, 2))
    channels = maps.shape[1]
    around = sum((squares[:, at : at + channels] for at in range(1, 5)), squares[:, :channels])
    return (maps / (2 + 1e-4 * around).pow(0.75)).to(maps.dtype)


def _shorter(frames: Tensor, layer: int) -> Tensor:
    kernel, stride, padding = LAYERS[layer]
    return (frames + 2 * padding - kernel) // stride + 1


def _mask(frames: Tensor, maps: Tensor) -> Tensor:
    return length_mask(frames, maps.shape[3])[:, None, None].to(maps.dtype)
