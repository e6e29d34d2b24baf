"""torchvision's AlexNet as a starting point: its features again in plain torch, on random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from affekt import recipe as recipes
from affekt.errors import ModelFolderError, UsageError
from affekt.models import build
from affekt.models.attention_fcn import AttentionFcn
from affekt.models.public import read_public, resolve
from affekt.training.transfer import from_public, inherit, start

NAME = "imagenet-alexnet"
State = dict[str, Tensor]
LAYOUT = {
    "features.0": (64, 3, 11, 11),
    "features.3": (192, 64, 5, 5),
    "features.6": (384, 192, 3, 3),
    "features.8": (256, 384, 3, 3),
    "features.10": (256, 256, 3, 3),
    # The true ones have 4096 outputs; what is not used may be small.
    "classifier.1": (8, 9216),
    "classifier.4": (8, 8),
    "classifier.6": (1000, 8),
}


def state(seed: int = 0) -> State:
    """Random tensors under torchvision's names."""
    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in LAYOUT.items():
        fan = torch.Size(shape[1:]).numel()
        tensors[f"{name}.weight"] = torch.randn(shape, generator=random) * (2 / fan) ** 0.5
        tensors[f"{name}.bias"] = 0.2 * torch.randn(shape[0], generator=random)
    return tensors


def features(tensors: State, pictures: Tensor) -> Tensor:
    """[batch, 3, height, width] -> [batch, 256, rows, columns], as torchvision/models/alexnet.py has it."""

    def convolve(values: Tensor, at: int, stride: int, padding: int) -> Tensor:
        weight, bias = tensors[f"features.{at}.weight"], tensors[f"features.{at}.bias"]
        return functional.conv2d(values, weight, bias, stride, padding).relu()

    pictures = functional.max_pool2d(convolve(pictures, 0, 4, 2), 3, 2)
    pictures = functional.max_pool2d(convolve(pictures, 3, 1, 2), 3, 2)
    return functional.max_pool2d(convolve(convolve(convolve(pictures, 6, 1, 1), 8, 1, 1), 10, 1, 1), 3, 2)


@pytest.fixture(scope="module", params=["new", "old"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as torch.save writes it, and as it wrote it before its archives."""
    path = tmp_path_factory.mktemp("alexnet") / "alexnet-owt-7be5be79.pth"
    torch.save(state(), path, _use_new_zipfile_serialization=request.param == "new")
    return path


def test_features_are_torchvisions(checkpoint: Path) -> None:
    assert resolve(str(checkpoint)) == (NAME, checkpoint)
    network = AttentionFcn(4, channels=3)
    missing = network.load_state_dict(read_public(NAME, checkpoint), strict=False)
    assert not missing.unexpected_keys
    assert {name.partition(".")[0] for name in missing.missing_keys} == {"head", "pooling"}
    pictures = torch.randn(2, 3, 200, 131, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, _ = network.trunk(pictures, torch.tensor([131, 131]))
        expected = features(state(), pictures)
    assert found.shape == expected.shape and expected.std() > 0.1
    assert torch.allclose(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_spectrogram_is_seen_as_a_grey_picture(checkpoint: Path, channels: int) -> None:
    recipe = recipes.load(None, ["system=attention-fcn", f"network.channels={channels}", "network.dft=1600"])
    source = from_public(str(checkpoint))
    assert source.task == "images" and source.corpora[0].licence == "BSD-3-Clause"
    recipe = inherit(recipe, source)
    network: Any = build(recipe, 4)
    transfer = start(network, recipe, ["anger"] * 4, source)
    assert len(transfer.taken) == 10 and not transfer.left
    spectrogram = torch.rand(1, 1, 100, 150, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, _ = network.trunk(spectrogram.expand(-1, channels, -1, -1), torch.tensor([150]))
        expected = features(state(), spectrogram.expand(-1, 3, -1, -1))
    assert torch.allclose(found, expected, atol=1e-3, rtol=1e-3)


def test_settings_of_sounds_are_free_and_those_of_the_trunk_are_not(checkpoint: Path) -> None:
    source = from_public(str(checkpoint))
    words = ["network.attention_scale=1.0", "network.normalisation=utterance"]
    found: Any = inherit(recipes.load(None, ["system=attention-fcn", *words]), source).network
    assert (found.attention_scale, found.normalisation, found.channels) == (1.0, "utterance", 1)
    assert inherit(recipes.load(None), source).system == "attention-fcn"  # type: ignore[comparison-overlap]
    with pytest.raises(
        UsageError, match=r"network\.width: the recipe says 0\.5, and .* has 1\.0; leave it out"
    ):
        inherit(recipes.load(None, ["system=attention-fcn", "network.width=0.5"]), source)


def test_a_checksum_that_cannot_be_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not known but for its start, 7be5be79, and nothing is fetched"):
        resolve(NAME, cache=tmp_path)
    with pytest.raises(UsageError, match="where its publisher's starts with 7be5be79"):
        resolve(NAME, sha256="0" * 64, cache=tmp_path)


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    wrong = state() | {"features.3.weight": torch.zeros(256, 96, 5, 5)}
    torch.save(wrong, tmp_path / "wrong.pth")
    with pytest.raises(ModelFolderError, match=r"features\.3\.weight has the shape \[256, 96, 5, 5\]"):
        read_public(NAME, tmp_path / "wrong.pth")
    (tmp_path / "old.pth").write_bytes(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.garbage")
    with pytest.raises(ModelFolderError, match="damaged, or holds more than tensors"):
        read_public(NAME, tmp_path / "old.pth")
