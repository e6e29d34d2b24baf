"""Each way to a map finds what is known to have decided, and places it where it sounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE
from affekt.errors import UsageError
from affekt.explanation import gradcam, methods, sanity
from affekt.explanation.maps import Map, fine_grid
from affekt.explanation.occlusion import columns, log_odds, occlusion
from affekt.explanation.regions import regions, top
from affekt.model_folder import attention_grid
from affekt.models import build
from affekt.models.fbank import make_frontend
from affekt.recognizer import Recognizer
from tests.fixtures import toy
from tests.models.test_networks import CLASSES, small

Samples = NDArray[np.float32]


def in_band(samples: Samples) -> NDArray[np.float64]:
    """Says class 1 for energy from 1 to 2 kHz between 0.5 and 0.8 s, and listens to nothing else."""
    spectrum = np.fft.rfft(samples[8000:12_800])
    hertz = np.fft.rfftfreq(4800, 1 / SAMPLE_RATE)
    energy = float(np.square(np.abs(spectrum[(hertz > 1000) & (hertz < 2000)])).mean())
    score = 1 / (1 + np.exp(-np.log10(energy + 1e-9)))
    return np.array([1 - score, score])


def noise(seconds: float = 2.0) -> Samples:
    samples = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * SAMPLE_RATE))
    return np.asarray(samples, np.float32)


def test_occlusion_finds_the_only_region_that_is_listened_to() -> None:
    ticks: list[None] = []
    found = occlusion(in_band, noise(), 1, step=lambda: ticks.append(None))
    assert len(ticks) == found.values.size == 8 * 20
    fine = found.on(fine_grid(2.0))
    mask = top(fine.values)
    (weightiest, *_) = regions(fine, mask)
    assert 0.4 <= weightiest.start < weightiest.end <= 1.0
    assert 400 < weightiest.low_hz < 1100 and 1900 < weightiest.high_hz < 3500
    assert weightiest.share > 0.8
    deleted = sanity.deletion(in_band, noise(), mask, fine.grid, 1)
    assert deleted is not None
    assert deleted.beaten == 1.0 and deleted.difference > 3 * deleted.random_sd > 0
    assert occlusion(in_band, noise(), 0).values.max() < 0.2 * found.values.max()


def test_a_map_of_noise_is_no_better_than_chance() -> None:
    grid = fine_grid(2.0)
    values = np.random.default_rng(1).random(grid.shape)
    deleted = sanity.deletion(in_band, noise(), top(values), grid, 1)
    assert deleted is not None and abs(deleted.difference) < 4 * max(deleted.random_sd, 0.01)
    assert sanity.deletion(in_band, noise(), np.zeros(grid.shape, np.bool_), grid, 1) is None


def test_random_regions_depend_on_the_seed_alone() -> None:
    grid = fine_grid(2.0)
    mask = top(np.random.default_rng(1).random(grid.shape) * (grid.moments > 1))
    one, again, other = (sanity.deletion(in_band, noise(), mask, grid, 1, seed=seed) for seed in (3, 3, 4))
    assert one == again != other


def test_patches_grow_with_the_recording() -> None:
    assert [columns(seconds) for seconds in (0.01, 0.3, 2.0, 30.0)] == [1, 3, 20, 40]
    assert columns(30.0, most=1) == 1
    assert log_odds(0.5) == 0 and np.isfinite([log_odds(0.0), log_odds(1.0)]).all()


def _surest(network: Any, samples: Samples) -> int:
    """A class that something in the clip speaks for."""
    with torch.no_grad():
        return int(
            network(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))["logits"][0].argmax()
        )


@pytest.mark.parametrize("each_cell", [False, True])
@pytest.mark.parametrize("system", ["resnet-stats", "resnet-attention", "attention-fcn"])
def test_gradcam_is_the_papers_sum(system: str, each_cell: bool) -> None:
    """The same by the way back through the whole network, from the map that the trunk gave."""
    network: Any = build(small(system), CLASSES).eval()
    samples = toy.speech()
    grid = small(system).network.grid() if system == "attention-fcn" else None  # type: ignore[attr-defined]
    index = _surest(network, samples)
    found = gradcam.gradcam(network, samples, index, each_cell=each_cell, grid=grid)
    kept: list[torch.Tensor] = []

    def keep(module: Any, inputs: Any, output: Any) -> None:
        inputs[0].retain_grad()
        kept.append(inputs[0])

    network.requires_grad_(True)
    hook = network.pooling.register_forward_hook(keep)
    logits = network(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))["logits"]
    logits[0, index].backward()
    hook.remove()
    (features,) = kept
    assert features.grad is not None
    gradient = features.grad if each_cell else features.grad.sum((2, 3), keepdim=True)
    expected = (gradient * features).sum(1)[0].clamp(min=0).detach().numpy()
    assert expected.max() > 0
    size = found.values.shape
    assert found.values == pytest.approx(
        expected[: size[0], : size[1]], rel=1e-3, abs=1e-6 * float(expected.max())
    )
    assert found.grid.times[[0, -1]] == pytest.approx([0, 2.0])


@pytest.mark.parametrize("features", ["log-mel", "kaldi", "speechbrain"])
@pytest.mark.parametrize("hertz", [300.0, 1200.0, 5000.0])
def test_a_click_and_a_tone_lie_where_the_frontend_hears_them(features: Any, hertz: float) -> None:
    frontend: Any = make_frontend(features, mels=64, window_ms=25, hop_ms=10, normalisation="utterance")
    time = np.arange(32_000) / SAMPLE_RATE
    burst = np.sin(2 * np.pi * hertz * time) * np.exp(-0.5 * ((time - 1.3) / 0.02) ** 2)
    samples = torch.from_numpy(burst.astype(np.float32))[None]
    energies, frames = frontend(samples, torch.tensor([32_000]))
    placed = gradcam._placed(frontend, energies[0].T.double().numpy(), int(frames[0]), 2.0)
    band, column = np.unravel_index(int(placed.values.argmax()), placed.values.shape)
    assert placed.grid.times[column] - 0.01 <= 1.3 <= placed.grid.times[column + 1] + 0.01
    assert placed.grid.hertz[band] * 0.93 <= hertz <= placed.grid.hertz[band + 1] * 1.07


@pytest.mark.parametrize(("size", "stride", "left"), [(64, 16, 4), (80, 8, 10), (33, 4, 9), (5, 1, 5)])
def test_the_stride_is_what_shortened_the_map(size: int, stride: int, left: int) -> None:
    assert gradcam._stride((size, 3 * size), (left, -(-3 * size // stride))) == stride


def test_attention_is_the_networks_own(attentive: Recognizer) -> None:
    method = methods.choose(attentive, None)
    assert method.name == "attention"
    samples = toy.speech()
    found = method.find(samples, 0, 40, lambda: None)
    output = attentive.score([samples], attention=True)
    assert output.attention is not None
    assert found.values == pytest.approx(output.attention) and found.values.sum() == pytest.approx(1)
    grid = attention_grid(attentive.config)
    assert grid is not None
    region = grid.region(0, 2)
    assert found.grid.times[2] < region.time < found.grid.times[3]
    assert found.grid.hertz[0] < region.frequency < found.grid.hertz[1]
    assert found.grid.hertz[-1] == grid.bins * grid.bin_hz
    assert method.blind is not None
    blind = method.blind(samples, 0, 40, lambda: None)
    assert isinstance(blind, Map) and blind.values.shape == found.values.shape
    assert not np.allclose(blind.values, found.values)


def test_a_method_is_chosen_by_name_or_refused(shipped: Recognizer) -> None:
    assert methods.choose(shipped, None).name == "hirescam"
    assert methods.choose(shipped, "gradcam").name == "gradcam"
    with pytest.raises(UsageError, match="did you mean 'occlusion'"):
        methods.choose(shipped, "oclusion")
    with pytest.raises(UsageError, match="resnet-stats has none; take one of hirescam, gradcam, occlusion"):
        methods.choose(shipped, "attention")


def test_random_weights_are_others_and_the_generator_is_left_alone(shipped: Recognizer) -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    trained, blind = gradcam.network_of(shipped), gradcam.random_network(shipped, methods.RANDOM_SEED)
    assert torch.equal(before, torch.random.get_rng_state())
    samples = toy.speech()
    said = gradcam.judge_of(trained, shipped.config.temperature)(samples)
    assert said == pytest.approx(methods.judge(shipped)(samples), abs=1e-4)
    assert gradcam.judge_of(blind, 1.0)(samples) != pytest.approx(said, abs=0.05)
