"""Hostile model folders are refused: in one line, at once, without running or writing anything."""

from __future__ import annotations

import pickle
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from affekt import ModelFolderError, Recognizer, model_folder
from tests.fixtures import changes, hostile, hostile_networks, tiny

SECONDS = 1.0
GROWTH_KIB = 200 * 1024
FLIPS = 300

# It takes seconds to reach the bound on memory; benchmarks/hostile_models.py measures it.
CASES = [case for case in hostile.cases() if "repeating bomb" not in case.name]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_is_refused(case: hostile.Case, tiny_model_folder: Path, tmp_path: Path) -> None:
    folder, canary = tmp_path / "model", tmp_path / "canary"
    case.make(tiny_model_folder, folder, canary)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    with pytest.raises(ModelFolderError) as caught:
        Recognizer.load(folder)
    assert time.process_time() - started < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_KIB
    message = str(caught.value)
    assert message.startswith(f"{folder}: ")
    assert message.isprintable(), "one line, and nothing that could rewrite a terminal"
    assert len(message) < len(str(folder)) + 400
    assert not canary.exists()


def test_case_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 400


def test_every_flipped_bit_is_found(tiny_model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    random = np.random.default_rng(0)
    for _ in range(FLIPS):
        path = paths[random.integers(len(paths))]
        good = path.read_bytes()
        bad = bytearray(good)
        bad[random.integers(len(bad))] ^= 1 << int(random.integers(8))
        path.write_bytes(bad)
        with pytest.raises(ModelFolderError):
            model_folder.open_folder(folder)
        path.write_bytes(good)
    model_folder.open_folder(folder)


@pytest.mark.parametrize("name", [".git.pkl", ".DS_Store", ".lock"])
def test_hidden_files_are_passed_over_and_never_run(
    tiny_model_folder: Path, tmp_path: Path, name: str
) -> None:
    folder, canary = tmp_path / "model", tmp_path / "canary"
    shutil.copytree(tiny_model_folder, folder)
    (folder / name).write_bytes(pickle.dumps(changes.Payload(canary)))
    Recognizer.load(folder)
    assert not canary.exists()


def test_the_payload_would_make_the_canary(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(changes.Payload(tmp_path / "canary")))  # noqa: S301
    assert (tmp_path / "canary").is_dir()


@pytest.mark.parametrize(
    "network", ["an endless loop", "data in /etc/passwd", "a claimed terabyte", "cut at 1"]
)
def test_a_hostile_network_is_not_written_either(tmp_path: Path, network: str) -> None:
    data = dict(hostile_networks.networks())[network]
    with pytest.raises(ModelFolderError, match="nothing was written"):
        tiny.write(tmp_path / "model", onnx=data)
    assert not list(tmp_path.iterdir())
