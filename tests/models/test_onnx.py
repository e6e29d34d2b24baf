"""The exported graph says what the torch network says, for clips and batches of any length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import affekt
from affekt.config import NETWORKS
from affekt.model_folder import graph
from affekt.models import onnx
from tests.fixtures import toy
from tests.models.test_networks import exported, pad, run, trained

Pair = tuple[nn.Module, onnxruntime.InferenceSession]


@pytest.fixture(scope="module", params=NETWORKS)
def pair(request: pytest.FixtureRequest) -> Pair:
    """A network and its graph in ONNX Runtime."""
    network = trained(request.param).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    data = exported(request.param, network)
    graph.check(data)
    assert network.training, "exporting must leave the network as it was"
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    network.eval()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return network, onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def voice(seconds: float) -> Tensor:
    """Real speech, repeated to a length."""
    return torch.from_numpy(np.resize(toy.speech(), round(seconds * toy.RATE)))


def difference(pair: Pair, pieces: list[Tensor], beyond: int = 0) -> float:
    """The largest difference of any output, relative to the largest where that is above 1."""
    network, session = pair
    samples, lengths = pad(pieces, beyond)
    feeds = {"samples": samples.numpy(), "lengths": lengths.numpy()}
    expected = run(network, pieces, beyond)
    assert [one.name for one in session.get_outputs()] == list(expected)
    found = dict(zip(expected, session.run(list(expected), feeds), strict=True))
    return max(
        float(
            (torch.from_numpy(values) - expected[name]).abs().max() / expected[name].abs().max().clamp(min=1)
        )
        for name, values in found.items()
    )


def test_a_graph_says_nothing_of_the_machine_it_was_made_on() -> None:
    data = exported("resnet-stats", trained("resnet-stats"))
    root = str(Path(affekt.__file__).parent)
    for trace in (root, "site-packages", "stack_trace", 'File "', "/python3"):
        assert trace.encode() not in data, trace


@pytest.mark.parametrize("system", ["resnet-stats", "attention-fcn"])
def test_a_second_network_of_the_same_shape_has_its_own_weights(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = trained(system), trained(system)
    with torch.no_grad():
        for one in second.parameters():
            one.mul_(1.01)
    before = exported(system, first)
    traced: list[object] = []
    monkeypatch.setattr(onnx, "_trace", traced.append)
    data = exported(system, second)
    assert not traced, "traced again"
    assert data != before
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert difference((second, session), [voice(1.0), voice(0.4)]) < 1e-4


class _Doubled(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


def test_a_network_of_other_layers_is_traced_anew_though_its_weights_are_called_the_same() -> None:
    network: Any = trained("resnet-stats")
    before = exported("resnet-stats", network)
    head = _Doubled(network.head.in_features, network.head.out_features)
    head.load_state_dict(network.head.state_dict())
    network.head = head
    data = exported("resnet-stats", network.eval())
    assert data != before
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert difference((network, session), [voice(1.0)]) < 1e-4


@pytest.mark.parametrize("seconds", [1 / toy.RATE, 0.02, 0.5, 3.0, 20.0])
def test_a_clip_of_any_length(pair: Pair, seconds: float) -> None:
    assert difference(pair, [voice(seconds)]) < 1e-4


@pytest.mark.parametrize("lengths", [[0.02, 0.5, 3.0], [1.0, 1.0], [0.3, 0.1, 0.9, 2.2, 0.01]])
def test_a_batch_with_padding(pair: Pair, lengths: list[float]) -> None:
    assert difference(pair, [voice(one) for one in lengths], beyond=4_321) < 1e-4


@pytest.mark.parametrize("level", [0.0, 1e-9, 1e-6, 30.0])
def test_a_clip_of_any_level_down_to_silence(pair: Pair, level: float) -> None:
    noise = torch.randn(16_000, generator=torch.Generator().manual_seed(0))
    assert difference(pair, [level * noise]) < 1e-4
