"""The command itself: help, version, errors in one line, exit codes."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import affekt
from affekt import UsageError, cli

HELP_SECONDS = 0.3


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from affekt.cli import main; main()", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1"}
    )


def test_version() -> None:
    assert CliRunner().invoke(cli.app, ["--version"]).output == f"affekt {affekt.__version__}\n"


def test_help_names_every_verb_and_imports_none() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for verb, line in cli.VERBS.items():
        assert verb in shown.stdout
        assert line.rstrip(".") in shown.stdout


def test_help_is_quick() -> None:
    def processor_seconds() -> float:
        before = os.times()
        run("--help")
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    run("--help")
    # Ten tries: what else runs on the cores only ever adds.
    assert any(processor_seconds() < HELP_SECONDS for _ in range(10))


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    result = CliRunner().invoke(cli.app, [verb, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output or verb == "corpus"
    assert f"{verb} [OPTIONS]" in result.output
    assert "completion" not in result.output


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_is_a_typer_app(verb: str) -> None:
    assert importlib.import_module(f"affekt.cli.{verb}").app.info is not None


def test_a_misspelled_verb_is_usage() -> None:
    failed = run("predcit")
    assert failed.returncode == 2
    assert "Did you mean 'predict'?" in failed.stderr


def test_an_error_is_one_line_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise UsageError("file.wav: two\nlines; do this")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "affekt: file.wav: two lines; do this" in captured.err
    assert captured.err.count("\n") == 1
