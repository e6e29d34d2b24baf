"""`affekt evaluate --cross`: a matrix, what its cells compare, and corpora that a model has heard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import affekt
from affekt import cli
from affekt.config import TrainingCorpus, TrainingRecord
from affekt.errors import UsageError
from affekt.verbs.evaluate import evaluate
from tests.fixtures import tiny, toy


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One model that learnt from `toy`, and one that did not."""
    heard = TrainingCorpus(name="toy", licence="x", non_commercial=False, citation="x", clips=1, speakers=1)
    record = TrainingRecord(corpora=[heard], seconds=0.0, seed=0, command="x", commit="x", versions={})
    folders = [tmp_path_factory.mktemp("one") / "model", tmp_path_factory.mktemp("two") / "model"]
    tiny.write(folders[0], training=record)
    tiny.write(folders[1])
    return folders


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three emotions, two of them, and one alone, which cannot be compared."""
    folder = tmp_path_factory.mktemp("corpora")
    return [
        toy.corpus(folder, speakers=2, clips=1),
        toy.corpus(folder, speakers=2, clips=1, emotions=("anger", "sadness"), name="other"),
        toy.corpus(folder, speakers=2, clips=1, emotions=("anger",), name="lone"),
    ]


def test_every_model_meets_every_corpus(models: list[Path], tables: list[Path]) -> None:
    found = affekt.evaluate_cross(models, [str(one) for one in tables], threads=1)
    assert found.data == ("toy.csv", "other.csv", "lone.csv")
    assert len(found.cells) == 6
    alone = evaluate(models[0], str(tables[1]), threads=1)
    cell = found.cells[1]
    assert (cell.uar, cell.compared) == (alone.report.pooled["uar"], ("anger", "sadness"))
    assert (cell.clips, cell.speakers) == (4, 2)
    assert found.cells[2].uar is None and "shares" in found.cells[2].reason


def test_a_corpus_that_a_model_learnt_from_is_warned_of(models: list[Path], tables: list[Path]) -> None:
    found = affekt.evaluate_cross(models, [str(one) for one in tables[:2]], threads=1)
    assert [cell.heard for cell in found.cells] == [("toy",), (), (), ()]
    (warning,) = found.warnings()
    assert "was trained on toy" in warning and "not of unseen speakers" in warning
    assert warning in found.to_markdown()
    assert found.to_markdown().count("(heard)") == 1


def test_the_command_shows_the_matrix(models: list[Path], tables: list[Path], tmp_path: Path) -> None:
    words = ["evaluate", *map(str, models), "--cross", "-q", "--threads", "1"]
    for one in tables:
        words += ["--data", str(one)]
    done = CliRunner().invoke(cli.app, [*words, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.exception
    assert (tmp_path / "cross.md").read_text().strip() == done.stdout.strip()
    plain = json.loads((tmp_path / "cross.json").read_text())
    assert len(plain["cells"]) == 6
    assert "3 classes" in done.stdout and "2 classes" in done.stdout


def test_several_models_without_cross_are_refused(models: list[Path], tables: list[Path]) -> None:
    done = CliRunner().invoke(cli.app, ["evaluate", *map(str, models), "--data", str(tables[0])])
    assert isinstance(done.exception, UsageError) and "--cross" in str(done.exception)
    with pytest.raises(UsageError, match="each once"):
        affekt.evaluate_cross([models[0], models[0]], [str(tables[0])])
