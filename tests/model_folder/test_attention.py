"""The attention map of a model folder: where it lies, and that pieces of a long recording give the whole."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from affekt.errors import ModelFolderError
from affekt.geometry.attention import FIELD, FIRST, SMALLEST, STRIDE, output_size
from affekt.model_folder import Scorer, attention_grid, pieces
from affekt.recipe import AttentionFcnNetworkRecipe
from tests.fixtures import tiny, toy
from tests.models.test_networks import CLASSES, exported, small, trained

LABELS = [*tiny.LABELS, "fear"][:CLASSES]


@pytest.fixture(scope="module")
def graph() -> bytes:
    """The smallest network of the system, with attention that is far from even."""
    network: Any = trained("attention-fcn")
    with torch.no_grad():
        network.pooling.weigh.weight.mul_(20)
    return exported("attention-fcn", network)


def config(**network: Any) -> Any:
    """Its config."""
    shape = small("attention-fcn").model_dump(mode="json")
    shape["network"] |= network
    return tiny.config(system="attention-fcn", labels=LABELS, embedding_size=8, recipe=shape)


@pytest.fixture(scope="module")
def scorer(graph: bytes) -> Scorer:
    """The network, ready to run."""
    return Scorer(graph, config(), 1)


def voice(seconds: float) -> NDArray[np.float32]:
    """Real speech, repeated to a length, never twice the same."""
    samples = np.resize(toy.speech(), round(seconds * toy.RATE))
    noise = np.random.default_rng(0).standard_normal(len(samples))
    swell = np.interp(np.arange(len(samples)), np.linspace(0, len(samples), 40), np.geomspace(0.05, 1, 40))
    return np.asarray(samples * swell + 0.003 * noise, np.float32)


def test_the_map_comes_when_it_is_asked_for(scorer: Scorer) -> None:
    grid = attention_grid(config())
    assert grid is not None
    for seconds in (0.1, 0.63, 2.0, 11.0):
        samples = voice(seconds)
        assert scorer.run(samples).attention is None
        output = scorer.run(samples, attention=True)
        assert output.attention is not None
        assert output.attention.shape == (grid.rows, grid.columns(len(samples)))
        assert output.attention.sum() == pytest.approx(1, abs=1e-5) and (output.attention > 0).all()


def test_a_system_without_attention_gives_none(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "model")
    assert attention_grid(folder.config) is None
    scorer = folder.scorer(1)
    assert not scorer.any_length
    samples = voice(1.0)
    assert scorer.run(samples, attention=True).attention is None
    halves = scorer.run_blocks([samples[:5000], samples[5000:]])
    assert np.array_equal(halves.logits, scorer.run(samples).logits)


@pytest.mark.parametrize("seconds", [61.9, 62.5, 130.0])
def test_pieces_give_the_whole(scorer: Scorer, graph: bytes, seconds: float) -> None:
    samples = voice(seconds)
    whole = Scorer(graph, config(), 1)
    assert whole._grid is not None
    whole._grid = replace(whole._grid, local=False)
    assert scorer.any_length and not whole.any_length
    expected, found = (one.run(samples, attention=True) for one in (whole, scorer))
    assert np.abs(found.logits - expected.logits).max() < 1e-5
    assert np.abs(found.embedding - expected.embedding).max() < 1e-5
    assert expected.attention is not None and found.attention is not None
    assert found.attention.shape == expected.attention.shape
    assert np.abs(found.attention - expected.attention).max() < 1e-6 * expected.attention.max() * 100
    blocks = scorer.run_blocks(iter(np.array_split(samples, 7)), attention=True)
    assert np.array_equal(blocks.logits, found.logits)


@settings(max_examples=60, deadline=None)
@given(
    columns=st.integers(1, 3 * pieces.COLUMNS),
    rest=st.integers(-639, 5120),
    block=st.integers(9_000, 2_000_000),
)
def test_pieces_cover_every_position_once(columns: int, rest: int, block: int) -> None:
    grid = AttentionFcnNetworkRecipe().grid()
    samples = max(1, (SMALLEST - 1 + STRIDE * (columns - 1)) * grid.hop + grid.window + rest)
    seen: list[int] = []
    place = np.arange(samples, dtype=np.float32)

    def blocks() -> Iterator[NDArray[np.float32]]:
        for at in range(0, samples, block):
            yield np.arange(at, min(samples, at + block), dtype=np.float64)  # type: ignore[misc]

    def run(piece: NDArray[np.float32]) -> pieces.Maps:
        first = round(float(piece[0]))
        assert first % grid.step_samples == 0
        assert len(piece) <= pieces.piece_samples(grid)
        own = grid.columns(len(piece)) + 1
        numbers = first // grid.step_samples + np.arange(own, dtype=np.float32)
        seen.extend(int(one) for one in numbers)
        return pieces.Maps(
            np.tile(numbers, (grid.rows, 1)), np.zeros((2, grid.rows, own), np.float32),
            np.zeros((3, grid.rows, own), np.float32),
        )  # fmt: skip

    sums = pieces.in_pieces(blocks(), grid, run)
    kept = np.concatenate([one[0] for one in sums.energies])
    assert kept.tolist() == list(range(grid.columns(len(place))))


def test_memory_does_not_grow_with_the_recording(scorer: Scorer) -> None:
    block = voice(1.0)

    def peak(seconds: int) -> int:
        tracemalloc.start()
        scorer.run_blocks(block for _ in range(seconds))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(400) < 1.1 * peak(130)


def test_the_receptive_field_is_that_of_the_layers() -> None:
    """A position moves with a frame or bin if and only if it lies in the field."""
    network: Any = trained("attention-fcn").double()
    size = 420
    base = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    base.requires_grad_()
    maps, _ = network.trunk(base, torch.tensor([size]))
    assert maps.shape[2:] == (output_size(size),) * 2
    row, column = 4, 6
    (gradient,) = torch.autograd.grad(maps[0, :, row, column].sum(), base)
    for axis, at in ((1, row), (0, column)):
        touched = gradient[0, 0].abs().sum(axis).nonzero().flatten()
        centre = FIRST + STRIDE * at
        assert touched.min() >= centre - FIELD // 2 and touched.max() <= centre + FIELD // 2
        assert touched.max() - touched.min() > FIELD - 40


def test_a_region_is_in_seconds_and_hertz() -> None:
    grid = AttentionFcnNetworkRecipe().grid()
    assert (grid.rows, grid.step_seconds, grid.step_hz) == (5, 0.32, 640.0)
    region = grid.region(2, 10)
    assert region.time == pytest.approx((31 + 320) * 0.01 + 0.02)
    assert (region.start, region.end) == pytest.approx(((351 - 97) * 0.01, (351 + 97) * 0.01 + 0.04))
    assert region.frequency == (31 + 64) * 20 and (region.low, region.high) == (0.0, (95 + 97) * 20)
    corner = grid.region(0, 0)
    assert (corner.start, corner.low) == (0.0, 0.0)
    fine = AttentionFcnNetworkRecipe(dft=1600).grid()
    assert fine.rows == 11 and fine.region(3, 0).frequency == pytest.approx((31 + 96) * 10)


def test_a_recipe_that_is_not_the_systems_is_refused(graph: bytes) -> None:
    for network in ({"hop_ms": 1e9}, {"mels": 64}, {"high_hz": 600.0, "dft": 640}):
        with pytest.raises(ModelFolderError, match=r"config\.json: recipe: network: "):
            Scorer(graph, config(**network), 1)
    with pytest.raises(ModelFolderError, match=r"gives attention .* asks for 5 rows"):
        Scorer(graph, config(dft=800, high_hz=4000.0), 1).run(voice(1.0), attention=True)


def test_the_recipe_is_plain_json() -> None:
    assert json.loads(json.dumps(config().recipe))["network"]["attention_scale"] == 0.3
