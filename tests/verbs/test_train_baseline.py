"""`affekt train baseline`: folds, reports and model folders as of any other system."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affekt import recipe as recipes
from affekt.errors import MissingExtraError, ModelFolderError, SplitError, UsageError
from affekt.explanation import explain
from affekt.recipe import Recipe
from affekt.recognizer import Recognizer
from affekt.verbs.compare import compare
from affekt.verbs.evaluate import evaluate
from affekt.verbs.predict import predict
from affekt.verbs.train import train
from tests.fixtures import tiny, toy
from tests.fixtures.threads import one_thread

__all__ = ["one_thread"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Path]:
    """The smaller functionals on a toy corpus, and a cache folder of its own."""
    folder = tmp_path_factory.mktemp("baseline")
    table = toy.corpus(folder, speakers=4)
    return recipes.load("baseline", [f"data={table}", "network.functionals=eGeMAPSv02"]), folder


@pytest.fixture(autouse=True)
def cache(made: tuple[Recipe, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFFEKT_CACHE", str(made[1] / "cache"))


@pytest.fixture(scope="module")
def runs(made: tuple[Recipe, Path]) -> tuple[Path, Path]:
    """A cross-validation, and a model that is calibrated by it."""
    recipe, folder = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AFFEKT_CACHE", str(folder / "cache"))
        train(recipe, folder / "cv", protocol="loso")
        result = train(recipe, folder / "run", calibrate_from=folder / "cv")
    assert result.model is not None
    return folder / "cv", result.model


def test_a_cross_validation_is_one_like_any_other(runs: tuple[Path, Path], made: tuple[Recipe, Path]) -> None:
    cv, _ = runs
    scores = pd.read_csv(cv / "scores.csv")
    assert len(scores) == 24
    assert (scores["fold"] == scores["speaker"]).all()
    report = json.loads((cv / "report.json").read_text())
    assert report["pooled"]["uar"]["value"] > 0.9, "chirps that differ are told apart"
    assert report["calibration"]["fitted"] == "cross-fitted"
    again = made[1] / "again"
    train(made[0].model_copy(update={"seed": 1}), again, protocol="loso")
    assert compare([cv, again]).pairs[0].figures["uar"].value == 0


def test_a_resumed_run_is_reported_from_its_scores(
    runs: tuple[Path, Path], made: tuple[Recipe, Path]
) -> None:
    said: list[str] = []
    before = (runs[0] / "scores.csv").read_bytes()
    train(made[0], runs[0], protocol="loso", resume=True, say=said.append)
    assert "finished before" in said[0]
    assert (runs[0] / "scores.csv").read_bytes() == before


def test_a_model_folder_recognises_evaluates_and_embeds(
    runs: tuple[Path, Path], made: tuple[Recipe, Path]
) -> None:
    recognizer = Recognizer.load(runs[1])
    assert recognizer.config.calibration is not None and recognizer.config.temperature != 1
    rows = list(predict(str(made[1] / "toy"), recognizer))
    assert {row["status"] for row in rows} == {"ok"}
    assert all(row["emotion"] in row["file"] for row in rows)
    assert evaluate(recognizer, made[0].data[0]).report.pooled["uar"].value == 1
    assert recognizer.embed([toy.speech()]).shape == (1, 88)
    (short,) = predict([str(tiny.EXAMPLES / "anger-03a01Wa.flac")], recognizer, scores=True)
    assert abs(sum(short[f"score_{label}"] for label in recognizer.config.labels) - 1) < 1e-5
    assert "openSMILE" in (runs[1] / "README.md").read_text()


def test_without_opensmile_a_model_is_refused_in_one_line(
    runs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(MissingExtraError, match=r'needs an extra: pip install "affekt\[baseline\]"'):
        Recognizer.load(runs[1])


def test_another_network_in_its_folder_is_refused(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="input 'functionals' is missing"):
        tiny.write(tmp_path / "model", system="opensmile-svm", embedding_size=6373)
    with pytest.raises(ModelFolderError, match="embedding_size"):
        tiny.write(tmp_path / "model", system="opensmile-svm")


def test_it_is_explained_by_occlusion_alone(runs: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="take occlusion"):
        explain(toy.clip("anger", 1, 0.3), runs[1], method="hirescam", sampling_rate=toy.RATE)
    found = explain(toy.clip("anger", 1, 0.2), runs[1], sampling_rate=toy.RATE, check=False)
    assert np.isfinite(found.map.values).all()


def test_no_network_starts_from_it(
    runs: tuple[Path, Path], made: tuple[Recipe, Path], tmp_path: Path
) -> None:
    recipe = toy.recipe(Path(made[0].data[0])).model_copy(update={"init": str(runs[1])})
    with pytest.raises(UsageError, match="opensmile-svm; start from one of resnet-stats"):
        train(recipe, tmp_path / "run")


def test_a_leaking_table_is_refused(made: tuple[Recipe, Path], tmp_path: Path) -> None:
    with pytest.raises(SplitError, match="speaker-dependent"):
        train(made[0], tmp_path / "run", protocol="random")
