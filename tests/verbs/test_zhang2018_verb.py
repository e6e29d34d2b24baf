"""System C's ablation: six cells of one shape on the same folds, and what the paper takes of IEMOCAP."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from affekt import cli, files
from affekt import recipe as recipes
from affekt.errors import UsageError
from affekt.recipe import AttentionFcnRecipe
from affekt.verbs.pretrain_images import pretrain_images
from affekt.verbs.zhang2018 import SCALES, as_published, reproduce_zhang2018
from tests.fixtures import toy
from tests.verbs.test_pretrain_images_verb import archive, recipe

SOUNDS = ["network.dft=640", "network.high_hz=1600", "network.attention=4"]


def test_the_six_cells_are_compared(tmp_path: Path) -> None:
    data = archive(tmp_path / "stripes.tar.gz", train_count=4, test_count=2)
    images = pretrain_images(recipe(data, "train.epochs=1", "network.width=0.0625"), tmp_path / "images")
    table = toy.corpus(tmp_path, speakers=4, clips=1)
    words = [*SOUNDS, "train.epochs=1", "train.batch_clips=6", "train.validation_speakers=0"]
    more = ["--data", str(table), "-o", str(tmp_path / "out"), "--seeds", "1", "--folds", "2", "-q"]
    reproduce = ["reproduce", "zhang2018", "attention-fcn", *words, "--init", str(images.model), *more]
    done = CliRunner().invoke(cli.app, reproduce)
    assert done.exit_code == 0, done.output
    found = files.read_json(tmp_path / "out" / "ablation.json")
    cells = [f"{start} {scale:g}" for start in ("scratch", "images") for scale in SCALES]
    assert [one["name"] for one in found["conditions"]] == cells
    assert found["clips"] == 12 and len(found["differences"]) == 8
    shapes = set()
    for cell in cells:
        start, scale = cell.split()
        made = recipes.load(str(tmp_path / "out" / cell.replace(" ", "-") / "seed-0" / "recipe.yaml"))
        assert isinstance(made, AttentionFcnRecipe)
        assert (made.init is not None) == (start == "images")
        assert made.network.attention_scale == float(scale) and made.network.channels == 1
        shapes.add((made.network.width, made.network.dft, made.train.epochs))
    assert shapes == {(0.0625, 640, 1)}
    assert "| images 0.3 over scratch 0.3 | " in done.stdout


def test_iemocap_is_taken_as_the_paper_takes_it() -> None:
    found = as_published(AttentionFcnRecipe(), "iemocap", "improvised")
    assert found.labels == ("anger", "happiness", "neutral", "sadness")
    assert not found.merge and found.where == {"part": ("improvised",)}
    assert as_published(AttentionFcnRecipe(), "iemocap", "all").where == {}
    assert as_published(AttentionFcnRecipe(), "emodb", "improvised") == AttentionFcnRecipe()


def test_a_model_of_images_is_asked_for(tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=2, clips=1)
    base = AttentionFcnRecipe(data=(str(table),))
    with pytest.raises(
        UsageError, match="init: default tells emotion apart; give a model of `affekt pretrain"
    ):
        reproduce_zhang2018(base, tmp_path / "out", init="default")
    done = CliRunner().invoke(cli.app, ["reproduce", "zhang2018", "--data", str(table)])
    assert isinstance(done.exception, UsageError) and "give --init MODEL_FOLDER" in str(done.exception)
