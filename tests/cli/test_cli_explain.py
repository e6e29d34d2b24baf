"""`affekt explain`: data on stdout, pictures where asked for, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from affekt import cli
from affekt.errors import AffektError
from affekt.recognizer import MODELS
from tests.fixtures import tiny

CLIP = str(sorted(tiny.EXAMPLES.glob("*.flac"))[0])

pytestmark = pytest.mark.skipif(not MODELS["default"].is_dir(), reason="this copy ships no weights")


def explain(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, ["explain", *map(str, arguments)])
    if isinstance(result.exception, AffektError):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_people_get_lines_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, shown, _ = explain(CLIP)
    first, *others = shown.splitlines()
    assert code == 0 and first.startswith(f"{CLIP}: anger ") and "hirescam" in first
    assert any(" Hz: " in line for line in others) and "random weights" in others[-1]
    assert not list(tmp_path.iterdir())


def test_json_is_a_line_for_each_and_a_bad_one_is_exit_code_1(tmp_path: Path) -> None:
    code, shown, _ = explain(CLIP, "nowhere.wav", "--json", "--no-check", "-o", tmp_path / "out")
    rows = [json.loads(line) for line in shown.splitlines()]
    assert code == 1 and [row["error"] for row in rows] == [None, "not_found"]
    assert rows[0]["sanity"] is None and rows[0]["map"]["values"]
    assert Path(rows[0]["picture"]).read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["anger-03a01Wa.png"]


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_a_bad_recording_is_a_line_on_stderr(quiet: list[str]) -> None:
    code, shown, said = explain("nowhere.wav", *quiet)
    assert (code, shown) == (1, "") and said.count("\n") == 1 and "nowhere.wav: no such file" in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-o", "out.pdf"], "pictures are PNG"),
        (["--method", "gradcamm"], "did you mean 'gradcam'"),
        (["--emotion", "angry"], "not one of this model's"),
        (["-m", "./nowhere"], "neither a known model nor a folder"),
    ],
)
def test_wrong_options_stop_at_once(arguments: list[str], problem: str) -> None:
    with pytest.raises(AffektError, match=problem):
        explain(CLIP, *arguments)


def test_a_picture_without_matplotlib_says_what_to_install(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["matplotlib"] = None
sys.argv = ["affekt", "explain", {CLIP!r}, "-o", "out.png"]
from affekt.cli import main
main()
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert run.returncode == 2 and run.stdout == ""
    assert run.stderr == 'affekt: drawing pictures needs an extra: pip install "affekt[train]"\n'
    assert not list(tmp_path.iterdir())
