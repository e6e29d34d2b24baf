"""Public speaker networks as starting points: where their weights are, and how they are read as Affekt's own.

A foreign file is read as tensors alone, by `torch.load(weights_only=True)` or as safetensors; nothing of it
runs. Each tensor must be one that the network has, of its shape, and finite; none may be missing.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from affekt import downloads
from affekt.errors import ModelFolderError, UsageError
from affekt.labels import nearest

MAX_BYTES = 256 * 2**20
"""The longest checkpoint that is read; the longest of the registry has 62 MB."""

_TYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64)
_INSTEAD = "take the file that its publisher names, or a state dict saved by torch.save or as safetensors"


@dataclass(frozen=True)
class PublicCheckpoint:
    """A public checkpoint and the network that it fits."""

    title: str
    url: str
    sha256: str | None
    """None where its publisher's could not be found: who downloads it has to give one."""
    licence: str
    citation: str
    system: str
    network: Mapping[str, Any]
    """Settings of the system's network."""
    mark: str
    """A tensor that only this checkpoint has, by which a file is known."""
    renamed: tuple[tuple[str, str], ...]
    """Parts of its tensors' names, and what Affekt has in their place."""
    unused: tuple[str, ...]
    """Tensors that the network has no need of."""
    adapt: Callable[[dict[str, Tensor]], None] = field(repr=False)
    """What is left to do once the names are Affekt's."""


def read_public(name: str, path: Path) -> dict[str, Tensor]:
    """A checkpoint's tensors, in the names and shapes of Affekt's network; the head is not among them.

    The network is that of `PUBLIC[name].network`; its embedding is then the checkpoint's own.

    Raises:
        UsageError: the registry has no such name.
        ModelFolderError: the file is not that checkpoint, or holds more than tensors.
    """
    checkpoint = find(name)
    return _adopt(checkpoint, read_tensors(path), f"{path}: not the checkpoint {name}")


def find(name: str) -> PublicCheckpoint:
    """The registry's checkpoint of this name.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    if name not in PUBLIC:
        raise UsageError(f"{name}: neither a file nor a public checkpoint{nearest(name, PUBLIC)}")
    return PUBLIC[name]


def resolve(
    init: str, *, sha256: str | None = None, cache: Path | None = None, tick: downloads.Tick | None = None
) -> tuple[str, Path]:
    """The registry's name and the file of what a user calls a starting point: such a name, or such a file.

    A name is downloaded, unless the cache folder has it; a file is known by what it holds.

    Args:
        init: a name of the registry or a file.
        sha256: the file's SHA-256, where the registry has none; over it, where it has one.
        cache, tick: as `downloads.fetch` takes them.

    Raises:
        UsageError: neither a name nor a file, or a download without a checksum.
        DownloadError: the file cannot be fetched.
        ModelFolderError: the file is no checkpoint that is known.
    """
    if Path(init).is_file():
        tensors = read_tensors(Path(init))
        for name, checkpoint in PUBLIC.items():
            if checkpoint.mark in tensors:
                return name, Path(init)
        raise ModelFolderError(f"{init}: none of the checkpoints {', '.join(PUBLIC)}; {_INSTEAD}")
    checkpoint = find(init)
    wanted = sha256 or checkpoint.sha256
    if wanted is None:
        raise UsageError(
            f"{init}: its publisher's SHA-256 is not known, and nothing is fetched without one; give it "
            f"(--sha256), or fetch {checkpoint.url} and name the file"
        )
    return init, downloads.fetch(checkpoint.url, wanted, MAX_BYTES, cache=cache, tick=tick)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict saved by torch.save or as safetensors, by what it holds; nothing runs.

    Raises:
        ModelFolderError: the file is missing, too large, damaged, or holds more than tensors.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelFolderError(f"{path}: {size} bytes, where a checkpoint has at most {MAX_BYTES}")
        found = _unzipped(path) if zipfile.is_zipfile(path) else _safetensors(path)
    except OSError as error:
        raise ModelFolderError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    if not (isinstance(found, dict) and found and all(map(_is_plain, found, found.values()))):
        raise ModelFolderError(f"{path}: not a mapping of names to tensors; {_INSTEAD}")
    # A tensor may repeat one value over a shape of any size.
    if sum(value.numel() * value.element_size() for value in found.values()) > MAX_BYTES:
        raise ModelFolderError(f"{path}: its tensors have more than {MAX_BYTES} bytes; {_INSTEAD}")
    return found


def _unzipped(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
        if any(part.compress_type != zipfile.ZIP_STORED or part.file_size > MAX_BYTES for part in parts):
            raise ModelFolderError(f"{path}: a packed archive, which torch.save does not write; {_INSTEAD}")
        return torch.load(path, map_location="cpu", weights_only=True)
    except (ModelFolderError, OSError):
        raise
    except Exception as error:
        # What a damaged or hostile archive raises is not listed anywhere; its message may name its code.
        raise ModelFolderError(
            f"{path}: damaged, or holds more than tensors, of which nothing was run; {_INSTEAD}"
        ) from error


def _safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(path.read_bytes())
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelFolderError(f"{path}: neither saved by torch.save nor safetensors; {_INSTEAD}") from error


def _is_plain(name: object, value: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and value.dtype in _TYPES
    )


def _adopt(checkpoint: PublicCheckpoint, found: dict[str, Tensor], problem: str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, value in found.items():
        if name in checkpoint.unused:
            continue
        ours = name
        for old, new in checkpoint.renamed:
            ours = ours.replace(old, new)
        if ours in tensors:
            raise ModelFolderError(f"{problem}: tensor {name!a:.80} stands twice; {_INSTEAD}")
        tensors[ours] = value.float() if value.is_floating_point() else value
    try:
        checkpoint.adapt(tensors)
    except (KeyError, RuntimeError) as error:
        raise ModelFolderError(f"{problem}: its embedding's tensors are missing or misshapen") from error
    expected = _expected(checkpoint)
    for name in sorted(expected.keys() ^ tensors.keys()):
        what = "is missing" if name in expected else "is none of its tensors"
        raise ModelFolderError(f"{problem}: {name!a:.80} {what}; {_INSTEAD}")
    for name, value in tensors.items():
        wanted = expected[name]
        if value.shape != wanted.shape or value.dtype != wanted.dtype:
            shapes = f"{list(value.shape)} where {list(wanted.shape)} is expected"
            raise ModelFolderError(f"{problem}: {name} has the shape {shapes}; {_INSTEAD}")
        if not value.isfinite().all():
            raise ModelFolderError(f"{problem}: {name} holds NaN or infinite values; {_INSTEAD}")
    return {name: tensors[name].contiguous() for name in expected}


def _expected(checkpoint: PublicCheckpoint) -> dict[str, Tensor]:
    """The network's tensors without data, but for the head's."""
    with torch.device("meta"):
        state = make_network(checkpoint, classes=2).state_dict()
    return {name: value for name, value in state.items() if not name.startswith("head.")}


def make_network(checkpoint: PublicCheckpoint, classes: int) -> nn.Module:
    """The network that a checkpoint fits, with fresh weights."""
    # They are built from this package's layers: at the top, each would wait for the other.
    from affekt.models.resnet_stats import ResNetStats
    from affekt.models.speaker_resnets import AttentiveResNet

    kinds: dict[str, type[nn.Module]] = {"resnet-stats": ResNetStats, "resnet-attention": AttentiveResNet}
    return kinds[checkpoint.system](classes, **checkpoint.network)


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


_STAGES = tuple((f"layer{stage + 1}.", f"layers.{stage}.") for stage in range(4))

PUBLIC: Mapping[str, PublicCheckpoint] = MappingProxyType(
    {
        "wespeaker-resnet34": PublicCheckpoint(
            title="WeSpeaker voxceleb_resnet34_LM, trained on VoxCeleb2 with large-margin fine-tuning",
            url="https://huggingface.co/Wespeaker/wespeaker-voxceleb-resnet34-LM/resolve/"
            "64e8921d633cb384bb1d9e798a8c28d095e9d943/avg_model",
            sha256=None,
            licence="CC-BY-4.0",
            citation="H. Wang, C. Liang, S. Wang, Z. Chen, B. Zhang, X. Xiang, Y. Deng, Y. Qian: Wespeaker: "
            "A Research and Production Oriented Speaker Embedding Learning Toolkit. ICASSP 2023",
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
            adapt=_adapt_wespeaker,
        ),
        "speechbrain-resnet": PublicCheckpoint(
            title="SpeechBrain spkrec-resnet-voxceleb, trained on VoxCeleb1 and VoxCeleb2",
            url="https://huggingface.co/speechbrain/spkrec-resnet-voxceleb/resolve/"
            "667393f8ff032444ee0f1c188c8cbbae5bc29f8f/embedding_model.ckpt",
            sha256="120a15c709add1679286fbf1e71d89ca4ed43981c189eecda60fd02343a00738",
            licence="Apache-2.0",
            citation="M. Ravanelli et al.: SpeechBrain: A General-Purpose Speech Toolkit. "
            "arXiv 2106.04624, 2021",
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
            adapt=_adapt_speechbrain,
        ),
    }
)
