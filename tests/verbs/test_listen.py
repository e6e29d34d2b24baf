"""`affekt listen`: a stream at the boundary of sounddevice that plays a real clip, and the real errors."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import affekt
from affekt import Recognizer, audio, cli
from affekt.cli.listen import picture
from affekt.errors import MissingExtraError, UsageError
from affekt.timeline import Window
from tests.fixtures import tiny

RATE = 48_000
CLIPS = np.concatenate([audio.read(path) for path in sorted(tiny.EXAMPLES.glob("*.flac"))])
HEARD = np.repeat(CLIPS, RATE // audio.SAMPLE_RATE)


class PortAudioError(Exception):
    """As sounddevice's."""


class InputStream:
    """Calls back with blocks of `HEARD`, [frames, 1], in a thread of its own, as PortAudio does."""

    open = 0

    def __init__(
        self, *, samplerate: int, channels: int, dtype: str, blocksize: int, callback: Any, device: Any
    ) -> None:
        if device == "taken":
            raise PortAudioError("Error opening InputStream: Device unavailable [PaErrorCode -9985]")
        assert (samplerate, channels, dtype) == (RATE, 1, "float32")
        self._size, self._callback = blocksize, callback
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play)

    def _play(self) -> None:
        buffer = np.empty((self._size, 1), np.float32)
        for at in range(0, len(HEARD) - self._size, self._size):
            # PortAudio fills the same buffer again.
            buffer[:, 0] = HEARD[at : at + self._size]
            self._callback(buffer, self._size, None, None)
            buffer[:] = np.nan
            if self._stop.is_set():
                return

    def __enter__(self) -> InputStream:
        InputStream.open += 1
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        InputStream.open -= 1


def query_devices(device: Any, kind: str) -> dict[str, Any]:
    assert kind == "input"
    if device == "none":
        raise ValueError("No input device matching 'none'")
    return {"name": "fake", "default_samplerate": float(RATE)}


@pytest.fixture
def microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("sounddevice")
    for name, value in {
        "InputStream": InputStream,
        "query_devices": query_devices,
        "PortAudioError": PortAudioError,
    }.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "sounddevice", module)


@pytest.mark.usefixtures("microphone")
def test_windows_are_those_of_the_same_sound_in_a_file(tiny_model_folder: Path) -> None:
    recognizer = Recognizer.load(tiny_model_folder)
    found = list(affekt.listen(recognizer, window=1.0, hop=0.5, seconds=6))
    expected = recognizer.over_time(HEARD, sampling_rate=RATE, window=1.0, hop=0.5).windows
    assert 10 <= len(found) <= 12
    for one, other in zip(found, expected, strict=False):
        assert (one.start, one.end, one.label) == (other.start, other.end, other.label)
        assert one.scores == pytest.approx(other.scores, abs=1e-4)


@pytest.mark.usefixtures("microphone")
def test_a_pipe_gets_rows(tiny_model_folder: Path) -> None:
    words = ["listen", "--model", str(tiny_model_folder), "--seconds", "4", "--hop", "1"]
    shown = CliRunner().invoke(cli.app, words)
    rows = shown.stdout.splitlines()
    assert shown.exit_code == 0 and rows[0] == "start,end,emotion,confidence"
    assert [row.split(",")[:2] for row in rows[1:]] == [["0.0", "2.0"], ["1.0", "3.0"], ["2.0", "4.0"]]


@pytest.mark.usefixtures("microphone")
def test_closing_it_closes_the_microphone(tiny_model_folder: Path) -> None:
    windows = affekt.listen(tiny_model_folder)
    next(windows)
    assert InputStream.open == 1
    windows.close()  # type: ignore[attr-defined]
    assert InputStream.open == 0


@pytest.mark.usefixtures("microphone")
def test_scoring_slower_than_speech_is_said(tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affekt.verbs.listen.BEHIND_SECONDS", 0.2)
    windows = affekt.listen(tiny_model_folder)
    with pytest.raises(UsageError, match="behind; give a longer hop"):
        for _ in windows:
            time.sleep(0.2)


@pytest.mark.usefixtures("microphone")
@pytest.mark.parametrize(
    ("device", "problem"), [("none", "No input device matching"), ("taken", "unavailable")]
)
def test_a_microphone_that_is_not_there_is_said(tiny_model_folder: Path, device: str, problem: str) -> None:
    with pytest.raises(UsageError, match=rf"microphone: .*{problem}.*--device"):
        list(affekt.listen(tiny_model_folder, device=device))


def test_without_the_extra_it_says_what_to_install(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtraError, match=r'pip install "affekt\[mic\]"'):
        affekt.listen(tiny_model_folder)


def test_the_machines_own_lack_of_a_microphone_is_one_line(tiny_model_folder: Path) -> None:
    """No fake here: whatever PortAudio or its absence says."""
    command = [
        sys.executable,
        "-m",
        "affekt",
        "listen",
        "--seconds",
        "0.2",
        "--model",
        str(tiny_model_folder),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if run.returncode == 0:
        pytest.skip("this machine has a microphone")
    assert run.returncode == 2 and run.stderr.count("\n") == 1
    assert run.stderr.startswith("affekt: microphone: ") or "affekt[mic]" in run.stderr


def test_bars_keep_their_order() -> None:
    from rich.console import Console

    console = Console(width=80, record=True, force_terminal=False)
    labels = ["anger", "neutral"]
    console.print(picture(Window(1.0, 3.0, "neutral", 0.75, {"neutral": 0.75, "anger": 0.25}), labels))
    console.print(picture(Window(2.0, 4.0, "no_speech", None, {}, "no_speech"), labels))
    lines = console.export_text().splitlines()
    assert "1.0 to 3.0 s   neutral" in lines[0] and "no_speech" in lines[3]
    assert [line.split()[0] for line in lines[1:3] + lines[4:6]] == labels * 2
    assert lines[2].endswith("75%") and lines[5].endswith("0%")
