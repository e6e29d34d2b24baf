"""Recipes: strict keys and values, overrides, and YAML that cannot run anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from affekt import recipe
from affekt.errors import UsageError
from affekt.recipe import Recipe


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.epoch=3", ["train.epoch", "did you mean 'epochs'"]),
        ("trian.epochs=3", ["trian", "did you mean 'train'"]),
        ("network.widht=8", ["network.widht", "did you mean 'width'"]),
        ("augment.zzz=1", ["augment.zzz", "known are", "time_masks"]),
    ],
)
def test_an_unknown_key_names_the_nearest(override: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        recipe.load(None, [override])
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("train.epochs=many", "train.epochs"),
        ("train.epochs=true", "train.epochs"),
        ("train.epochs=0", "train.epochs"),
        ("train.learning_rate=.inf", "train.learning_rate"),
        ("train.learning_rate=.nan", "train.learning_rate"),
        ("train.class_weights=perhaps", "train.class_weights"),
        ("network=4", "network"),
        ("network.width.more=4", "network.width"),
        ("network.blocks=[1,2]", "network.blocks"),
        ("network.stem_stride=3", "network.stem_stride"),
        ("network.hop_ms=30", "hop_ms is longer"),
        ("seed=1.5", "seed"),
        ("seed=-1", "seed"),
        ("labels=[anger,rage]", "'rage' is not an emotion"),
        ("labels=[anger,anger]", "labels"),
        ("system=resnet", "system"),
        ("train.epochs", "key=value"),
        ("=3", "key=value"),
        ("train.epochs=[", "train.epochs"),
        ("train.epochs=" + "[" * 1500, "train.epochs"),
        ("train={epochs: 1, epochs: 2}", "stands twice"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_key(override: str, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe.load(None, [override])
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)


def test_overrides_stand_above_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("seed: 4\ntrain: {epochs: 7, learning_rate: 1e-2}\ndata: emodb:somewhere,clips.csv\n")
    found = recipe.load(str(file), ["train.epochs=9", "network.width=8"])
    assert (found.seed, found.train.epochs, found.train.learning_rate) == (4, 9, 0.01)
    assert found.network.width == 8
    assert found.data == ("emodb:somewhere", "clips.csv")


@pytest.mark.parametrize("name", recipe.shipped())
def test_shipped_recipes_are_valid(name: str) -> None:
    found = recipe.load(name)
    assert type(found) is recipe.RECIPES[found.system]


def test_a_recipe_survives_being_written_and_read(tmp_path: Path) -> None:
    changed = recipe.load(
        None,
        [
            "train.learning_rate=1e-5",
            "labels=[sadness,anger]",
            "data=[a b.csv,'x: y,z #.csv']",
            "augment.warp=0",
        ],
    )
    file = tmp_path / "recipe.yaml"
    for one in (Recipe(), changed):
        file.write_text(recipe.dump(one))
        assert recipe.load(str(file)) == one
    assert changed.data == ("a b.csv", "x: y,z #.csv")


def test_tags_that_run_code_are_refused(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    attack = f"!!python/object/apply:os.system ['touch {canary}']"
    with pytest.raises(UsageError):
        recipe.load(None, [f"seed={attack}"])
    file = tmp_path / "recipe.yaml"
    file.write_text(f"seed: {attack}\n")
    with pytest.raises(UsageError, match="not valid YAML"):
        recipe.load(str(file))
    assert not canary.exists()
    yaml.unsafe_load(attack)
    assert canary.exists(), "the attack must be able to work, or this test shows nothing"


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00\x01", b"- a\n- b\n", b"seed: [\n", b"1: 2\n", b"train: {epochs: 1}\ntrain: {}\n"],
)
def test_a_file_that_is_no_recipe_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        recipe.load(str(file))
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_recipe_lists_the_shipped_ones() -> None:
    with pytest.raises(UsageError, match="thin"):
        recipe.load("thinn")
