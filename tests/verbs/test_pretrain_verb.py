"""Pre-training on speakers: the parts are disjoint, the run resumes, and its model is a place to start."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from affekt import Recognizer, cli, corpora, files, model_folder
from affekt.errors import CorpusError, UsageError
from affekt.recipe import Recipe
from affekt.verbs.pretrain import PretrainResult, pretrain_speakers, speaker_parts, trials_of, verify
from affekt.verbs.train import train
from tests.fixtures import toy


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six speakers of three clips."""
    return toy.corpus(tmp_path_factory.mktemp("corpus"), speakers=6, clips=1)


def recipe(table: Path, **train_keys: object) -> Recipe:
    """The smallest network on short pieces."""
    speakers = {"crop_seconds": 0.5, "speeds": (1.0, 1.1), "test_speakers": 2, "trials": 3}
    made = toy.recipe(table, validation_speakers=0, **train_keys)
    return Recipe.model_validate({**made.model_dump(), "task": "speakers", "speakers": speakers})


@pytest.fixture(scope="module")
def result(table: Path, tmp_path_factory: pytest.TempPathFactory) -> PretrainResult:
    """A short run."""
    return pretrain_speakers(recipe(table), tmp_path_factory.mktemp("run") / "speakers")


def test_the_model_folder_names_speakers_and_starts_an_emotion_network(
    result: PretrainResult, table: Path, tmp_path: Path
) -> None:
    config = model_folder.open_folder(result.model).config
    assert config.task == "speakers"
    assert len(config.labels) == 8 and config.temperature == pytest.approx(1 / 30)
    with pytest.raises(UsageError, match="tells speakers apart and names no emotion; train from it"):
        Recognizer.load(result.model)
    tuned = toy.recipe(table, epochs=1).model_copy(update={"init": str(result.model)})
    trained = train(tuned, tmp_path / "run")
    assert trained.model is not None
    assert Recognizer.load(trained.model).config.task == "emotion"
    assert files.read_json(tmp_path / "run" / "transfer.json")["left"] == ["head.weight"]


def test_the_trials_are_written_and_scored(result: PretrainResult, table: Path) -> None:
    lines = (result.folder / "trials.txt").read_text().splitlines()
    kept = files.read_json(result.folder / "verification.json")
    assert len(lines) == kept["trials"] == result.verification.trials
    assert kept["speakers"] == 2 and 0 <= kept["eer"]["value"] <= 1
    _, test = speaker_parts(corpora.load(str(table)), recipe(table))
    of = dict(zip(test["file"], test["speaker"], strict=True))
    for line in lines:
        same, left, right = line.split()
        assert (of[left] == of[right]) == (same == "1")


def test_embeddings_of_speakers_that_differ_are_told_apart(table: Path) -> None:
    rows = corpora.load(str(table))
    trials = trials_of(rows, recipe(table))
    speakers = corpora.speaker_key(rows).factorize()[0]
    perfect = verify(np.eye(6, dtype=np.float32)[speakers], trials, rows)
    assert perfect.eer.value == 0 and perfect.min_dcf == 0
    blind = verify(np.ones((len(rows), 4), np.float32), trials, rows)
    assert blind.eer.value == pytest.approx(0.5)


def test_no_speaker_is_in_both_parts(table: Path, tmp_path: Path) -> None:
    rows = corpora.load(str(table))
    train_part, test = speaker_parts(rows, recipe(table))
    assert set(train_part["speaker"]) | set(test["speaker"]) == set(rows["speaker"])
    assert not set(train_part["speaker"]) & set(test["speaker"]) and test["speaker"].nunique() == 2
    named = rows.assign(split=np.where(rows["speaker"].isin(["s0", "s1"]), "test-other", "train"))
    assert set(speaker_parts(named, recipe(table))[1]["speaker"]) == {"s0", "s1"}
    torn = named.assign(split=["test", "train"] * (len(named) // 2))
    with pytest.raises(CorpusError, match="stand in test and in other splits, such as toy/s0"):
        speaker_parts(torn, recipe(table))


def test_a_stopped_run_ends_as_one_that_was_not(result: PretrainResult, table: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, total: int, text: str) -> None:
        if "epoch 2" in text:
            raise StoppedError

    with pytest.raises(StoppedError):
        pretrain_speakers(recipe(table), tmp_path / "run", watcher=stop)
    again = pretrain_speakers(recipe(table), tmp_path / "run", resume=True)
    weights = [model_folder.open_folder(one.model).contents["model.safetensors"] for one in (result, again)]
    assert weights[0] == weights[1]


def test_the_command_line_takes_the_recipe_and_says_where_the_model_is(table: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    words = [*toy.SMALL, "train.epochs=1", "speakers.crop_seconds=0.5", "speakers.test_speakers=2"]
    done = runner.invoke(
        cli.app, ["pretrain", "speakers", *words, "--data", str(table), "-o", str(tmp_path / "run"), "-q"]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "run" / "model")
    with (tmp_path / "run" / "trials.txt").open(newline="") as stream:
        assert all(row[0] in "01" for row in csv.reader(stream, delimiter=" "))
