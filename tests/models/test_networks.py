"""What every registered system must do, whatever it is made of."""

from __future__ import annotations

import hashlib
from typing import Any, cast, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from affekt import recipe as recipes
from affekt.config import BASELINE, NETWORKS
from affekt.losses import cross_entropy
from affekt.models import build
from affekt.models.onnx import to_onnx
from affekt.recipe import RECIPES, Recipe
from tests.fixtures import toy

CLASSES = 5
TENSORS = {
    "resnet-stats": "5932c048ac7f7ff1",
    "resnet-attention": "af66c13c0f3a0ec8",
    "attention-fcn": "d2c5ded38e226032",
    "facenet": "98fa951422563721",
}
"""The start of a digest over each system's tensor names: stored models must stay readable."""


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    """A small network with statistics as if it had been trained."""
    return trained(request.param)


def trained(system: str) -> nn.Module:
    """Fresh weights would hide much: biases start at zero, and normalisation does nothing."""
    found = build(small(system), CLASSES)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in found.state_dict().values():
            # Layers without normalisation would be driven into saturation by more of each weight.
            if value.is_floating_point() and value.ndim <= 1:
                value.add_(0.2 * torch.rand(value.shape, generator=random))
    return found.eval()


def exported(system: str, network: nn.Module) -> bytes:
    """The graph of a network that `trained` built; traced once in a process."""
    return to_onnx(network, small(system).network.model_dump_json())


def small(system: str, *overrides: str) -> Recipe:
    """The system's smallest recipe."""
    return recipes.load(None, [f"system={system}", *toy.SHAPES[system], *overrides])


def clips() -> list[Tensor]:
    """Real and made voices of very different lengths."""
    made = [toy.clip("anger", 1, 0.02), toy.clip("sadness", 2, 0.5), toy.clip("neutral", 3, 3.0)]
    return [torch.from_numpy(one) for one in (*made, toy.speech(), toy.speech()[:1])]


def pad(pieces: list[Tensor], beyond: int = 0) -> tuple[Tensor, Tensor]:
    """A batch [batch, samples] with noise where there is no clip, and lengths [batch]."""
    size = max(map(len, pieces)) + beyond
    noise = torch.Generator().manual_seed(0)
    rows = [torch.cat([one, torch.randn(size - len(one), generator=noise)]) for one in pieces]
    return torch.stack(rows), torch.tensor([len(one) for one in pieces])


@torch.no_grad()
def run(network: nn.Module, pieces: list[Tensor], beyond: int = 0) -> dict[str, Tensor]:
    """The network's outputs for these clips as one batch."""
    return cast(dict[str, Tensor], network(*pad(pieces, beyond)))


def test_the_registry_is_the_recipes_and_the_model_folders() -> None:
    assert tuple(RECIPES) == (*NETWORKS, BASELINE)
    assert tuple(toy.SHAPES) == NETWORKS
    for system, shape in RECIPES.items():
        assert get_args(shape.model_fields["system"].annotation) == (system,)
    assert set(TENSORS) == set(NETWORKS)


def test_outputs_are_finite_and_differ_between_clips(network: nn.Module) -> None:
    output = run(network, clips())
    assert output["logits"].shape == (5, CLASSES)
    assert output["embedding"].shape == (5, 8)
    for values in output.values():
        assert values.isfinite().all()
    assert torch.pdist(output["embedding"][1:4]).min() > 1e-3


def test_a_clip_alone_scores_as_in_a_batch(network: nn.Module) -> None:
    together = run(network, clips())
    for at, clip in enumerate(clips()):
        alone = run(network, [clip])
        for name in ("logits", "embedding"):
            scale = float(together[name][at].abs().max().clamp(min=1))
            assert (alone[name][0] - together[name][at]).abs().max() < 1e-5 * scale


def test_padding_does_not_change_scores(network: nn.Module) -> None:
    plain, padded = run(network, clips()), run(network, clips(), beyond=7_777)
    for name in ("logits", "embedding"):
        scale = float(plain[name].abs().max().clamp(min=1))
        assert (plain[name] - padded[name]).abs().max() < 1e-5 * scale


def test_order_in_the_batch_does_not_matter(network: nn.Module) -> None:
    forward, backward = run(network, clips()), run(network, clips()[::-1])
    assert torch.allclose(forward["logits"], backward["logits"].flip(0), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("system", NETWORKS)
def test_every_parameter_has_a_gradient(system: str) -> None:
    network = trained(system).train()
    logits = network(*pad(clips()))["logits"]
    cross_entropy(logits, torch.tensor([0, 1, 2, 3, 4])).mean().backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("system", NETWORKS)
def test_weights_follow_from_the_seed(system: str) -> None:
    def weights(seed: int) -> str:
        torch.manual_seed(np.random.default_rng().integers(1 << 30))
        values = build(small(system, f"seed={seed}"), CLASSES).state_dict().values()
        return hashlib.sha256(b"".join(one.contiguous().numpy().tobytes() for one in values)).hexdigest()

    assert weights(0) == weights(0)
    assert weights(0) != weights(1)


@pytest.mark.parametrize("system", NETWORKS)
def test_tensor_names_and_shapes_are_those_of_stored_models(system: str) -> None:
    state = build(small(system), CLASSES).state_dict()
    described = "\n".join(f"{name} {tuple(value.shape)}" for name, value in state.items())
    assert hashlib.sha256(described.encode()).hexdigest().startswith(TENSORS[system]), described


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("normalisation", ["utterance", "bin"])
def test_every_shape_of_the_network_runs_and_ignores_padding(stride: int, normalisation: str) -> None:
    changes = [f"network.stem_stride={stride}", f"network.normalisation={normalisation}", "network.mels=37"]
    network = build(small("resnet-stats", *changes), CLASSES).eval()
    pieces = [one[:9_999] for one in clips()]
    plain, padded = run(network, pieces), run(network, pieces, beyond=3_210)
    assert torch.allclose(plain["logits"], padded["logits"], atol=1e-5)
    assert cast(Any, network).conv1.stride[0] == min(stride, 2)
