"""`affekt.runs`: every run below a folder, whatever else lies there."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import affekt
from affekt import files
from affekt.cli.runs import app
from affekt.errors import UsageError
from affekt.verbs.runs import COLUMNS
from tests.fixtures import tiny

RECIPE = "system: resnet-stats\ndata: '{data}'\nseed: {seed}\n"


def crossed(folder: Path, uar: float | None, *, data: str = "emodb:/data/emodb", seed: int = 0) -> Path:
    """A cross-validation's folder as `train` leaves it, in short; without `uar`, one that was stopped."""
    (folder / "folds" / "a").mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE.format(data=data, seed=seed))
    record = {
        "commit": "0123456789abcdef",
        "protocol": "loso",
        "seed": seed,
        "started": f"2026-01-0{seed + 1}",
    }
    (folder / "run.json").write_text(json.dumps(record))
    if uar is not None:
        figure = {"value": uar, "low": uar - 0.1, "high": uar + 0.1}
        pooled = {"uar": figure, "wa": {"value": uar}}
        scores = {"ece": {"value": 0.1}}
        report = {"protocol": "loso", "pooled": pooled, "calibration": {"before": scores, "after": None}}
        (folder / "report.json").write_text(json.dumps(report))
        (folder / "scores.csv").write_text("fold\n")
    return folder


@pytest.fixture
def below(tmp_path: Path) -> Path:
    """Two finished runs, one stopped, a model, and what is none."""
    crossed(tmp_path / "a" / "one", 0.5, seed=1)
    crossed(tmp_path / "b", 0.7, data="emodb:/x,nemo:/y")
    crossed(tmp_path / "stopped", None)
    tiny.write(tmp_path / "model")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "run.json").write_text('["not ours"]')
    damaged = crossed(tmp_path / "damaged", 0.9)
    (damaged / "report.json").write_text('{"pooled": {"uar": ')
    wrong = crossed(tmp_path / "wrong", 0.9)
    (wrong / "report.json").write_text('{"pooled": [1, 2], "title": 3, "calibration": "no"}')
    (wrong / "recipe.yaml").write_text("old: {unknown: [")
    return tmp_path


def test_each_run_is_a_row_and_nothing_else_is(below: Path) -> None:
    rows = {row["run"]: row for row in affekt.runs(below)}
    assert set(rows) == {"a/one", "b", "stopped", "model", "damaged", "wrong"}
    assert all(tuple(row) == COLUMNS for row in rows.values())
    one = rows["a/one"]
    assert (one["kind"], one["state"], one["corpus"], one["protocol"]) == (
        "cross-validation", "finished", "emodb", "loso",
    )  # fmt: skip
    assert (one["uar"], one["uar_low"], one["wa"], one["ece"], one["seed"]) == (0.5, 0.4, 0.5, 0.1, 1)
    assert (one["commit"], one["when"], one["recipe"]) == ("0123456789ab", "2026-01-02", "resnet-stats")
    assert rows["b"]["corpus"] == "emodb, nemo"
    assert (rows["model"]["kind"], rows["model"]["uar"]) == ("model", 0.25)
    assert (rows["stopped"]["state"], rows["stopped"]["uar"]) == ("stopped", None)
    assert "report.json" in rows["damaged"]["problem"]
    assert rows["wrong"]["uar"] is None and "recipe.yaml" in rows["wrong"]["problem"]


def test_a_run_under_way_is_running(below: Path) -> None:
    with files.lock(below / "stopped"):
        row = affekt.runs(below, where=["run=stopped"])[0]
    assert row["state"] == "running"


def test_rows_are_sorted_and_chosen(below: Path) -> None:
    assert [row["run"] for row in affekt.runs(below, sort="uar")][:3] == ["b", "a/one", "model"]
    assert [row["run"] for row in affekt.runs(below, where=["uar>0.4", "corpus=nemo"])] == ["b"]
    assert [row["run"] for row in affekt.runs(below, where=["uar <= 0.5"])] == ["a/one", "model"]
    assert {row["run"] for row in affekt.runs(below, where=["state!=finished"])} == {"stopped"}


@pytest.mark.parametrize(
    ("where", "said"),
    [("uar", "no condition"), ("war>0.3", "there are run, kind"), ("uar>much", "is a number")],
)
def test_a_condition_that_is_none_is_refused(below: Path, where: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        affekt.runs(below, where=[where])


def test_the_command_writes_csv_where_nobody_looks(below: Path, tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, [str(below), "--sort", "uar", "--where", "uar>0.1"])
    assert [row["run"] for row in csv.DictReader(shown.stdout.splitlines())] == ["b", "a/one", "model"]
    as_json = CliRunner().invoke(app, [str(below), "--format", "json"])
    assert len(json.loads(as_json.stdout)) == 6
    for name in ("runs.jsonl", "runs.parquet"):
        assert CliRunner().invoke(app, [str(below), "-o", str(tmp_path / name)]).exit_code == 0
        assert (tmp_path / name).stat().st_size > 100


def test_a_hostile_name_moves_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from affekt.cli.runs import _show

    crossed(tmp_path / "[red]\x1b[2Jx\u202e", 0.5)
    _show(affekt.runs(tmp_path))
    shown = capsys.readouterr().out
    assert "\x1b[2J" not in shown and "\u202e" not in shown and "[red]" in shown
