"""Runs are told to a real MLflow server on SQLite, and read back through its API."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import urlopen

import pytest

import affekt
from affekt import files
from affekt import recipe as recipes
from affekt.recipe import Recipe
from affekt.run_folder import read_journal
from affekt.tracking.sending import NOTE
from tests.fixtures import toy
from tests.tracking import server

pytestmark = pytest.mark.slow


def test_a_cross_validation_is_told_whatever_the_server_does(tmp_path: Path) -> None:
    """Away while it trains, back later: the run is as without a tracker, and all of it arrives, once."""
    recipe = toy.recipe(toy.corpus(tmp_path, speakers=2), validation_speakers=0)
    at, out = server.port(), tmp_path / "cv"
    said: list[str] = []
    target = f"mlflow:http://127.0.0.1:{at}"
    affekt.train(recipe, out, protocol="loso", track=[target], say=said.append)
    assert len([line for line in said if line.startswith("warning: ")]) == 1
    assert f"affekt runs {out} --track {target} sends the rest" in said[-1]
    with server.mlflow(tmp_path / "server", at) as address:
        (row,) = affekt.runs(out, track=[target])
        assert row["tracked"] == "sent"
        _as_in_the_folder(address, out)
        assert affekt.runs(out, track=[target])[0]["tracked"] == "known"
        _as_in_the_folder(address, out)
        # An answer that got lost leaves a run of which the folder knows nothing but its key.
        note = files.read_json(out / NOTE)
        note["trackers"][target] |= {"names": {}, "described": False, "ended": ""}
        files.write_json(out / NOTE, note)
        assert affekt.runs(out, track=[target])[0]["tracked"] == "sent"
        _as_in_the_folder(address, out)
        _live(address, recipe, out, target)
        _deleted(address, out, target)


def _as_in_the_folder(address: str, out: Path) -> None:
    """Parameters, tags, epochs, figures with intervals and files are those of the run's folder."""
    found = server.runs(address)
    assert set(found) == {"cv", "cv/toy-s0", "cv/toy-s1"} or set(found) == {"cv", "cv/s0", "cv/s1"}, set(
        found
    )
    run = found["cv"]
    assert run["info"]["status"] == "FINISHED"
    params = server.pairs(run["data"]["params"])
    assert params["train.epochs"] == "2" and params["system"] == "resnet-stats"
    resolved = recipes.load(str(out / "recipe.yaml"))
    assert json.loads(params["network.blocks"]) == list(resolved.network.blocks)
    tags = server.pairs(run["data"]["tags"])
    record = files.read_json(out / "run.json")
    assert tags["command"] == record["command"] and tags["versions.torch"] == record["versions"]["torch"]
    assert tags["corpora"] == "toy" and tags["protocol"] == "loso"
    assert tags.get("commit", "") == record["commit"]
    metrics = server.pairs(run["data"]["metrics"])
    uar = files.read_json(out / "report.json")["pooled"]["uar"]
    assert metrics["uar"] == pytest.approx(uar["value"], abs=1e-12)
    for end in ("low", "high"):
        assert metrics.get(f"uar.{end}") == (uar[end] if uar[end] is None else pytest.approx(uar[end]))
    for name, fold in found.items():
        if name != "cv":
            assert server.pairs(fold["data"]["tags"])["mlflow.parentRunId"] == run["info"]["run_id"]
            rows = read_journal(out / "folds" / name.removeprefix("cv/") / "log.jsonl")
            assert len(rows) == 2
            for key in ("train_loss", "learning_rate"):
                told = server.history(address, fold, key)
                assert told == [(int(row["epoch"]), pytest.approx(row[key])) for row in rows]
    with urlopen(f"{address}/get-artifact?path=report.md&run_id={run['info']['run_id']}", timeout=60) as text:
        assert text.read() == (out / "report.md").read_bytes()


def _live(address: str, recipe: Recipe, away: Path, target: str) -> None:
    """The same run with the server there: told while it trains, and the same to the last byte."""
    said: list[str] = []
    live = away.parent / "live"
    affekt.train(recipe, live, protocol="loso", track=[target], say=said.append)
    assert not [line for line in said if "warning" in line or "not all" in line]
    assert (live / "report.json").read_bytes() == (away / "report.json").read_bytes()
    assert affekt.runs(live, track=[target])[0]["tracked"] == "known"
    found = server.runs(address)
    assert found["live"]["info"]["status"] == "FINISHED"
    folds = [run for name, run in found.items() if name.startswith("live/")]
    assert [len(server.history(address, one, "train_loss")) for one in folds] == [2, 2]


def _deleted(address: str, out: Path, target: str) -> None:
    """A run that was deleted there is told anew."""
    before = server.runs(address)["cv"]["info"]["run_id"]
    for name, run in server.runs(address).items():
        if name.startswith("cv"):
            server.ask(address, "mlflow/runs/delete", {"run_id": run["info"]["run_id"]})
    assert affekt.runs(out, track=[target])[0]["tracked"] == "sent"
    assert server.runs(address)["cv"]["info"]["run_id"] != before
