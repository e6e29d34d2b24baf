"""The larger model: speakers, members on the same split, one fused folder; finished steps are left alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from affekt import Recognizer
from affekt import recipe as recipes
from affekt.errors import UsageError
from affekt.evaluation.scored import read_scored
from affekt.recipe import Recipe
from affekt.verbs.best import Best, pretraining, reproduce_best
from tests.fixtures import toy

SPEAKERS = (
    "train.epochs=1",
    "train.precision=float32",
    "speakers.crop_seconds=0.5",
    "speakers.speeds=[1.0]",
    "speakers.test_speakers=2",
    "speakers.trials=3",
)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """The recipe `best`, as small as can be, on two corpora."""
    folder = tmp_path_factory.mktemp("corpora")
    first = toy.corpus(folder, speakers=5, clips=1)
    second = toy.corpus(folder, speakers=4, clips=1, emotions=("anger", "neutral"), name="less")
    settings = ["train.epochs=1", "train.batch_clips=8", "train.precision=float32", *toy.SMALL]
    made = recipes.load("best", settings)
    return made.model_copy(update={"data": (str(first), str(second))})


@pytest.fixture(scope="module")
def built(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Best]:
    """The whole chain."""
    out = tmp_path_factory.mktemp("run") / "best"
    speakers = pretraining([recipe.data[0]], SPEAKERS)
    return out, reproduce_best(recipe, out, speakers=speakers, seeds=(0, 1))


def test_the_chain_ends_in_one_model_folder(built: tuple[Path, Best]) -> None:
    out, found = built
    model = Recognizer.load(out / "model")
    assert model.config.system == "fusion" and set(model.classes_) == {"anger", "neutral", "sadness"}
    assert [one.parent.name for one in found.members] == ["seed-0", "seed-1"]
    heard = {"array": toy.clip("anger", 3, 0.6), "sampling_rate": toy.RATE}
    assert sum(model(heard).scores.values()) == pytest.approx(1)
    for member in found.members:
        took = (member.parent / "transfer.json").read_text()
        assert str(out / "speakers" / "model") in took
    assert model.config.calibration is not None and str(out) not in model.config.calibration.source
    assert str(out) not in (out / "model" / "README.md").read_text()
    assert found.comparison is not None and "model:" in found.to_markdown()


def test_no_member_hears_whom_another_keeps_aside(built: tuple[Path, Best]) -> None:
    out, found = built
    aside = {
        tuple(sorted(set(read_scored(member.parent / "validation.csv")[0]["speaker"])))
        for member in found.members
    }
    assert len(aside) == 1
    table = pd.read_csv(out / "held_out.csv")
    assert set(table["corpus"] + "/" + table["speaker"]) == set(aside.pop())


def test_what_is_finished_is_left_alone(built: tuple[Path, Best], recipe: Recipe) -> None:
    out, _ = built
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    speakers = pretraining([recipe.data[0]], SPEAKERS)
    again = reproduce_best(recipe, out, speakers=speakers, seeds=(0, 1))
    assert again.comparison is None
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before


def test_what_cannot_be_built_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 member to fuse"):
        reproduce_best(recipe, tmp_path, seeds=(0,))
    with pytest.raises(UsageError, match="data: no corpus"):
        reproduce_best(recipe.model_copy(update={"data": ()}), tmp_path)
    with pytest.raises(UsageError, match="give one of the two"):
        reproduce_best(recipe, tmp_path, init="x", speakers=pretraining(recipe.data))
    nobody = recipe.train.model_copy(update={"validation_speakers": 0.0})
    with pytest.raises(UsageError, match="leaves nobody to fit weights on"):
        reproduce_best(recipe.model_copy(update={"train": nobody}), tmp_path)
    other = recipes.load("attention-fcn").model_copy(update={"task": "speakers", "data": recipe.data})
    with pytest.raises(UsageError, match="take one"):
        reproduce_best(recipe, tmp_path, speakers=other)
