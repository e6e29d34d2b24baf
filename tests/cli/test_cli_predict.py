"""`affekt predict` and `affekt models`: tables, exit codes, interruptions."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from affekt import cli, recognizer
from affekt.errors import AffektError
from tests.fixtures import tiny

# A shell starts what stands in the background deaf to SIGINT, and tests may stand there.
HEAR = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
RUN = [sys.executable, "-c", f"{HEAR}; from affekt.cli import main; main()"]
CLIP = str(sorted(tiny.EXAMPLES.glob("*.flac"))[0])


def predict(*arguments: str | Path, lines: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["predict", *map(str, arguments)], input=lines)
    if isinstance(result.exception, AffektError):
        raise result.exception
    return result.exit_code, result.stdout


def test_a_folder_is_csv_when_piped(tiny_model_folder: Path) -> None:
    code, shown = predict(tiny.EXAMPLES, "-m", tiny_model_folder)
    assert code == 0
    lines = shown.splitlines()
    assert lines[0] == "file,start,end,emotion,confidence,status,error,message"
    assert len(lines) == 5


def test_some_bad_rows_are_exit_code_1(tiny_model_folder: Path) -> None:
    code, shown = predict(CLIP, "nowhere.wav", "-m", tiny_model_folder, "-f", "jsonl")
    assert code == 1
    assert [json.loads(line)["error"] for line in shown.splitlines()] == [None, "not_found"]


def test_names_come_from_standard_input(tiny_model_folder: Path) -> None:
    code, shown = predict("-", "-m", tiny_model_folder, "-f", "json", lines=f"{CLIP}\n{CLIP}\n")
    assert code == 0
    assert [row["file"] for row in json.loads(shown)] == [CLIP, CLIP]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_is_written_whole_and_nothing_shown(
    tiny_model_folder: Path, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "new" / f"out.{form}"
    assert predict(tiny.EXAMPLES, "--scores", "-m", tiny_model_folder, "-o", path) == (0, "")
    table = (pd.read_csv if form == "csv" else pd.read_parquet)(path)
    assert len(table) == 4
    scores = table[[f"score_{label}" for label in tiny.LABELS]]
    assert scores.sum(axis=1).round(4).tolist() == [1.0] * 4
    best = [tiny.LABELS[index] for index in scores.to_numpy().argmax(axis=1)]
    assert table["emotion"].tolist() == best


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-o", "out.xlsx"], "suffix names no format"),
        (["-f", "cvs"], "did you mean 'csv'"),
        (["-f", "parquet"], "only a file can hold it"),
        (["-m", "./nowhere"], "neither a known model nor a folder"),
        (["--coverage", "0.9"], "not calibrated"),
        (["--resume"], "name it with --output"),
        (["--device", "cuda"], "pip install onnxruntime-gpu"),
        (["--device", "gpu"], "device gpu: unknown.*give cpu or cuda"),
        (["--max-failures", "many"], "give a number such as 100"),
    ],
)
def test_wrong_options_stop_before_anything_is_written(
    tiny_model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    problem: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AffektError, match=problem):
        predict(CLIP, "-m", tiny_model_folder, *arguments)
    assert not list(tmp_path.iterdir())


def test_an_unsure_answer_is_unknown(tiny_model_folder: Path) -> None:
    code, shown = predict(CLIP, "-m", tiny_model_folder, "--min-confidence", "1", "-f", "jsonl")
    assert code == 0
    assert json.loads(shown)["emotion"] == "unknown"


def test_no_paths_is_usage() -> None:
    assert CliRunner().invoke(cli.app, ["predict"]).exit_code == 2


def test_an_error_is_one_line_and_exit_code_2() -> None:
    run = subprocess.run(
        [*RUN, "predict", CLIP, "-m", "./nowhere"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_goes_on_where_it_was(
    tiny_model_folder: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    arguments = ["predict", "-", "-m", str(tiny_model_folder), "-o", str(tmp_path / "out.csv")]
    with subprocess.Popen(
        [*RUN, *arguments], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdin is not None
        assert run.stderr is not None
        run.stdin.write(f"{CLIP}\n" * 300)
        run.stdin.flush()
        while not (tmp_path / "out.csv.parts" / "run.json").exists():
            assert run.poll() is None
        time.sleep(1)
        run.send_signal(number)
        assert run.wait(20) == code
        assert "Traceback" not in run.stderr.read()
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv.parts"]
    with pytest.raises(AffektError, match=r"unfinished run, \d+ inputs done; add --resume"):
        predict(*arguments[1:], lines=f"{CLIP}\n" * 310)
    assert predict(*arguments[1:], "--resume", lines=f"{CLIP}\n" * 310) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert len(pd.read_csv(tmp_path / "out.csv")) == 310


def test_a_reader_that_leaves_is_no_error(tiny_model_folder: Path) -> None:
    command = [*RUN, "predict", *[CLIP] * 3000, "-m", str(tiny_model_folder), "-f", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == ""


def test_a_terminal_gets_lines_for_people(tiny_model_folder: Path) -> None:
    reader, terminal = pty.openpty()
    command = [*RUN, "predict", CLIP, "nowhere.wav", "-m", str(tiny_model_folder)]
    run = subprocess.Popen(
        command, stdout=terminal, stderr=subprocess.PIPE, env=os.environ | {"COLUMNS": "200"}
    )
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(reader, 4096):
            shown += piece
    except OSError:
        pass
    finally:
        os.close(reader)
    assert run.wait(20) == 1
    assert run.stderr is not None
    run.stderr.close()
    text = shown.decode()
    assert "━" in text
    assert "%" in text
    assert "no such file" in text
    assert len(text.splitlines()) == 2


def test_models_are_listed(monkeypatch: pytest.MonkeyPatch, tiny_model_folder: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(recognizer, "MODELS", {"default": tiny_model_folder, "other": tmp_path / "absent"})
    shown = CliRunner().invoke(cli.app, ["models"]).output
    assert "default: resnet-stats, 0.0 MB, licence none" in shown
    assert ", ".join(tiny.LABELS) in shown
    assert "none.uar: 0.250 [0.200, 0.300]" in shown
    assert "other: no weights" in shown
    assert "for a company" not in shown
    assert "best: larger" in shown and "affekt reproduce best --data" in shown


def test_the_terms_of_the_shipped_weights_are_told(tmp_path: Path) -> None:
    shown = CliRunner().invoke(cli.app, ["models"]).output
    assert "CC BY-NC-SA" in shown and "for a company: these licences allow no commercial use" in shown
    asked = CliRunner().invoke(cli.app, ["predict", str(tmp_path), "-m", "best"])
    assert "is not shipped; build it: affekt reproduce best" in str(asked.exception)


def test_a_model_is_checked(tiny_model_folder: Path, tmp_path: Path) -> None:
    good = CliRunner().invoke(cli.app, ["models", "check", str(tiny_model_folder)])
    assert good.exit_code == 0
    assert "sound" in good.output
    bad = CliRunner().invoke(cli.app, ["models", "check", str(tmp_path)])
    assert "is missing" in str(bad.exception)
