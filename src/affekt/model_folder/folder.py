"""Opening and writing model folders, every part checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from affekt import files
from affekt.config import ModelConfig
from affekt.errors import ModelFolderError, UsageError
from affekt.model_folder import graph, manifest, tensors
from affekt.model_folder.golden import check_golden, encode_clip, golden_scores
from affekt.model_folder.manifest import CARD, CONFIG, GOLDEN, GOLDEN_SCORES, MANIFEST, ONNX, WEIGHTS
from affekt.model_folder.scoring import Scorer

_T = TypeVar("_T")


@dataclass(frozen=True)
class ModelFolder:
    """A folder whose every file was checked; `contents` maps each relative name to its checked bytes."""

    path: Path
    config: ModelConfig
    contents: Mapping[str, bytes]

    @property
    def onnx(self) -> bytes:
        """The network as an ONNX file."""
        return self.contents[ONNX]

    def scorer(self, threads: int | None = None, device: str = "cpu") -> Scorer:
        """The network, ready to run, after it gave the golden scores for the golden clips.

        Raises:
            UsageError: there is no such device.
            ModelFolderError: it cannot be loaded, or says something else.
        """
        clips = _clips(self.contents)
        try:
            scorer = Scorer(self.onnx, self.config, threads, device)
            _within(GOLDEN, check_golden, scorer, self.config, clips, self.contents[GOLDEN_SCORES])
        except (ModelFolderError, ValueError) as error:
            raise _damaged(self.path, error) from error
        return scorer


def open_folder(path: Path | str) -> ModelFolder:
    """Reads and checks a model folder; the files are not read again after their digests were checked.

    Raises:
        ModelFolderError: anything in it is missing, damaged, unknown or not to be trusted.
    """
    path = Path(path)
    try:
        contents = manifest.read_checked(path)
        config = _within(CONFIG, _parse_config, contents[CONFIG])
        _within(CARD, bytes.decode, contents[CARD])
        _within(ONNX, graph.check, contents[ONNX])
        if tensors.shapes(_within(WEIGHTS, tensors.read, contents[WEIGHTS])) != config.tensors:
            raise ValueError(f"{WEIGHTS}: its tensors are not those that {CONFIG} lists")
    except (ValueError, OSError) as error:
        raise _damaged(path, error) from error
    return ModelFolder(path, config, MappingProxyType(contents))


def read_weights(folder: ModelFolder) -> dict[str, NDArray[Any]]:
    """The finite tensors of a checked folder, whatever network they are for."""
    return tensors.read(folder.contents[WEIGHTS])


def load_weights(folder: ModelFolder, expected: Mapping[str, Sequence[int]]) -> dict[str, NDArray[Any]]:
    """The finite tensors of a checked folder, for a network that has exactly these names and shapes.

    Raises:
        ModelFolderError: a tensor is missing, left over, or of another shape.
    """
    found = read_weights(folder)
    for name in sorted(set(found) | set(expected)):
        if name not in found:
            problem = "is missing"
        elif name not in expected:
            problem = "is not part of this network"
        elif found[name].shape != tuple(expected[name]):
            problem = f"has shape {found[name].shape} where the network has {tuple(expected[name])}"
        else:
            continue
        raise ModelFolderError(
            f"{folder.path}: {WEIGHTS}: tensor {name!a:.80} {problem}; use the recipe saved in {CONFIG}"
        )
    return found


def write(
    folder: Path | str,
    *,
    config: ModelConfig,
    onnx: bytes,
    weights: bytes,
    card: str,
    golden: Sequence[tuple[str, NDArray[np.float32]]],
) -> ModelFolder:
    """Writes a model folder whole, in the place of an older one, and returns it checked.

    `golden` are one to four short clips: (name, float32 [samples] at 16 kHz, at most 5 s); what the network
    says of them is computed here. `config.tensors` is filled from `weights`, the bytes of a safetensors file.

    Raises:
        UsageError: `folder` holds something other than a model folder.
        ModelFolderError: the parts do not make a model that passes its own checks.
        WriteError: the disk refuses.
    """
    folder = Path(folder)
    _check_replaceable(folder)
    try:
        listed = tensors.shapes(_within(WEIGHTS, tensors.read, weights))
        _within(ONNX, graph.check, onnx)
        config = config.model_copy(update={"tensors": listed})
        flacs = {f"{GOLDEN}/{name}.flac": encode_clip(samples) for name, samples in golden}
        contents = {
            CARD: card.encode(),
            CONFIG: files.dump_json(config.model_dump(mode="json")).encode(),
            **flacs,
            GOLDEN_SCORES: golden_scores(Scorer(onnx, config), config, flacs),
            ONNX: onnx,
            WEIGHTS: weights,
        }
        manifest.check_names(set(contents))
        contents[MANIFEST] = manifest.dump(contents)
        for name, data in contents.items():
            manifest.check_size(name, len(data))
    except (ModelFolderError, ValueError) as error:
        raise ModelFolderError(f"{folder}: {error}; nothing was written") from error
    files.write_folder(folder, contents)
    return open_folder(folder)


def _parse_config(text: bytes) -> ModelConfig:
    try:
        return ModelConfig.model_validate(files.parse_json(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place!a:.80}: {first['msg']:.120}") from error


def _clips(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in contents.items() if "/" in name and name != GOLDEN_SCORES}


def _within(name: str, check: Callable[..., _T], *arguments: object) -> _T:
    try:
        return check(*arguments)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _damaged(path: Path, error: Exception) -> ModelFolderError:
    problem = error.strerror if isinstance(error, OSError) else str(error)
    return ModelFolderError(f"{path}: {problem}; get the model again from where it came")


def _check_replaceable(folder: Path) -> None:
    if not os.path.lexists(folder):
        return
    names = set(os.listdir(folder)) if folder.is_dir() and not folder.is_symlink() else {"."}  # noqa: PTH208
    if names and not (names <= manifest.NAMES and MANIFEST in names):
        raise UsageError(f"{folder}: exists and is not a model folder; choose another place")
