"""`affekt evaluate`: what it shows, what it writes, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from affekt import cli
from affekt.errors import UsageError
from tests.fixtures import toy


def test_a_report_is_shown_and_written(tiny_model_folder: Path, tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=2)
    kept = tmp_path / "kept.json"
    words = ["--data", str(table), "--json", str(kept), "-o", str(tmp_path / "report")]
    result = CliRunner().invoke(cli.app, ["evaluate", str(tiny_model_folder), *words])
    assert result.exit_code == 0, result.exception
    assert "Compared: anger, neutral, sadness." in result.stdout
    assert "fixed model" in result.stdout
    found = json.loads(kept.read_text())
    assert (found["only_model"], found["failures"], found["clips"]) == (["happiness"], [], 12)
    assert len(pd.read_csv(tmp_path / "report" / "scores.csv")) == 12
    for name in ("report.json", "report.md", "confusion.png", "speakers.png"):
        assert (tmp_path / "report" / name).stat().st_size > 100


def test_a_broken_clip_is_named_and_makes_exit_code_1(tiny_model_folder: Path, tmp_path: Path) -> None:
    table = toy.corpus(tmp_path, speakers=2)
    (tmp_path / "toy" / "s1-neutral-0.wav").write_bytes(b"not audio")
    result = CliRunner().invoke(cli.app, ["evaluate", str(tiny_model_folder), "--data", str(table), "-q"])
    assert result.exit_code == 1
    assert "s1-neutral-0.wav" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "1 clips could not be read" in result.stdout


def test_an_unknown_model_is_a_line() -> None:
    result = CliRunner().invoke(cli.app, ["evaluate", "nosuch", "--data", "x.csv"])
    assert isinstance(result.exception, UsageError)
    with pytest.raises(UsageError, match="neither a known model"):
        raise result.exception
