"""System C: AlexNet's layout, attention as the paper writes it, and clips down to a tenth of a second."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from affekt.frontend import FLOOR_DB, REFERENCE_POWER, LogSpectrogram
from affekt.geometry.attention import SMALLEST, output_size
from affekt.models import build
from affekt.models.attention_fcn import CHANNELS, AttentionFcn, local_response_norm
from tests.fixtures import toy
from tests.models.test_networks import CLASSES, clips, pad, run, small, trained

VARIANTS = [
    (),
    ("network.trunk=alexnet-lrn",),
    ("network.batch_norm=true",),
    ("network.channels=3",),
    ("network.attention_scale=0",),
    ("network.normalisation=utterance",),
]


def variant(*overrides: str) -> AttentionFcn:
    """A small network with such settings."""
    return cast(AttentionFcn, build(small("attention-fcn", *overrides), CLASSES).eval())


def test_the_trunk_has_the_names_and_shapes_of_torchvisions_alexnet() -> None:
    with torch.device("meta"):
        state = AttentionFcn(CLASSES, channels=3).state_dict()
    shapes = [(64, 3, 11, 11), (192, 64, 5, 5), (384, 192, 3, 3), (256, 384, 3, 3), (256, 256, 3, 3)]
    trunk = {name: tuple(value.shape) for name, value in state.items() if name.startswith("features.")}
    expected: dict[str, tuple[int, ...]] = {}
    for at, shape in zip((0, 3, 6, 8, 10), shapes, strict=True):
        expected |= {f"features.{at}.weight": shape, f"features.{at}.bias": shape[:1]}
    assert trunk == expected
    with torch.device("meta"):
        half = AttentionFcn(CLASSES, width=0.5, trunk="alexnet-lrn").state_dict()
    sizes = [half[f"features.{at}.weight"].shape[0] for at in (0, 3, 6, 8, 10)]
    assert sizes == [size // 2 for size in CHANNELS["alexnet-lrn"]]


def restated(network: AttentionFcn, spectrogram: Tensor) -> dict[str, Tensor]:
    """A clip's map, attention and logits by the paper's equations, from its spectrogram [frames, bins]."""
    weights = network.state_dict()
    missing = max(0, SMALLEST - len(spectrogram))
    maps = functional.pad(spectrogram, (0, 0, 0, missing)).T[None, None]
    for at, stride, padding, pooled in ((0, 4, 2, True), (3, 1, 2, True), (6, 1, 1, False)):
        convolved = functional.conv2d(
            maps, weights[f"features.{at}.weight"], weights[f"features.{at}.bias"], stride, padding
        )
        maps = functional.max_pool2d(convolved.relu(), 3, 2) if pooled else convolved.relu()
    for at in (8, 10):
        maps = functional.conv2d(
            maps, weights[f"features.{at}.weight"], weights[f"features.{at}.bias"], 1, 1
        ).relu()
    maps = functional.max_pool2d(maps, 3, 2)[0]
    positions = maps.flatten(1).T
    hidden = torch.tanh(
        positions @ weights["pooling.project.weight"].flatten(1).T + weights["pooling.project.bias"]
    )
    energies = hidden @ weights["pooling.weigh.weight"].flatten()
    powers = (network.pooling.scale * energies).exp()
    alpha = powers / powers.sum()
    context = alpha @ positions
    logits = context @ weights["head.weight"].T + weights["head.bias"]
    return {"map": maps, "attention": alpha.reshape(maps.shape[1:]), "embedding": context, "logits": logits}


@pytest.mark.parametrize("scale", [0.0, 0.3, 1.0])
def test_attention_is_the_papers(scale: float) -> None:
    network = cast(Any, trained("attention-fcn"))
    network.pooling.scale = scale
    for clip in clips():
        samples, lengths = clip[None], torch.tensor([len(clip)])
        with torch.no_grad():
            spectrogram, frames = network.frontend(samples, lengths)
            expected = restated(network, spectrogram[0, : int(frames)])
            found = network(samples, lengths)
        for name, value in expected.items():
            got = found[name][0][..., : value.shape[-1]]
            assert torch.allclose(got, value, atol=1e-5, rtol=1e-4), name
    if scale == 0:
        assert torch.allclose(expected["embedding"], expected["map"].mean((1, 2)), atol=1e-5)


@pytest.mark.parametrize("overrides", VARIANTS, ids=lambda one: one[0] if one else "plain")
def test_every_variant_ignores_padding_and_neighbours(overrides: tuple[str, ...]) -> None:
    network = variant(*overrides)
    pieces = [one[:20_000] for one in clips()]
    padded = run(network, pieces, beyond=33_333)
    for at, piece in enumerate(pieces):
        alone = run(network, [piece])
        for name in ("logits", "embedding"):
            assert (alone[name][0] - padded[name][at]).abs().max() < 1e-5
        columns = output_size(
            max(SMALLEST, int(cast(Any, network).frontend.frame_lengths(torch.tensor([len(piece)]))))
        )
        assert torch.allclose(
            alone["attention"][0, :, :columns], padded["attention"][at, :, :columns], atol=1e-6
        )
        assert not padded["attention"][at, :, columns:].any()
        assert padded["attention"][at].sum() == pytest.approx(1, abs=1e-5)


def test_logits_and_embedding_are_means_weighed_by_attention() -> None:
    output = run(trained("attention-fcn"), clips())
    weights = output["attention"][:, None]
    assert torch.allclose((output["evidence"] * weights).sum((2, 3)), output["logits"], atol=1e-4)
    assert torch.allclose((output["map"] * weights).sum((2, 3)), output["embedding"], atol=1e-4)
    energy = torch.exp(output["energy"])
    again = energy / energy.sum((1, 2), keepdim=True)
    assert torch.allclose(again, output["attention"], atol=1e-6)


def test_response_normalisation_is_torchs_in_the_papers_constants() -> None:
    maps = 30 * torch.rand(2, 9, 4, 5, generator=torch.Generator().manual_seed(0))
    # torch divides alpha by the size, the paper does not.
    expected = functional.local_response_norm(maps, 5, alpha=5e-4, beta=0.75, k=2.0)
    assert torch.allclose(local_response_norm(maps), expected, rtol=1e-5)


def test_a_spectrogram_is_power_in_units_of_20_db() -> None:
    frontend = LogSpectrogram(bins=200, dft=800)
    noise = 0.1 * torch.randn(1, 160_000, generator=torch.Generator().manual_seed(0))
    found, frames = frontend(noise, torch.tensor([160_000]))
    assert found.shape[1] >= int(frames) == 1 + math.ceil((160_000 - 640) / 160)
    floor = REFERENCE_POWER * 10 ** (FLOOR_DB / 10)
    power = (torch.exp(found[0, : int(frames) - 4] * math.log(100)) - 1) * floor
    assert float(power.mean()) == pytest.approx(0.01, rel=0.02)
    time = np.arange(16_000) / 16_000
    tone = torch.from_numpy(np.sin(2 * np.pi * 1000 * time).astype(np.float32))[None]
    assert frontend(tone, torch.tensor([16_000]))[0][0, 20].argmax() == 50
    quiet, loud = (frontend(gain * tone, torch.tensor([16_000]))[0][0, 20, 50] for gain in (0.1, 1.0))
    assert float(loud - quiet) == pytest.approx(1, abs=1e-3)
    assert not frontend(torch.zeros(1, 16_000), torch.tensor([16_000]))[0].any()


def test_a_level_free_spectrogram_does_not_hear_the_gain() -> None:
    frontend = LogSpectrogram(normalisation="utterance")
    samples = torch.from_numpy(toy.speech())[None]
    lengths = torch.tensor([samples.shape[1]])
    assert torch.allclose(frontend(samples, lengths)[0], frontend(0.05 * samples, lengths)[0], atol=1e-3)


def test_pictures_are_looked_at_by_the_same_trunk() -> None:
    network = variant("network.channels=3")
    pictures = torch.rand(4, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = network.look(pictures)["logits"]
        assert logits.shape == (4, CLASSES)
        assert torch.allclose(network.look(pictures[:1])["logits"], logits[:1], atol=1e-5)
    assert torch.pdist(logits).min() > 1e-4


def test_half_a_batch_of_padding_trains_without_losing_finiteness() -> None:
    network = cast(Any, build(small("attention-fcn", "network.batch_norm=true"), CLASSES)).train()
    network(*pad(clips(), beyond=9_000))["logits"].sum().backward()
    assert all(one.grad.isfinite().all() for one in network.parameters() if one.grad is not None)
