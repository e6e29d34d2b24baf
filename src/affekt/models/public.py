"""Public networks as starting points: how their weights are fetched, and read as Affekt's own.

A foreign file is read as tensors alone, by `torch.load(weights_only=True)` or as safetensors; nothing of it
runs. Each tensor must be one that the network has, of its shape, and finite; none may be missing.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from affekt import downloads
from affekt.errors import ModelFolderError, UsageError
from affekt.labels import nearest
from affekt.models.checkpoints import PUBLIC, PublicCheckpoint

__all__ = [
    "MAX_BYTES",
    "PUBLIC",
    "PublicCheckpoint",
    "find",
    "make_network",
    "read_public",
    "read_tensors",
    "resolve",
]

MAX_BYTES = 256 * 2**20
"""The longest checkpoint that is read; the longest of the registry has 244 MB."""

_TYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64)
_OLD_MARK = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""torch's number at the start of files from before its archives, such as torchvision still has."""
_INSTEAD = "take the file that its publisher names, or a state dict saved by torch.save or as safetensors"


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
            if checkpoint.marks(tensors):
                return name, Path(init)
        raise ModelFolderError(f"{init}: none of the checkpoints {', '.join(PUBLIC)}; {_INSTEAD}")
    checkpoint = find(init)
    wanted = sha256 or checkpoint.sha256
    if wanted is None:
        known = f" but for its start, {checkpoint.sha256_start}" if checkpoint.sha256_start else ""
        raise UsageError(
            f"{init}: its publisher's SHA-256 is not known{known}, and nothing is fetched without one; give "
            f"it (init_sha256=...), or fetch {checkpoint.url} and name the file"
        )
    if checkpoint.sha256 is None and not wanted.startswith(checkpoint.sha256_start):
        raise UsageError(
            f"{init}: a SHA-256 of {wanted:.16}... where its publisher's starts with "
            f"{checkpoint.sha256_start}; give the right one"
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
        found = _saved(path) if _is_saved(path) else _safetensors(path)
    except OSError as error:
        raise ModelFolderError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    if not (isinstance(found, dict) and found and all(map(_is_plain, found, found.values()))):
        raise ModelFolderError(f"{path}: not a mapping of names to tensors; {_INSTEAD}")
    # A tensor may repeat one value over a shape of any size.
    if sum(value.numel() * value.element_size() for value in found.values()) > MAX_BYTES:
        raise ModelFolderError(f"{path}: its tensors have more than {MAX_BYTES} bytes; {_INSTEAD}")
    return found


def _is_saved(path: Path) -> bool:
    """Whether torch.save wrote it: as an archive, or as versions before 1.6 did."""
    with path.open("rb") as stream:
        return stream.read(len(_OLD_MARK)) == _OLD_MARK or zipfile.is_zipfile(path)


def _saved(path: Path) -> Any:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                parts = archive.infolist()
            if any(part.compress_type != zipfile.ZIP_STORED or part.file_size > MAX_BYTES for part in parts):
                raise ModelFolderError(
                    f"{path}: a packed archive, which torch.save does not write; {_INSTEAD}"
                )
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
    """The network's tensors without data, but for those that the checkpoint does not have."""
    with torch.device("meta"):
        state = make_network(checkpoint, classes=2).state_dict()
    return {name: value for name, value in state.items() if not name.startswith(checkpoint.fresh)}


def make_network(checkpoint: PublicCheckpoint, classes: int) -> nn.Module:
    """The network that a checkpoint fits, with fresh weights."""
    # They are built from this package's layers: at the top, each would wait for the other.
    from affekt.models.attention_fcn import AttentionFcn
    from affekt.models.facenet import Facenet
    from affekt.models.resnet_stats import ResNetStats
    from affekt.models.speaker_resnets import AttentiveResNet

    kinds: dict[str, type[nn.Module]] = {
        "resnet-stats": ResNetStats,
        "resnet-attention": AttentiveResNet,
        "attention-fcn": AttentionFcn,
        "facenet": Facenet,
    }
    return kinds[checkpoint.system](classes, **checkpoint.network)
