"""`affekt fuse`: models as one model, cross-validations as one, and what cannot be fused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from affekt import model_folder
from affekt import recipe as recipes
from affekt.errors import MissingExtraError, ModelFolderError, UsageError
from affekt.evaluation.scored import read_run
from affekt.explanation import explain
from affekt.recognizer import Recognizer
from affekt.verbs.compare import compare
from affekt.verbs.evaluate import evaluate
from affekt.verbs.fuse import fuse, read_record
from affekt.verbs.predict import predict
from affekt.verbs.train import train
from tests.fixtures import tiny, toy
from tests.fixtures.threads import one_thread

__all__ = ["one_thread"]
ORDER = ["sadness", "anger", "neutral", "fear"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two models with other weights, temperatures and labels in another order."""
    folder = tmp_path_factory.mktemp("members")
    tiny.write(folder / "one")
    values = tiny.arrays(seed=5)
    model_folder.write(
        folder / "two",
        config=tiny.config(labels=ORDER, temperature=0.7, metrics={}),
        onnx=tiny.network(values).SerializeToString(),
        weights=safetensors.numpy.save(values),
        card="# Two\n",
        golden=tiny.golden(),
    )
    return folder / "one", folder / "two"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(toy.corpus(tmp_path_factory.mktemp("toy"), speakers=4))


@pytest.fixture(scope="module")
def runs(table: str, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Cross-validations of two baselines that differ."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AFFEKT_CACHE", str(folder / "cache"))
        for name, decisions in (("votes", "one-vs-one"), ("rest", "one-vs-rest")):
            made = [f"data={table}", "network.functionals=eGeMAPSv02", f"network.decisions={decisions}"]
            train(recipes.load("baseline", made), folder / name, protocol="loso")
    return [folder / "votes", folder / "rest"]


def test_a_fused_model_is_the_weighed_sum_by_name(
    models: tuple[Path, Path], table: str, tmp_path: Path
) -> None:
    said: list[str] = []
    found = fuse(models, tmp_path / "fused", data=table, threads=1, say=said.append)
    assert "labels that all members know: anger, neutral, sadness" in said
    members = [Recognizer.load(one, threads=1) for one in models]
    fused = Recognizer.load(tmp_path / "fused", threads=1)
    assert fused.config.labels == ["anger", "neutral", "sadness"]
    assert sum(found.weights.shares) == pytest.approx(1)
    for clip in (toy.speech(), toy.clip("anger", 3, 0.4)):
        logs = []
        for one in members:
            prediction = one.recognize(one.listen(clip, sampling_rate=toy.RATE)).scores
            logs.append([np.log(prediction[label]) for label in fused.config.labels])
        factors = np.array(found.weights.shares) / np.array(found.weights.temperatures)
        powers = np.exp((factors[:, None] * np.array(logs)).sum(axis=0) / fused.config.temperature)
        expected = powers / powers.sum()
        heard = fused(clip, sampling_rate=toy.RATE).scores
        assert np.abs([heard[label] for label in fused.config.labels] - expected).max() < 1e-4
    embedded = fused.embed([toy.speech()])[0]
    assert np.allclose(embedded, np.concatenate([one.embed([toy.speech()])[0] for one in members]), atol=1e-5)


def test_a_fused_model_is_one_like_any_other(models: tuple[Path, Path], table: str, tmp_path: Path) -> None:
    found = fuse(models, tmp_path / "fused", data=table, threads=1)
    assert found.comparison is not None
    assert {one.name for one in found.comparison.systems} == {"one", "two", "equal weights", "fitted weights"}
    assert {row["status"] for row in predict(str(tiny.EXAMPLES), tmp_path / "fused")} == {"ok"}
    assert evaluate(tmp_path / "fused", table).report.clips == 24
    config = model_folder.open_folder(tmp_path / "fused").config
    assert config.calibration is not None and config.calibration.speakers == 4
    assert set(config.metrics) == {"wa", "uar", "macro_f1"}
    found_map = explain(toy.speech()[:4000], tmp_path / "fused", sampling_rate=toy.RATE).map
    assert np.isfinite(found_map.values).all()
    again = fuse([tmp_path / "fused", models[0]], tmp_path / "again", equal=True)
    assert again.weights.shares == (0.5, 0.5)
    assert again.comparison is None
    assert "Not tested as a whole" in (tmp_path / "again" / "README.md").read_text()


def test_cross_validations_are_fused_without_their_own_fold(runs: list[Path], tmp_path: Path) -> None:
    found = fuse(runs, tmp_path / "fused")
    run = read_run(tmp_path / "fused")
    assert run.protocol == "loso" and len(run.table) == 24
    by_fold = json.loads((tmp_path / "fused" / "weights.json").read_text())
    assert set(by_fold) == set(run.table["fold"])
    assert all(abs(sum(one["weights"]) - 1) < 1e-9 for one in by_fold.values())
    assert found.report is not None and found.report.calibration is not None
    applied = {fold: one["temperature"] for fold, one in by_fold.items()}
    assert found.report.calibration.temperatures == run.applied == applied
    assert compare([tmp_path / "fused", *runs]).clips == 24
    assert (tmp_path / "fused" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="not an empty folder"):
        fuse(runs, tmp_path / "fused")
    assert fuse(runs, tmp_path / "equal", equal=True).weights.shares == (0.5, 0.5)


def test_models_take_the_weights_of_fused_cross_validations(
    models: tuple[Path, Path], runs: list[Path], tmp_path: Path
) -> None:
    fuse(runs, tmp_path / "cv")
    with pytest.raises(UsageError, match="for opensmile-svm, opensmile-svm where the models are resnet"):
        fuse(models, tmp_path / "fused", weights_from=tmp_path / "cv")
    path = tmp_path / "cv" / "fusion.json"
    record = json.loads(path.read_text())
    for one in record["members"]:
        one["system"] = "resnet-stats"
    path.write_text(json.dumps(record))
    found = fuse(models, tmp_path / "fused", weights_from=tmp_path / "cv")
    assert list(found.weights.shares) == [one["weight"] for one in record["members"]]
    config = model_folder.open_folder(tmp_path / "fused").config
    assert config.temperature == record["temperature"]
    path.write_text(json.dumps(record | {"temperature": -1}))
    with pytest.raises(UsageError, match=r"fusion\.json: "):
        read_record(tmp_path / "cv")


def test_what_cannot_be_fused_is_one_line(
    models: tuple[Path, Path], runs: list[Path], table: str, tmp_path: Path
) -> None:
    out = tmp_path / "fused"
    with pytest.raises(UsageError, match="two or more"):
        fuse(models[:1], out)
    with pytest.raises(UsageError, match="nothing to fit weights on; give --data"):
        fuse(models, out)
    with pytest.raises(UsageError, match="not all members are"):
        fuse([runs[0], models[0]], out)
    with pytest.raises(UsageError, match="are for models"):
        fuse(runs, out, data=table)
    other = tiny.config(labels=["boredom", "calm", "disgust", "fear"], metrics={})
    tiny.write(tmp_path / "other", labels=other.labels)
    with pytest.raises(UsageError, match="share no label; fusing needs two"):
        fuse([models[0], tmp_path / "other"], out, equal=True)
    shutil.copytree(models[0], tmp_path / "damaged")
    (tmp_path / "damaged" / "model.onnx").write_bytes(b"x")
    with pytest.raises(ModelFolderError, match=r"damaged: model\.onnx"):
        fuse([models[0], tmp_path / "damaged"], out, equal=True)
    assert not out.exists()


def test_graphs_of_other_operator_sets_are_refused(models: tuple[Path, Path], tmp_path: Path) -> None:
    network = tiny.network()
    network.opset_import[0].version = 17
    tiny.write(tmp_path / "old", onnx=network.SerializeToString())
    with pytest.raises(ModelFolderError, match="different operator sets"):
        fuse([models[0], tmp_path / "old"], tmp_path / "fused", equal=True)


def test_fusing_models_says_what_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "affekt.verbs.fuse_models", raising=False)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(
        MissingExtraError, match=r'fusing models needs an extra: pip install "affekt\[train\]"'
    ):
        fuse(["default", "default"], tmp_path / "fused")
