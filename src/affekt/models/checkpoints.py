"""The registry of public networks: where their weights are, and what they are called in Affekt's networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class PublicCheckpoint:
    """A public checkpoint and the network that it fits."""

    title: str
    url: str
    sha256: str | None
    """None where its publisher's could not be found: who downloads it has to give one."""
    sha256_start: str
    """As much of it as its publisher tells; all of it where it is known."""
    licence: str
    citation: str
    task: Literal["speakers", "images"]
    """What it has learnt to tell apart."""
    system: str
    network: Mapping[str, Any]
    """Settings of the system's network."""
    mark: str
    """A tensor that only this checkpoint has, by which a file is known."""
    renamed: tuple[tuple[str, str], ...]
    """Parts of its tensors' names, and what Affekt has in their place."""
    unused: tuple[str, ...]
    """Tensors that the network has no need of."""
    fresh: tuple[str, ...]
    """Parts of the network, by the start of their names, that the checkpoint does not have."""
    adapt: Callable[[dict[str, Tensor]], None] = field(repr=False)
    """What is left to do once the names are Affekt's."""
    mark_shape: tuple[int, ...] | None = None
    """The shape of `mark`, where other checkpoints have a tensor of that name too."""

    def marks(self, tensors: Mapping[str, Tensor]) -> bool:
        """Whether these are the checkpoint's tensors, by its mark."""
        found = tensors.get(self.mark)
        return found is not None and self.mark_shape in (None, tuple(found.shape))


def _adapt_wespeaker(tensors: dict[str, Tensor]) -> None:
    """Their embedding has a bias and no batch normalisation behind it; ours here adds the bias, no more."""
    bias = tensors.pop("embedding.bias")
    tensors["bn_embedding.running_mean"] = -bias
    tensors["bn_embedding.running_var"] = torch.full_like(bias, 1 - nn.BatchNorm2d(1).eps)
    tensors["bn_embedding.weight"] = torch.ones_like(bias)
    tensors["bn_embedding.bias"] = torch.zeros_like(bias)
    tensors["bn_embedding.num_batches_tracked"] = torch.tensor(0)


def _adapt_speechbrain(tensors: dict[str, Tensor]) -> None:
    """Their maps are [time, frequency], ours the reverse; the embedding's bias joins the normalisation."""
    for name, value in tensors.items():
        if value.ndim == 4:
            tensors[name] = value.transpose(2, 3)
    tensors["bn_embedding.running_mean"] = tensors["bn_embedding.running_mean"] - tensors.pop(
        "embedding.bias"
    )


def _adapt_nothing(tensors: dict[str, Tensor]) -> None:
    """Names and shapes are the network's own."""


def _faces(faces: str, file: str, people: int) -> PublicCheckpoint:
    """A checkpoint of facenet-pytorch (github.com/timesler/facenet-pytorch), which publishes no SHA-256."""
    return PublicCheckpoint(
        title=f"facenet-pytorch's Inception-ResNet-v1, trained on the faces of {faces}",
        url=f"https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/{file}",
        sha256=None,
        sha256_start="",
        licence=f"MIT (the weights, from D. Sandberg's facenet); see {faces} for the terms of the pictures",
        citation="F. Schroff, D. Kalenichenko, J. Philbin: FaceNet: A Unified Embedding for Face Recognition "
        "and Clustering. CVPR 2015; weights of T. Esler, facenet-pytorch, after D. Sandberg, facenet",
        task="images",
        system="facenet",
        network=MappingProxyType({"width": 1.0, "embedding": 512}),
        mark="logits.weight",
        renamed=(),
        unused=("logits.weight", "logits.bias"),
        fresh=("head.",),
        adapt=_adapt_nothing,
        mark_shape=(people, 512),
    )


_STAGES = tuple((f"layer{stage + 1}.", f"layers.{stage}.") for stage in range(4))

PUBLIC: Mapping[str, PublicCheckpoint] = MappingProxyType(
    {
        "wespeaker-resnet34": PublicCheckpoint(
            title="WeSpeaker voxceleb_resnet34_LM, trained on VoxCeleb2 with large-margin fine-tuning",
            url="https://huggingface.co/Wespeaker/wespeaker-voxceleb-resnet34-LM/resolve/"
            "64e8921d633cb384bb1d9e798a8c28d095e9d943/avg_model",
            sha256=None,
            sha256_start="",
            licence="CC-BY-4.0",
            citation="H. Wang, C. Liang, S. Wang, Z. Chen, B. Zhang, X. Xiang, Y. Deng, Y. Qian: Wespeaker: "
            "A Research and Production Oriented Speaker Embedding Learning Toolkit. ICASSP 2023",
            task="speakers",
            system="resnet-stats",
            network=MappingProxyType(
                {
                    "width": 32,
                    "blocks": (3, 4, 6, 3),
                    "stem_stride": 1,
                    "features": "kaldi",
                    "mels": 80,
                    "variance": "sample",
                    "embedding": 256,
                }
            ),
            mark="seg_1.weight",
            renamed=(*_STAGES, ("seg_1.", "embedding.")),
            unused=("projection.weight",),
            fresh=("head.",),
            adapt=_adapt_wespeaker,
        ),
        "speechbrain-resnet": PublicCheckpoint(
            title="SpeechBrain spkrec-resnet-voxceleb, trained on VoxCeleb1 and VoxCeleb2",
            url="https://huggingface.co/speechbrain/spkrec-resnet-voxceleb/resolve/"
            "667393f8ff032444ee0f1c188c8cbbae5bc29f8f/embedding_model.ckpt",
            sha256="120a15c709add1679286fbf1e71d89ca4ed43981c189eecda60fd02343a00738",
            sha256_start="120a15c709add1679286fbf1e71d89ca4ed43981c189eecda60fd02343a00738",
            licence="Apache-2.0",
            citation="M. Ravanelli et al.: SpeechBrain: A General-Purpose Speech Toolkit. "
            "arXiv 2106.04624, 2021",
            task="speakers",
            system="resnet-attention",
            network=MappingProxyType(
                {
                    "channels": (128, 128, 256, 256),
                    "blocks": (3, 4, 6, 3),
                    "attention": 128,
                    "features": "speechbrain",
                    "mels": 80,
                    "embedding": 256,
                }
            ),
            mark="fc_embed.weight",
            renamed=(
                *_STAGES,
                (".downsample.", ".shortcut."),
                (".se.fc.0.", ".squeeze.inner."),
                (".se.fc.2.", ".squeeze.outer."),
                ("attention.0.", "pooling.reduce."),
                ("attention.2.", "pooling.bn."),
                ("attention.3.", "pooling.weigh."),
                ("norm_stats.", "bn_pooled."),
                ("fc_embed.", "embedding."),
                ("norm_embed.", "bn_embedding."),
            ),
            # A softmax over time does not hear what is added at all times.
            unused=("attention.3.bias",),
            fresh=("head.",),
            adapt=_adapt_speechbrain,
        ),
        "imagenet-alexnet": PublicCheckpoint(
            title="torchvision's AlexNet (IMAGENET1K_V1), trained on ImageNet-1k",
            url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
            sha256=None,
            # torchvision writes the first eight digits into the name.
            sha256_start="7be5be79",
            licence="BSD-3-Clause",
            citation="A. Krizhevsky: One weird trick for parallelizing convolutional neural networks. "
            "arXiv 1404.5997, 2014; weights of torchvision, trained on ImageNet (O. Russakovsky et al., "
            "IJCV 2015)",
            task="images",
            system="attention-fcn",
            network=MappingProxyType({"trunk": "alexnet", "width": 1.0, "batch_norm": False, "channels": 3}),
            mark="features.10.weight",
            renamed=(),
            unused=tuple(f"classifier.{at}.{part}" for at in (1, 4, 6) for part in ("weight", "bias")),
            fresh=("head.", "pooling."),
            adapt=_adapt_nothing,
        ),
        "faces-vggface2": _faces("VGGFace2", "20180402-114759-vggface2.pt", 8631),
        # CASIA-WebFace holds faces, and has nothing to do with the emotion corpus CASIA.
        "faces-casia-webface": _faces("CASIA-WebFace", "20180408-102900-casia-webface.pt", 10575),
    }
)
