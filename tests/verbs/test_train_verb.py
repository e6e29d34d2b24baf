"""`affekt.train`: a model folder or a report, refusals that leave a run as it was, and resuming."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from affekt import files
from affekt.errors import CorpusError, LockedError, SplitError, UsageError
from affekt.models import build
from affekt.recipe import Recipe, parse
from affekt.recognizer import Recognizer
from affekt.training.state import CHECKPOINT
from affekt.verbs.train import train
from tests.fixtures import toy
from tests.fixtures.threads import one_thread

__all__ = ["one_thread"]
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Two corpora, one of which lacks a class."""
    folder = tmp_path_factory.mktemp("corpora")
    first = toy.corpus(folder, speakers=3)
    second = toy.corpus(folder, speakers=2, emotions=("anger", "sadness"), name="other")
    return toy.recipe(first, second, epochs=1)


@pytest.fixture(scope="module")
def finished(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that ended with a model."""
    out = tmp_path_factory.mktemp("runs") / "run"
    result = train(recipe, out)
    assert (result.folder, result.model, result.report) == (out, out / "model", None)
    return out


def tree(folder: Path) -> dict[str, str]:
    """The digest of every file under a folder, locks aside."""
    found = sorted(one for one in folder.rglob("*") if one.is_file() and one.name != ".lock")
    return {str(one.relative_to(folder)): hashlib.sha256(one.read_bytes()).hexdigest() for one in found}


def test_the_model_folder_says_what_the_network_says(finished: Path, recipe: Recipe) -> None:
    recognizer = Recognizer.load(finished / "model", threads=1)
    assert recognizer.config.labels == ["anger", "neutral", "sadness"]
    network = build(recipe, 3)
    best = {
        name.removeprefix("best."): value
        for name, value in load_file(finished / CHECKPOINT).items()
        if name.startswith("best.")
    }
    network.load_state_dict(best, strict=True)
    network.eval()
    stored = load_file(finished / "model" / "model.safetensors")
    assert all(torch.equal(value, best[name]) for name, value in stored.items())
    for clip in (toy.speech(), toy.clip("anger", 5, 0.05), np.resize(toy.speech(), 200_000)):
        with torch.no_grad():
            expected = network(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))["logits"][0]
        assert np.abs(recognizer.logits([clip])[0] - expected.numpy()).max() < 1e-4


def test_a_run_says_where_it_comes_from(finished: Path, recipe: Recipe) -> None:
    assert parse(yaml.safe_load((finished / "recipe.yaml").read_text()), "saved") == recipe
    record = json.loads((finished / "run.json").read_text())
    assert record["protocol"] == "all speakers"
    assert record["versions"]["torch"] == torch.__version__
    assert (finished / "learning_curve.png").read_bytes().startswith(PNG)
    config = Recognizer.load(finished / "model").config
    heard = {one.name: (one.clips, one.speakers) for one in config.training.corpora}
    assert set(heard) == {"toy", "other"}
    assert sum(clips or 0 for clips, _ in heard.values()) < 3 * 6 + 2 * 4
    assert config.recipe["data"] == []
    assert "Not tested on speakers" in (finished / "model" / "README.md").read_text()


def test_a_model_is_calibrated_on_its_validation_speakers(finished: Path) -> None:
    config = Recognizer.load(finished / "model").config
    assert config.calibration is not None
    assert (config.calibration.source, config.calibration.speakers) == ("validation speakers", 1)
    assert config.temperature not in {0.0, 1.0}
    assert "fitted on validation speakers" in (finished / "model" / "README.md").read_text()


def test_a_model_is_calibrated_by_a_cross_validation(finished: Path, recipe: Recipe, tmp_path: Path) -> None:
    cv, out = tmp_path / "cv", tmp_path / "run"
    folds = train(recipe, cv, protocol="speaker-kfold", folds=2)
    assert folds.report is not None and folds.report.calibration is not None
    assert folds.report.calibration.fitted == "validation speakers"
    assert set(pd.read_csv(cv / "validation.csv", dtype={"fold": str})["fold"]) == {"1", "2"}
    shutil.copytree(finished, out)
    said: list[str] = []
    train(recipe, out, resume=True, calibrate_from=cv, say=said.append)
    record = Recognizer.load(out / "model").config.calibration
    assert record is not None
    assert record.source == "out-of-fold scores of cv (speaker-kfold)"
    assert (record.clips, record.speakers) == (26, 5)
    assert any(line.startswith("calibrated on out-of-fold scores") for line in said)
    with pytest.raises(UsageError, match="calibrates itself"):
        train(recipe, out, protocol="loso", calibrate_from=cv)


def test_a_finished_run_resumed_stays_as_it_is(finished: Path, recipe: Recipe) -> None:
    before = tree(finished)
    with pytest.raises(UsageError, match="--resume"):
        train(recipe, finished)
    with pytest.raises(UsageError, match="another recipe or protocol"):
        train(recipe.model_copy(update={"seed": 3}), finished, resume=True)
    with pytest.raises(UsageError, match="another recipe or protocol"):
        train(recipe, finished, protocol="loso", resume=True)
    with files.lock(finished), pytest.raises(LockedError, match="in use by"):
        train(recipe, finished, resume=True)
    assert tree(finished) == before


def test_leaving_one_speaker_out_reports_on_speakers_never_heard(recipe: Recipe, tmp_path: Path) -> None:
    said: list[str] = []
    result = train(recipe, tmp_path / "run", protocol="loso", say=said.append)
    assert result.model is None and result.report is not None
    scores = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert len(scores) == result.report.clips == 3 * 6 + 2 * 4
    assert result.report.speakers == scores["fold"].nunique() == 5
    assert (scores["fold"] == scores["speaker"]).all()
    columns = ["score_anger", "score_neutral", "score_sadness"]
    assert np.abs(scores[columns].sum(axis=1) - 1).max() < 1e-5
    # `other` has no neutral clips: the class is no answer there.
    assert (scores.loc[scores["corpus"] == "other", "score_neutral"] == 0).all()
    assert (scores.loc[scores["corpus"] == "toy", "score_neutral"] > 0).all()
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["protocol"] == "loso"
    assert report["pooled"]["uar"]["value"] == result.report.pooled["uar"].value
    assert (tmp_path / "run" / "report.md").read_text() == result.report.to_markdown()
    for name in ("confusion.png", "speakers.png"):
        assert (tmp_path / "run" / name).read_bytes().startswith(PNG)
    for fold in (tmp_path / "run" / "folds").iterdir():
        assert {one.name for one in fold.iterdir()} == {CHECKPOINT, "log.jsonl", "learning_curve.png"}
    assert sum("best epoch" in line for line in said) == 5


def test_folds_go_on_where_they_stopped(recipe: Recipe, tmp_path: Path) -> None:
    whole = train(recipe, tmp_path / "whole", protocol="speaker-kfold", folds=2)

    def stop(done: int, total: int, text: str) -> None:
        if text.startswith("fold 2/2") and done == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "parts", protocol="speaker-kfold", folds=2, watcher=stop)
    assert not (tmp_path / "parts" / "report.json").exists()
    fold = next((tmp_path / "parts" / "folds").iterdir())
    (fold / f"{files.TEMPORARY_PREFIX}{CHECKPOINT}.x").write_bytes(b"left by a killed run")
    parts = train(recipe, tmp_path / "parts", protocol="speaker-kfold", folds=2, resume=True)
    assert parts.report == whole.report
    one, other = tree(tmp_path / "whole"), tree(tmp_path / "parts")
    assert set(one) == set(other)
    same = [name for name in one if name.endswith(("scores.csv", "report.json", "log.jsonl", CHECKPOINT))]
    assert len(same) == 2 + 2 * 2
    assert {name: one[name] for name in same} == {name: other[name] for name in same}


def test_random_folds_must_be_asked_for_and_say_what_they_are(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(SplitError, match="--speaker-dependent"):
        train(recipe, tmp_path / "run", protocol="random")
    share = recipe.model_copy(update={"train": recipe.train.model_copy(update={"validation_speakers": 0.3})})
    train(share, tmp_path / "run", protocol="random", folds=2, speaker_dependent=True)
    assert "speaker-dependent" in (tmp_path / "run" / "report.md").read_text()
    assert json.loads((tmp_path / "run" / "report.json").read_text())["protocol"].endswith(
        "(speaker-dependent)"
    )


def test_a_bad_clip_stops_before_training_and_is_named(recipe: Recipe, tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=2)
    (tmp_path / "toy" / "s1-anger-1.wav").write_bytes(b"no audio at all")
    with pytest.raises(CorpusError, match=r"s1-anger-1\.wav"):
        train(toy.recipe(table), tmp_path / "run")
    assert tree(tmp_path / "run") == {}


def test_a_table_that_names_no_corpus_will_do(tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=3, clips=1)
    pd.read_csv(table).drop(columns="corpus").to_csv(table, index=False)
    result = train(toy.recipe(table, epochs=1), tmp_path / "run", protocol="loso")
    assert result.report is not None
    assert result.report.clips == 9
    assert set(pd.read_csv(tmp_path / "run" / "scores.csv")["corpus"]) == {"unnamed"}


def test_data_that_cannot_be_split_by_speaker_are_refused(tmp_path: Path) -> None:
    toy.corpus(tmp_path, speakers=2)
    table = tmp_path / "bare.csv"
    table.write_text("file,emotion\ntoy/s0-anger-0.wav,anger\ntoy/s1-sadness-0.wav,sadness\n")
    with pytest.raises(CorpusError, match="no speaker"):
        train(toy.recipe(table), tmp_path / "run")
    with pytest.raises(UsageError, match="no data"):
        train(Recipe(), tmp_path / "run")
