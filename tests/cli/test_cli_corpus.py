"""affekt corpus: data on stdout, exit code 1 when a check finds errors."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from affekt import corpora
from affekt.cli.corpus import _lines, _table, app
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
    assert {one["name"]: one["expected"]["clips"] for one in declared}["emodb"] == 535


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
    findings = json.loads(found.stdout)["findings"]
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


def test_a_corpus_that_is_not_open_is_not_fetched(tmp_path: Path) -> None:
    refused = RUN.invoke(app, ["fetch", "iemocap", "-o", str(tmp_path / "x")])
    assert isinstance(refused.exception, UsageError)
    assert "under its terms" in str(refused.exception)
    assert not (tmp_path / "x").exists()


def test_list_is_folded_to_a_narrow_terminal_and_a_table_in_a_wide_one() -> None:
    known = [corpora.overview(corpora.spec(name)) for name in corpora.names()]
    for width in (40, 80):
        lines = [line for one in known for line in _lines(one, width)]
        assert all(len(line) <= width or "://" in line for line in lines)
        assert not any("\n" in line for line in lines)
    out = io.StringIO()
    Console(file=out, width=180).print(_table(known))
    shown = out.getvalue()
    assert all(one.name in shown and one.url in shown for one in known)
    assert max(len(line) for line in shown.splitlines()) <= 180


@pytest.mark.parametrize("command", ["list", "fetch", "scan", "check"])
def test_help_shows_an_example(command: str) -> None:
    assert f"affekt corpus {command}" in RUN.invoke(app, [command, "--help"]).stdout
