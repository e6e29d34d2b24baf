"""affekt corpus: data on stdout, exit code 1 when a check finds errors."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from affekt.cli.corpus import app
from affekt.errors import UsageError

RUN = CliRunner()


@pytest.fixture
def emodb(tmp_path: Path) -> Path:
    for name in ("03a01Fa.wav", "14b10Wc.wav"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_list_names_every_corpus_and_its_licence() -> None:
    shown = RUN.invoke(app, ["list"])
    assert shown.exit_code == 0
    for expected in ("emodb:", "nemo:", "ravdess:", "librispeech:", "CC BY-NC-SA 4.0 (non-commercial)"):
        assert expected in shown.stdout
    declared = json.loads(RUN.invoke(app, ["list", "--json"]).stdout)
    assert declared[0]["name"] == "emodb"
    assert declared[0]["expected"]["clips"] == 535


def test_list_works_without_pandas() -> None:
    code = "import sys; sys.modules['pandas'] = None; from affekt.cli.corpus import app; app(['list'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "535 clips" in done.stdout


def test_scan_writes_a_table_to_stdout_or_a_file(emodb: Path, tmp_path: Path) -> None:
    shown = RUN.invoke(app, ["scan", str(emodb), "--as", "emodb"])
    assert shown.exit_code == 0
    table = pd.read_csv(io.StringIO(shown.stdout), dtype={"speaker": str})
    assert table["speaker"].tolist() == ["03", "14"]
    assert "path" not in table.columns
    target = tmp_path / "out" / "emodb.csv"
    written = RUN.invoke(app, ["scan", str(emodb), "--as", "emodb", "-o", str(target)])
    assert written.stdout == ""
    assert "2 rows" in written.stderr
    again = RUN.invoke(app, ["scan", str(target)])
    assert pd.read_csv(io.StringIO(again.stdout))["emotion"].tolist() == ["happiness", "anger"]


def test_check_ends_with_one_only_on_errors(emodb: Path) -> None:
    warned = RUN.invoke(app, ["check", str(emodb), "--as", "folder", "--quick"])
    assert warned.exit_code == 1
    found = RUN.invoke(app, ["check", str(emodb), "--as", "emodb", "--quick", "--json"])
    findings = json.loads(found.stdout)
    assert found.exit_code == 1
    assert {"wrong_count", "missing_speakers"} == {finding["code"] for finding in findings}
    (emodb / "t.csv").write_text("file,speaker\n03a01Fa.wav,x\n14b10Wc.wav,\n")
    fine = RUN.invoke(app, ["check", str(emodb / "t.csv"), "--quick"])
    assert fine.exit_code == 0
    assert "warning: no_speaker" in fine.stdout
    assert "14b10Wc.wav" in fine.stdout


def test_check_takes_the_root_of_a_tables_files(emodb: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "t.csv"
    RUN.invoke(app, ["scan", str(emodb), "--as", "emodb", "-o", str(target)])
    assert RUN.invoke(app, ["check", str(target), "--quick"]).exit_code == 1
    assert RUN.invoke(app, ["check", str(target), "--quick", "--root", str(emodb)]).exit_code == 0


def test_a_folder_without_its_corpus_is_a_usage_error(emodb: Path) -> None:
    assert isinstance(RUN.invoke(app, ["scan", str(emodb)]).exception, UsageError)


@pytest.mark.parametrize("command", ["list", "scan", "check"])
def test_help_shows_an_example(command: str) -> None:
    assert f"affekt corpus {command}" in RUN.invoke(app, [command, "--help"]).stdout
