"""`affekt train` as a process: signals, locks, refusals, several processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from typer.testing import CliRunner

from affekt import cli
from affekt.errors import AffektError, UsageError
from affekt.training.state import CHECKPOINT
from tests.fixtures import toy

AFFEKT = [sys.executable, "-m", "affekt"]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy corpus in a folder whose name would be something else in YAML."""
    folder = tmp_path_factory.mktemp("corpora") / "a: b, {c} #d"
    return toy.corpus(folder, speakers=4)


def arguments(table: Path, out: Path, epochs: int, *more: str) -> list[str]:
    """A command line that trains the smallest network."""
    settings = [*toy.SMALL, f"train.epochs={epochs}", "train.batch_clips=6", "train.precision=float32"]
    return ["train", *settings, "--data", str(table), "-o", str(out), "--threads", "1", *more]


def wait_for(path: Path, process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Until the file stands there and is not empty."""
    until = time.monotonic() + seconds
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, f"{path} was not written in {seconds} s"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_and_one_line(
    table: Path, tmp_path: Path, number: signal.Signals
) -> None:
    command = [*AFFEKT, *arguments(table, tmp_path / "run", 100_000, "-q")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        wait_for(tmp_path / "run" / "log.jsonl", process)
        if number == signal.SIGTERM:
            second = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
            assert second.returncode == 2
            assert second.stdout == ""
            assert len(second.stderr.splitlines()) == 1
            assert f"in use by process {process.pid}" in second.stderr
        process.send_signal(number)
        shown, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert shown == ""
    assert len(said.splitlines()) == 1
    assert "--resume" in said
    stored = load_file(tmp_path / "run" / CHECKPOINT)
    assert all(value.isfinite().all() for value in stored.values())
    assert json.loads((tmp_path / "run" / "run.json").read_text())["command"].startswith("affekt train ")
    assert {name.partition(".")[0] for name in stored} == {"network", "best", "optimiser"}


def test_a_full_disk_is_one_line(table: Path, tmp_path: Path) -> None:
    bound = "ulimit -f 20; trap '' XFSZ; exec \"$@\""
    command = ["bash", "-c", bound, "bash", *AFFEKT, *arguments(table, tmp_path / "run", 2, "-q")]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert CHECKPOINT in done.stderr
    assert not list((tmp_path / "run").glob(".affekt-tmp-*"))


@pytest.mark.parametrize("place", ["folder:x, y #z", "nowhere: [1]", "a,b.csv", "*star.csv", "'.csv"])
def test_places_are_taken_as_they_stand(place: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["train", "--data", place, "-o", str(tmp_path / "run")])
    assert place.removeprefix("folder:") in str(result.exception)


def test_wrong_settings_are_refused_before_anything_is_written(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    for words in (["train.epoch=3"], ["nosuch"], ["train.epochs=0"], ["--protocol", "lososo"]):
        result = CliRunner().invoke(cli.app, ["train", *words, "--data", str(table), "-o", str(out)])
        assert isinstance(result.exception, UsageError), words
        assert "\n" not in str(result.exception)
    assert not out.exists() or {one.name for one in out.iterdir()} == {".lock"}


def test_a_folder_that_holds_a_run_is_refused(table: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = CliRunner().invoke(cli.app, arguments(table, tmp_path, 1))
    assert isinstance(result.exception, UsageError)
    assert "--resume" in str(result.exception)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_place_that_is_no_folder_is_refused(table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        result = CliRunner().invoke(cli.app, arguments(table, out, 1))
        assert isinstance(result.exception, AffektError)
        assert str(out) in str(result.exception)
    assert (tmp_path / "file").read_text() == "mine"


def test_cross_validation_shows_its_report(table: Path, tmp_path: Path) -> None:
    words = arguments(table, tmp_path / "run", 1, "--protocol", "speaker-kfold", "--folds", "2")
    result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 0, result.exception
    assert result.stdout.strip() == (tmp_path / "run" / "report.md").read_text().strip()
    assert "speaker-kfold" in result.stdout
    assert "2/2" in result.stderr


@pytest.mark.slow
def test_two_processes_train_as_one_does(table: Path, tmp_path: Path) -> None:
    # Adam makes whole steps of gradients that are almost nothing, so rounding grows with the learning rate.
    more = ("train.learning_rate=0.001", "--protocol", "speaker-kfold", "--folds", "2", "-q")
    one, two = tmp_path / "one", tmp_path / "two"
    single = subprocess.run(
        [*AFFEKT, *arguments(table, one, 4, *more)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert single.returncode == 0, single.stderr
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    spread = subprocess.run(
        [*launcher, "-m", "affekt", *arguments(table, two, 4, *more)],
        capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=200,
    )  # fmt: skip
    assert spread.returncode == 0, spread.stderr
    assert spread.stdout.strip() == single.stdout.strip()
    folds = sorted(fold.name for fold in (one / "folds").iterdir())
    assert len(folds) == 2
    for fold in folds:
        expected, found = (load_file(run / "folds" / fold / CHECKPOINT) for run in (one, two))
        assert set(expected) == set(found)
        names = {name for name in expected if name.startswith("network.")}
        for name in names:
            assert (found[name] - expected[name]).abs().max() < 1e-4, name
