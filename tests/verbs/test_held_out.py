"""Folds trained one by one: the same as all at once, and joined to what a recipe is worth."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from affekt.errors import UsageError
from affekt.evaluation.scored import read_run
from affekt.recipe import Recipe
from affekt.verbs.held_out import commits, join
from affekt.verbs.train import train
from tests.fixtures import toy

FOLDS = ("1", "2", "3")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Two corpora, one of which lacks an emotion; classes that a corpus lacks count."""
    folder = tmp_path_factory.mktemp("corpora")
    first = toy.corpus(folder, speakers=3, clips=1)
    second = toy.corpus(folder, speakers=3, clips=1, emotions=("anger", "neutral"), name="less")
    return toy.recipe(first, second, epochs=1, validation_speakers=0, absent_classes=0.5, average=0.5)


@pytest.fixture(scope="module")
def runs(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run for each fold, and one of all folds."""
    out = tmp_path_factory.mktemp("runs")
    train(recipe, out / "all", protocol="speaker-kfold", folds=3)
    for fold in FOLDS:
        train(recipe, out / fold, protocol="speaker-kfold", folds=3, only=fold)
    return out


def test_a_fold_alone_is_the_fold_among_others(runs: Path) -> None:
    together = read_run(runs / "all").table
    alone = pd.concat([read_run(runs / fold).table for fold in FOLDS], ignore_index=True)
    pd.testing.assert_frame_equal(alone, together)
    assert read_run(runs / "2").protocol == "speaker-kfold, fold 2 of 3"
    # All classes are answers, those that a clip's corpus lacks as well.
    assert (together.loc[together["corpus"] == "less", "score_sadness"] > 0).all()


def test_joined_folds_tell_figures_and_calibration(runs: Path) -> None:
    found = join([runs / fold for fold in FOLDS])
    assert found.labels == ("anger", "neutral", "sadness") and len(found.table) == 15
    assert found.own["less"].labels == ("anger", "neutral")
    assert found.every["less"].labels == found.labels
    for corpus in ("less", "toy"):
        table = found.table[found.table["corpus"] == corpus]
        recall = [(rows["predicted"] == label).mean() for label, rows in table.groupby("emotion")]
        assert found.every[corpus].pooled["uar"].value == pytest.approx(sum(recall) / len(recall))
    metrics = found.metrics()
    assert metrics["less.speaker-kfold.uar"].value == found.own["less"].pooled["uar"].value
    assert {"ece.before", "ece", "coverage.asked_90", "toy.speaker-kfold.all_emotions.wa"} <= set(metrics)
    assert found.calibrated.record.clips == 15 and found.calibrated.record.speakers == 6
    assert len(found.calibrated.record.thresholds) == 50
    assert found.whole.calibration is not None and found.whole.calibration.fitted == "cross-fitted"
    assert "15 clips of 6 speakers" in found.sentence()
    assert set(commits([runs / fold for fold in FOLDS])) == set(FOLDS)


def test_what_does_not_belong_together_is_refused(runs: Path, recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tested in two folds"):
        shutil.copytree(runs / "1", tmp_path / "again")
        table = pd.read_csv(tmp_path / "again" / "scores.csv").assign(fold="9")
        table.to_csv(tmp_path / "again" / "scores.csv", index=False)
        join([runs / "1", tmp_path / "again"])
    other = recipe.model_copy(update={"seed": 1})
    train(other, tmp_path / "other", protocol="speaker-kfold", folds=3, only="2")
    with pytest.raises(UsageError, match="another recipe"):
        join([runs / "1", tmp_path / "other"])
    with pytest.raises(UsageError, match="no such fold; it has 1, 2, 3"):
        train(recipe, tmp_path / "new", protocol="speaker-kfold", folds=3, only="fold1")
    with pytest.raises(UsageError, match="say of which --protocol"):
        train(recipe, tmp_path / "new", only="1")
    with pytest.raises(UsageError, match="another protocol"):
        train(recipe, runs / "1", protocol="speaker-kfold", folds=3, only="2", resume=True)
