"""System B: pictures as they would stand on paper, segments that drop nothing, and the published trunk."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from affekt import recipe as recipes
from affekt.models.facenet import Facenet
from affekt.models.inception import InceptionResNet
from affekt.models.onnx import to_onnx
from affekt.models.pictures import SpectrogramPictures, WaveformPictures, resizing
from affekt.recipe import FacenetNetworkRecipe
from tests.fixtures import toy
from tests.models.test_networks import pad, run, small, trained

Tensors = dict[str, Tensor]


def network(*words: str) -> Facenet:
    """A small network with settings of its own, in use."""
    shape = recipes.load(None, [*("system=facenet", *toy.SHAPES["facenet"]), *words]).network
    torch.manual_seed(0)
    return Facenet(3, **shape.model_dump()).eval()


def frontend(*words: str) -> Any:
    """What draws its pictures."""
    return network(*words).frontend


def tone(hertz: float, seconds: float = 1.0) -> Tensor:
    """A sine at half of full scale."""
    return 0.5 * torch.sin(2 * torch.pi * hertz * torch.arange(round(seconds * toy.RATE)) / toy.RATE)


def drawn(pictures: Any, samples: Tensor, grid: Any) -> Tensor:
    """The first segment's picture [3, rows, columns]."""
    made, _ = pictures(samples[None], torch.tensor([len(samples)]))
    made = functional.pad(made, (0, 0, 0, max(0, grid.size - made.shape[1])))
    picture: Tensor = pictures.draw(made[:, : grid.size])[0]
    return picture


@pytest.mark.parametrize(("before", "after"), [(100, 160), (100, 80), (160, 160), (37, 80), (300, 75)])
def test_pictures_are_resized_as_torch_resizes_them(before: int, after: int) -> None:
    values = torch.randn(1, 1, before, 8, generator=torch.Generator().manual_seed(0)).double()
    expected = functional.interpolate(values, size=(after, 8), mode="bilinear", antialias=True)
    assert torch.allclose(resizing(before, after) @ values[0, 0], expected[0, 0], atol=1e-9)


@pytest.mark.parametrize("hertz", [500.0, 2000.0, 3500.0])
def test_a_tone_is_a_bright_row_at_its_height(hertz: float) -> None:
    made = network("network.size=160")
    picture = drawn(made.frontend, tone(hertz), made.grid)
    assert isinstance(made.frontend, SpectrogramPictures) and picture.shape == (3, 160, 160)
    assert torch.equal(picture[0], picture[2])
    row = int(picture[0].mean(1).argmax())
    assert abs((159.5 - row) / 160 * 4000 - hertz) < 50
    assert picture[0, row].min() > picture[0].median() + 0.5


def test_time_goes_to_the_right_and_silence_is_dark() -> None:
    made = network()
    late = torch.cat([torch.zeros(8000), tone(1000, 0.5)])
    picture = drawn(made.frontend, late, made.grid)[0]
    assert picture[:, :35].max() == -1 and picture[:, 50:70].max() > 0.5


def test_level_does_not_matter_unless_asked() -> None:
    voice = torch.from_numpy(toy.speech())[:16_000]
    for kind in ("spectrogram", "waveform"):
        for level in ("segment", "utterance", "none"):
            made = network(f"network.picture={kind}", f"network.normalisation={level}")
            one, other = (drawn(made.frontend, gain * voice, made.grid) for gain in (1.0, 0.1))
            assert torch.allclose(one, other, atol=2e-3) == (level != "none"), (kind, level)


def test_deltas_are_the_slopes_of_the_first_channel() -> None:
    made = network("network.channels=deltas", "network.size=100")
    rising = torch.linspace(-4, 0, 16_000).exp() * torch.randn(
        16_000, generator=torch.Generator().manual_seed(0)
    )
    first, slope, curve = drawn(made.frontend, rising, made.grid)
    inner = slice(8, 90)
    # Power rises by 8 in 16000 samples, or 8 / log(100) units; DELTA_SCALE of a frame's share, and a half.
    expected = 8 / np.log(100) / 100 * 3.0 / 2
    assert float(slope[:, inner].mean()) == pytest.approx(expected, rel=0.15)
    assert abs(float(curve[:, inner].mean())) < 0.02 and first.std() > 0.1


def test_a_waveform_is_drawn_from_its_lowest_to_its_highest_sample() -> None:
    made = network("network.picture=waveform", "network.size=100", "network.normalisation=none")
    assert isinstance(made.frontend, WaveformPictures)
    ramp = torch.linspace(-0.8, 0.8, 16_000)
    picture = drawn(made.frontend, ramp, made.grid)[0]
    covered = (picture + 1) / 2
    heights = (covered * (torch.arange(100) + 0.5)[:, None]).sum(0) / covered.sum(0)
    expected = 50 - 49 * torch.linspace(-0.8, 0.8, 100)
    assert (heights - expected)[:-1].abs().max() < 0.6
    # A ramp moves by 1.6 / 100 of 49 pixels in a column, and the line is one pixel thick.
    assert torch.allclose(covered.sum(0)[:-1], torch.full((99,), 1 + 49 * 1.6 / 100), atol=0.02)
    beyond = drawn(made.frontend, 5 * tone(200), made.grid)
    assert beyond.abs().max() <= 1


@given(
    st.sampled_from(["spectrogram", "waveform"]),
    st.floats(0.5, 3),
    st.floats(0, 0.9),
    st.integers(1, 200_000),
    st.sampled_from([5.0, 10.0, 16.0]),
)
def test_segments_cover_every_sample(
    picture: Any, seconds: float, overlap: float, samples: int, hop: float
) -> None:
    grid = FacenetNetworkRecipe(picture=picture, segment_seconds=seconds, overlap=overlap, hop_ms=hop).grid()
    count = grid.count(samples)
    frames = 1 + max(0, -(-(samples - grid.window) // grid.hop))
    assert (frames - 1) * grid.hop + grid.window >= samples
    last = max(0, frames - grid.size)
    starts = [min(at * grid.step, last) for at in range(count)]
    assert starts[-1] == last and len(set(starts)) == count
    assert all(later - before <= grid.size for before, later in pairwise(starts))
    assert grid.count(grid.samples(count)) == count and grid.count(grid.samples(count) + 1) == count + 1


@pytest.mark.parametrize(
    "words", [(), ("network.picture=waveform",), ("network.channels=deltas", "network.overlap=0")]
)
def test_a_clip_has_the_mean_of_its_segments(words: tuple[str, ...]) -> None:
    made = network(*words)
    grid = made.grid
    voice = torch.from_numpy(np.resize(toy.speech(), grid.samples(4)))
    whole = run(made, [voice])
    pieces = [voice[at * grid.step * grid.hop :][: grid.samples(1)] for at in range(4)]
    alone = run(made, pieces)
    for name in ("logits", "embedding"):
        assert torch.allclose(whole[name][0], alone[name].mean(0), atol=1e-4), name
    assert torch.allclose(alone["logits"].exp().sum(1), torch.ones(4), atol=1e-5)
    assert torch.allclose(alone["embedding"].norm(dim=1), torch.ones(4), atol=1e-5)
    scale = made.head_scale * whole["embedding"]
    assert torch.allclose(made.head(scale).softmax(1), whole["logits"].softmax(1), atol=1e-4)


def test_the_end_of_a_clip_is_heard() -> None:
    made = network()
    quiet = 0.01 * torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    loud = torch.cat([quiet[:-400], tone(900)[:400]])
    one, other = (run(made, [clip])["logits"] for clip in (quiet, loud))
    assert (one - other).abs().max() > 1e-3


@pytest.mark.parametrize("words", [("waveform", "segment", "repeat"), ("spectrogram", "utterance", "deltas")])
def test_other_pictures_are_exported_too(words: tuple[str, str, str]) -> None:
    import onnxruntime

    keys = ("picture", "normalisation", "channels")
    made = network(*(f"network.{key}={word}" for key, word in zip(keys, words, strict=True)))
    # What is drawn is at stake, and a hundred layers are exported for a long time.
    made.repeat_1 = made.repeat_2 = made.repeat_3 = nn.Sequential()
    session = onnxruntime.InferenceSession(to_onnx(made), providers=["CPUExecutionProvider"])
    pieces = [torch.from_numpy(one) for one in (toy.speech(), toy.speech()[:9000], toy.clip("anger", 1, 2.7))]
    samples, lengths = pad(pieces, 1234)
    found = session.run(["logits", "embedding"], {"samples": samples.numpy(), "lengths": lengths.numpy()})
    expected = run(made, pieces)
    assert np.abs(found[0] - expected["logits"].numpy()).max() < 1e-4
    assert np.abs(found[1] - expected["embedding"].numpy()).max() < 1e-4


def convolved(tensors: Tensors, name: str, maps: Tensor, stride: int = 1, padding: Any = 0) -> Tensor:
    """Convolution, normalisation and ReLU, from tensors by name."""
    maps = functional.conv2d(maps, tensors[f"{name}.conv.weight"], stride=stride, padding=padding)
    mean, variance = tensors[f"{name}.bn.running_mean"], tensors[f"{name}.bn.running_var"]
    scale = tensors[f"{name}.bn.weight"] / (variance + 1e-3).sqrt()
    shift = tensors[f"{name}.bn.bias"] - mean * scale
    return (maps * scale[:, None, None] + shift[:, None, None]).clamp(min=0)


def residual(tensors: Tensors, name: str, maps: Tensor, branches: list[Tensor], scale: float) -> Tensor:
    """The branches brought back to the map's channels and added."""
    weight, bias = tensors[f"{name}.conv2d.weight"], tensors[f"{name}.conv2d.bias"]
    return functional.conv2d(torch.cat(branches, 1), weight, bias) * scale + maps


def restated(t: Tensors, maps: Tensor) -> Tensor:
    """Inception-ResNet-v1 as its figures draw it, layer by layer."""
    for name, stride, padding in (("conv2d_1a", 2, 0), ("conv2d_2a", 1, 0), ("conv2d_2b", 1, 1)):
        maps = convolved(t, name, maps, stride, padding)
    maps = functional.max_pool2d(maps, 3, 2)
    for name, stride in (("conv2d_3b", 1), ("conv2d_4a", 1), ("conv2d_4b", 2)):
        maps = convolved(t, name, maps, stride)
    for at in range(5):
        name = f"repeat_1.{at}"
        two = convolved(t, f"{name}.branch1.1", convolved(t, f"{name}.branch1.0", maps), padding=1)
        three = convolved(t, f"{name}.branch2.0", maps)
        for layer in (1, 2):
            three = convolved(t, f"{name}.branch2.{layer}", three, padding=1)
        maps = residual(t, name, maps, [convolved(t, f"{name}.branch0", maps), two, three], 0.17).clamp(min=0)
    inner = convolved(t, "mixed_6a.branch1.1", convolved(t, "mixed_6a.branch1.0", maps), padding=1)
    parts = [convolved(t, "mixed_6a.branch0", maps, 2), convolved(t, "mixed_6a.branch1.2", inner, 2)]
    maps = torch.cat([*parts, functional.max_pool2d(maps, 3, 2)], 1)
    for at in range(10):
        maps = crossed(t, f"repeat_2.{at}", maps, 7, 0.1).clamp(min=0)
    parts = [
        convolved(t, f"mixed_7a.branch{at}.1", convolved(t, f"mixed_7a.branch{at}.0", maps), 2)
        for at in (0, 1)
    ]
    inner = convolved(t, "mixed_7a.branch2.1", convolved(t, "mixed_7a.branch2.0", maps), padding=1)
    parts.append(convolved(t, "mixed_7a.branch2.2", inner, 2))
    maps = torch.cat([*parts, functional.max_pool2d(maps, 3, 2)], 1)
    for at in range(5):
        maps = crossed(t, f"repeat_3.{at}", maps, 3, 0.2).clamp(min=0)
    return crossed(t, "block8", maps, 3, 1.0).flatten(2).mean(2)


def crossed(t: Tensors, name: str, maps: Tensor, reach: int, scale: float) -> Tensor:
    """A point beside a row and a column."""
    half = reach // 2
    row = convolved(t, f"{name}.branch1.1", convolved(t, f"{name}.branch1.0", maps), padding=(0, half))
    column = convolved(t, f"{name}.branch1.2", row, padding=(half, 0))
    return residual(t, name, maps, [convolved(t, f"{name}.branch0", maps), column], scale)


@torch.no_grad()
def test_the_trunk_is_inception_resnet_v1() -> None:
    found = trained("facenet")
    assert isinstance(found, InceptionResNet)
    pictures = torch.randn(2, 3, 110, 110, generator=torch.Generator().manual_seed(2))
    expected = restated(
        {name: value.double() for name, value in found.state_dict().items()}, pictures.double()
    )
    features = found.double().trunk(pictures.double())
    assert torch.allclose(features, expected, rtol=1e-9) and features.std() > 0.01


def test_the_published_network_has_the_published_shapes() -> None:
    with torch.device("meta"):
        state = Facenet(8631).state_dict()
    own = {"head.weight", "head.bias"}
    assert (
        sum(
            value.numel()
            for name, value in state.items()
            if name not in own and "running" not in name and "num_batches" not in name
        )
        == 23_482_624
    )
    for name, shape in {
        "conv2d_4b.conv.weight": (256, 192, 3, 3),
        "repeat_1.4.branch2.2.conv.weight": (32, 32, 3, 3),
        "repeat_1.0.conv2d.weight": (256, 96, 1, 1),
        "mixed_6a.branch1.2.conv.weight": (256, 192, 3, 3),
        "repeat_2.9.branch1.1.conv.weight": (128, 128, 1, 7),
        "mixed_7a.branch2.2.bn.running_var": (256,),
        "repeat_3.4.branch1.2.conv.weight": (192, 192, 3, 1),
        "block8.conv2d.bias": (1792,),
        "last_linear.weight": (512, 1792),
        "last_bn.running_mean": (512,),
    }.items():
        assert tuple(state[name].shape) == shape, name


def test_small_recipes_are_small() -> None:
    assert small("facenet").network.embedding == 8
