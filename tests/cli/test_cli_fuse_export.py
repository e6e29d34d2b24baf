"""`affekt fuse` and `affekt export` on the command line: what is printed, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from affekt import cli
from affekt.errors import AffektError, UsageError
from affekt.recognizer import Recognizer
from tests.fixtures import toy


def run(*words: str) -> str:
    """What a command prints on standard output."""
    found = CliRunner().invoke(cli.app, list(words))
    if isinstance(found.exception, AffektError):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.stdout


def test_models_are_fused_and_exported(tiny_model_folder: Path, tmp_path: Path) -> None:
    table = str(toy.corpus(tmp_path, speakers=2))
    fused = str(tmp_path / "fused")
    said = run(
        "fuse", str(tiny_model_folder), "default", "-o", fused, "--data", table, "--threads", "1",
        "--json", str(tmp_path / "found.json"), "-q",
    )  # fmt: skip
    assert "| fitted weights |" in said
    assert {one["name"] for one in json.loads((tmp_path / "found.json").read_text())["systems"]} >= {
        "default"
    }
    assert Recognizer.load(fused).config.system == "fusion"
    out = tmp_path / "exported"
    assert "| onnx-float32 |" in run("export", fused, "-o", str(out), "--to", "onnx-float32", "-q")
    assert Recognizer.load(out / "onnx-float32").config.labels == ["anger", "happiness", "neutral", "sadness"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["fuse", "default", "-o", "x"], "two or more"),
        (["fuse", "default", "default", "-o", "x"], "nothing to fit weights on"),
        (["export", "default", "-o", "x", "--to", "onnx-int4"], "not a format"),
        (["export", "nothing", "-o", "x"], "neither a known model nor a folder"),
        (["train", "baseline", "data=x.csv", "train.epochs=3", "-o", "x"], "^baseline: train.epochs is of"),
        (["pretrain", "speakers", "baseline", "--data", "x.csv", "-o", "x"], "opensmile-svm is no network"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    words: list[str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=problem):
        run(*words)
    assert not list(tmp_path.iterdir())
