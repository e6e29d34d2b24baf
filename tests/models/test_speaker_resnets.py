"""The attentive network: what a clip is batched with does not count, all that it has learns, ONNX agrees."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from affekt.models.onnx import to_onnx
from affekt.models.speaker_resnets import AttentiveResNet
from tests.fixtures import toy


def small(head: str = "linear") -> AttentiveResNet:
    """A small network with statistics as if it had been trained."""
    torch.manual_seed(0)
    network = AttentiveResNet(
        3, channels=(4, 4, 8, 8), blocks=(2, 1, 1, 1), attention=6, mels=20, embedding=5,
        head="cosine" if head == "cosine" else "linear",
    )  # fmt: skip
    with torch.no_grad():
        for value in network.state_dict().values():
            if value.is_floating_point():
                value.add_(0.2 * torch.rand(value.shape))
    return network.eval()


def batch(beyond: int = 0) -> tuple[Tensor, Tensor]:
    """Clips of very different lengths with noise behind them, and their lengths."""
    clips = [
        torch.from_numpy(one) for one in (toy.speech()[:8_000], toy.clip("anger", 1, 0.2), toy.speech()[:1])
    ]
    size = max(map(len, clips)) + beyond
    return torch.stack([torch.cat([one, torch.randn(size - len(one))]) for one in clips]), torch.tensor(
        [len(one) for one in clips]
    )


@torch.no_grad()
@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_neither_padding_nor_neighbours_count(head: str) -> None:
    network = small(head)
    samples, lengths = batch()
    plain, padded = network(samples, lengths), network(*batch(beyond=3_333))
    for name in ("logits", "embedding"):
        scale = float(plain[name].abs().max())
        assert (plain[name] - padded[name]).abs().max() < 1e-5 * scale
        for at, length in enumerate(lengths):
            alone = network(samples[at : at + 1, :length], lengths[at : at + 1])[name][0]
            assert (plain[name][at] - alone).abs().max() < 1e-5 * scale
    assert torch.pdist(plain["embedding"]).min() > 1e-3
    assert head == "linear" or plain["logits"].abs().max() <= 1 + 1e-6


def test_every_parameter_has_a_gradient() -> None:
    network = small().train()
    output = network(*batch())["logits"]
    (output * torch.tensor([[1.0, -2, 3], [2, 1, -1], [-3, 2, 1]])).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        # The bias in front of a batch normalisation is the one that cannot matter.
        assert parameter.grad.any(), name


def test_the_levels_are_all_that_learns() -> None:
    network = small()
    levels = [parameter for level in network.levels() for part in level for parameter in part.parameters()]
    assert len(levels) == len(set(levels))
    assert set(levels) == set(network.parameters())


@torch.no_grad()
def test_onnx_says_the_same() -> None:
    network = small()
    session = onnxruntime.InferenceSession(to_onnx(network), providers=["CPUExecutionProvider"])
    samples, lengths = batch()
    expected = network(samples, lengths)
    found = session.run(None, {"samples": samples.numpy(), "lengths": lengths.numpy()})
    for name, values in zip(("logits", "embedding"), found, strict=True):
        wanted = expected[name].numpy()
        assert np.abs(values - wanted).max() < 1e-3 * np.abs(wanted).max()
