"""Starting from another network: what is taken, what rests, and how fast each part learns."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from pathlib import Path

import pytest
import torch

from affekt import files, model_folder
from affekt import recipe as recipes
from affekt.errors import UsageError
from affekt.models import build, public
from affekt.recipe import Recipe, TransferRecipe
from affekt.training.emotions import EmotionTask
from affekt.training.fit import Fit
from affekt.training.journal import Journal
from affekt.training.levels import is_frozen, levels, parameter_groups
from affekt.training.step import autocast
from affekt.training.transfer import Source, from_folder, from_public, inherit, start
from affekt.verbs.train import train
from tests.fixtures import toy
from tests.fixtures.file_server import serve
from tests.models.test_public import wespeaker_state


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy corpus."""
    return toy.corpus(tmp_path_factory.mktemp("corpus"), speakers=3)


@pytest.fixture(scope="module")
def source(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that knows all toy emotions."""
    result = train(toy.recipe(table, epochs=1), tmp_path_factory.mktemp("source") / "run")
    assert result.model is not None
    return result.model


def from_source(
    table: Path, source: Path, *, labels: tuple[str, ...] | None = None, **transfer: object
) -> Recipe:
    """The toy recipe, started from the source."""
    settings = TransferRecipe.model_validate(transfer)
    return toy.recipe(table).model_copy(update={"init": str(source), "transfer": settings, "labels": labels})


def test_the_head_is_taken_only_where_the_labels_are_the_same(table: Path, source: Path) -> None:
    folder = from_folder(source)
    recipe = from_source(table, source)
    for labels, heads in (
        (list(folder.labels), 0),
        (["anger", "sadness"], 2),
        (list(folder.labels)[::-1], 2),
    ):
        network = build(recipe, len(labels))
        transfer = start(network, recipe, labels, folder)
        assert list(transfer.new) == ["head.weight", "head.bias"][:heads]
        assert set(transfer.left) == set(transfer.new)
        for name, value in network.state_dict().items():
            same = torch.equal(value, folder.tensors[name]) if name in transfer.taken else None
            assert same is not False, name
        assert len(transfer.taken) + len(transfer.new) == len(network.state_dict())


def test_a_run_says_and_keeps_what_it_started_from(table: Path, source: Path, tmp_path: Path) -> None:
    said: list[str] = []
    recipe = from_source(table, source, labels=("anger", "sadness"))
    result = train(recipe, tmp_path / "run", say=said.append)
    assert any(line.startswith(f"init {source}: ") and "new: head.weight, head.bias" in line for line in said)
    kept = files.read_json(tmp_path / "run" / "transfer.json")
    assert kept["new"] == ["head.weight", "head.bias"] and "conv1.weight" in kept["taken"]
    assert result.model is not None
    config = model_folder.open_folder(result.model).config
    assert config.recipe["init"] == str(source)
    assert [one.name for one in config.training.corpora] == ["toy"]


def test_what_a_source_was_trained_on_binds_what_starts_from_it(source: Path, tmp_path: Path) -> None:
    other = toy.corpus(tmp_path, speakers=2, name="other")
    result = train(from_source(other, source), tmp_path / "run")
    assert result.model is not None
    config = model_folder.open_folder(result.model).config
    assert [one.name for one in config.training.corpora] == ["other", "toy"]
    assert "toy" in config.licence


def test_a_source_brings_its_shape_and_refuses_another(source: Path) -> None:
    folder = from_folder(source)
    assert inherit(Recipe(), folder).network.width == 4
    with pytest.raises(UsageError, match=r"network\.width: the recipe says 16, and .* has 4; leave it out"):
        inherit(Recipe.model_validate({"network": {"width": 16}}), folder)


def test_groups_hold_each_parameter_once_at_its_rate(table: Path, source: Path) -> None:
    recipe = from_source(table, source, rate=0.5, decay=0.1)
    network = build(recipe, 3)
    groups = parameter_groups(network, recipe)
    held = [id(one) for group in groups for one in group["params"]]
    assert sorted(held) == sorted(id(one) for one in network.parameters())
    shares = {group["depth"]: group["share"] for group in groups}
    assert shares[0] == 1.0
    assert [shares[depth] for depth in (1, 2, 3)] == pytest.approx([0.5, 0.05, 0.005])
    plain = parameter_groups(network, recipe.model_copy(update={"init": None}))
    assert {group["share"] for group in plain} == {1.0}


def run(recipe: Recipe, folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], Fit]:
    """Trains from the source; the tensors before and after."""
    assert recipe.init is not None
    opened = from_folder(Path(recipe.init))
    recipe = inherit(recipe, opened)
    examples = toy.examples(recipe)
    network = build(recipe, len(examples.targets.labels))
    start(network, recipe, ["other"], opened)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    task = EmotionTask(examples, recipe, lambda: autocast(recipe))
    folder.mkdir()
    fit = Fit(network, task, recipe, folder)
    fit.run(Journal(None))
    return before, {name: value.clone() for name, value in fit.network.state_dict().items()}, fit


def test_a_linear_probe_moves_the_head_alone(table: Path, source: Path, tmp_path: Path) -> None:
    before, after, _ = run(from_source(table, source, freeze=True), tmp_path / "probe")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"head.weight", "head.bias"}


def test_levels_thaw_one_after_another_from_the_head_down(table: Path, source: Path, tmp_path: Path) -> None:
    recipe = from_source(table, source, unfreeze_epochs=1)
    assert [is_frozen(depth, 1, recipe) for depth in range(4)] == [False, False, True, True]
    before, after, fit = run(recipe, tmp_path / "gradual")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    rested = {
        name
        for modules in levels(fit.network)[:-2]
        for module in modules
        for name, value in fit.network.state_dict(keep_vars=True).items()
        if any(value is one for one in [*module.parameters(), *module.buffers()])
    }
    assert rested and not moved & rested
    assert {"head.weight", "embedding.weight", "bn_embedding.running_mean"} <= moved


def test_a_slower_trunk_moves_less(table: Path, source: Path, tmp_path: Path) -> None:
    distances = []
    for rate in (1.0, 0.01):
        before, after, _ = run(from_source(table, source, rate=rate), tmp_path / str(rate))
        distances.append(float((after["conv1.weight"] - before["conv1.weight"]).norm()))
    assert 0 < distances[1] < 0.1 * distances[0]


def test_a_public_checkpoint_is_fetched_and_starts_a_network(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFFEKT_CACHE", str(tmp_path / "cache"))
    buffer = io.BytesIO()
    torch.save(wespeaker_state(0), buffer)
    content = buffer.getvalue()
    with serve(content) as served:
        moved = dataclasses.replace(public.PUBLIC["wespeaker-resnet34"], url=served.url)
        monkeypatch.setattr(public, "PUBLIC", {"wespeaker-resnet34": moved})
        base = recipes.load(
            None, ["init=wespeaker-resnet34", "transfer.freeze=true", f"data={table}", "train.epochs=1"]
        )
        with pytest.raises(UsageError, match="SHA-256 is not known"):
            train(base, tmp_path / "run")
        digest = hashlib.sha256(content).hexdigest()
        result = train(base.model_copy(update={"init_sha256": digest}), tmp_path / "run")
        assert len(served.asked) == 1
    assert result.model is not None
    made = model_folder.open_folder(result.model)
    assert made.config.recipe["network"]["features"] == "kaldi"
    learnt = {one.name: one for one in made.config.training.corpora}
    assert learnt["wespeaker-resnet34"].licence == "CC-BY-4.0" and learnt["wespeaker-resnet34"].clips is None
    assert "| wespeaker-resnet34 | not known | not known | CC-BY-4.0 |" in made.contents["README.md"].decode()
    kept = files.read_json(tmp_path / "run" / "transfer.json")
    assert kept["new"] == ["head.weight", "head.bias"] and not kept["left"]
    path = tmp_path / "speakers.pt"
    path.write_bytes(content)
    assert from_public(str(path)).name == "wespeaker-resnet34"
    with pytest.raises(
        UsageError, match=r"init: wespeaker-resnet is neither .* did you mean 'wespeaker-resnet34'"
    ):
        train(base.model_copy(update={"init": "wespeaker-resnet"}), tmp_path / "other")


def test_a_source_brings_its_system_too() -> None:
    source = Source("somewhere", "resnet-attention", {"channels": [8, 8, 8, 8]}, "speakers", (), {}, ())
    found = inherit(Recipe(), source)
    assert found.model_dump()["system"] == "resnet-attention" and found.network.model_dump()["channels"] == (
        8,
        8,
        8,
        8,
    )
    with pytest.raises(
        UsageError, match="somewhere: is a resnet-attention, and the recipe wants a resnet-stats"
    ):
        inherit(Recipe.model_validate({"system": "resnet-stats"}), source)
