"""Reproductions: four cells on the same folds with as many steps, and what papers use of IEMOCAP."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from affekt import cli, files
from affekt import recipe as recipes
from affekt.errors import CorpusError, UsageError
from affekt.recipe import Recipe
from affekt.training.examples import selected
from affekt.verbs.reproduce import as_published
from tests.fixtures import toy


def test_the_four_cells_of_padi2021_are_compared(tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=4, clips=1)
    words = [*toy.SMALL, "train.epochs=1", "train.batch_clips=6", "train.validation_speakers=0"]
    pretrain = ["pretrain", "speakers", *words, "speakers.crop_seconds=0.5", "speakers.test_speakers=2"]
    runner = CliRunner()
    done = runner.invoke(
        cli.app,
        [*pretrain, "speakers.speeds=[1.0]", "--data", str(table), "-o", str(tmp_path / "speakers"), "-q"],
    )
    assert done.exit_code == 0, done.output
    reproduce = ["reproduce", "padi2021", "thin", *words, "--init", str(tmp_path / "speakers" / "model")]
    more = ["--data", str(table), "-o", str(tmp_path / "out"), "--seeds", "1", "--folds", "2", "-q"]
    done = runner.invoke(cli.app, [*reproduce, *more])
    assert done.exit_code == 0, done.output
    found = files.read_json(tmp_path / "out" / "ablation.json")
    assert [one["name"] for one in found["conditions"]] == ["neither", "pre-trained", "SpecAugment", "both"]
    assert found["clips"] == 12 and len(found["differences"]) == 5
    steps = {}
    for cell in ("neither", "pre-trained", "SpecAugment", "both"):
        run = tmp_path / "out" / cell / "seed-0"
        made = recipes.load(str(run / "recipe.yaml"))
        steps[cell] = made.train.epochs * (1 + made.augment.copies)
        assert (made.init is not None) == (cell in ("pre-trained", "both"))
        assert bool(made.augment.time_masks) == (cell in ("SpecAugment", "both"))
    assert len(set(steps.values())) == 1
    assert "| both over neither | " in done.stdout
    folds = tmp_path / "out" / "both" / "seed-0" / "folds"
    shutil.rmtree(folds)
    again = runner.invoke(cli.app, [*reproduce, *more])
    assert again.stdout == done.stdout and not folds.exists(), "what is finished is taken"
    other = runner.invoke(cli.app, [*reproduce, "train.learning_rate=0.5", *more])
    assert isinstance(other.exception, UsageError) and "another recipe" in str(other.exception)


def test_iemocap_is_taken_as_papers_take_it() -> None:
    plain = as_published(Recipe(), "iemocap", "improvised")
    assert plain.labels == ("anger", "happiness", "neutral", "sadness")
    assert plain.merge == {"excitement": "happiness"} and plain.where == {"part": ("improvised",)}
    own = as_published(Recipe.model_validate({"labels": ["anger", "sadness"]}), "iemocap", "all")
    assert own.labels == ("anger", "sadness") and not own.merge
    assert as_published(Recipe(), "emodb", "all") == Recipe()
    with pytest.raises(UsageError, match="variant scripted: emodb has no such part"):
        as_published(Recipe(), "emodb", "scripted")


def test_rows_are_merged_and_chosen(tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=2, clips=1)
    base = toy.recipe(table)
    merged = selected(base.model_copy(update={"merge": {"sadness": "neutral"}}))
    assert set(merged["emotion"]) == {"anger", "neutral"} and len(merged) == 6
    chosen = selected(base.model_copy(update={"where": {"speaker": ("s1",)}}))
    assert set(chosen["speaker"]) == {"s1"} and len(chosen) == 3
    with pytest.raises(
        CorpusError, match=r"where\.speeker: the data have no such column; did you mean 'speaker'"
    ):
        selected(base.model_copy(update={"where": {"speeker": ("s1",)}}))
    with pytest.raises(CorpusError, match=r"where\.speaker: no row has s9 or s8"):
        selected(base.model_copy(update={"where": {"speaker": ("s9", "s8")}}))


def test_a_source_to_start_from_is_asked_for(tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=2, clips=1)
    done = CliRunner().invoke(
        cli.app, ["reproduce", "padi2021", "--data", str(table), "-o", str(tmp_path / "out")]
    )
    assert isinstance(done.exception, UsageError)
    assert "give --init MODEL_FOLDER or --speakers" in str(done.exception)
    assert not (tmp_path / "out").exists()
