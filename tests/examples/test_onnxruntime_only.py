"""The example without Affekt runs without Affekt, and says the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from affekt.recognizer import Recognizer
from tests.fixtures import tiny, toy

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "onnxruntime_only.py"
BLOCKED = """
import sys, runpy
for name in ("affekt", "torch", "soxr", "pandas", "pydantic", "onnx"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_says_what_affekt_says(tiny_model_folder: Path) -> None:
    clip = tiny.EXAMPLES / "anger-03a01Wa.flac"
    found = run(tiny_model_folder, clip)
    assert found.returncode == 0, found.stderr
    said = json.loads(found.stdout)
    expected = Recognizer.load(tiny_model_folder)(clip).scores
    assert list(said) == list(expected)
    assert all(said[label] == pytest.approx(score, abs=1e-4) for label, score in expected.items())


def test_another_rate_is_refused(tiny_model_folder: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "clip.wav", toy.speech(), 8000)
    found = run(tiny_model_folder, tmp_path / "clip.wav")
    assert found.returncode == 1
    assert "8000 Hz; the model hears 16000 Hz" in found.stderr


def test_it_is_short() -> None:
    assert len(SCRIPT.read_text("utf-8").splitlines()) <= 40
