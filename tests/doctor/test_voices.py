"""`affekt corpus check --speaker-model`: one voice under two names, as a model's embeddings have it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from affekt.cli.corpus import app
from affekt.doctor import check_corpus

RATE = 16_000
VOICES = {"ada": 170.0, "ben": 420.0, "cas": 1100.0, "dee": 2700.0}
"""Each voice has most of its energy at a frequency of its own, in Hz."""


def corpus(folder: Path, voices: dict[str, float], clips: int = 6, seconds: float = 0.4) -> Path:
    """A table of speakers, each with clips about the voice's frequency and at other levels, shuffled."""
    rows = []
    for number, (speaker, hertz) in enumerate(voices.items()):
        random = np.random.default_rng(number)
        for clip, way in enumerate(random.permutation(clips) / max(1, clips - 1)):
            time = np.arange(round(seconds * RATE)) / RATE
            tone = np.sin(2 * np.pi * hertz * (0.85 + 0.3 * way) * time)
            samples = (0.1 + 0.3 * way) * tone + 0.02 * random.standard_normal(len(time))
            name = f"{speaker}-{clip}.wav"
            soundfile.write(folder / name, samples, RATE)
            rows.append({"file": name, "speaker": speaker, "emotion": ("anger", "fear")[clip % 2]})
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["file", "speaker", "emotion"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return folder / "clips.csv"


def told(table: Path, model: Path) -> list[tuple[str, set[str]]]:
    """What is said of voices, and whose clips are concerned."""
    found = check_corpus(str(table), speaker_model=model).findings
    return [
        (one.message, {Path(file).stem.partition("-")[0] for file in one.files})
        for one in found
        if one.code == "speaker_voice"
    ]


def test_one_voice_under_two_names_is_told_and_others_are_not(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    table = corpus(tmp_path, VOICES | {"zoe": VOICES["ben"]})
    ((message, concerned),) = told(table, tiny_model_folder)
    assert concerned == {"ben", "zoe"}
    assert "ben" in message and "zoe" in message and "sound like one person: cosine 1.00" in message


def test_voices_of_their_own_are_not_told_of(tmp_path: Path, tiny_model_folder: Path) -> None:
    assert told(corpus(tmp_path, VOICES), tiny_model_folder) == []


def test_clips_too_short_for_the_model_are_left_out(tmp_path: Path, tiny_model_folder: Path) -> None:
    """Four speakers of whom one has nothing that the model could hear: 20 ms, and it wants 25."""
    table = corpus(tmp_path, VOICES)
    for clip in range(6):
        soundfile.write(tmp_path / f"ada-{clip}.wav", 0.3 * np.sin(np.arange(320) + clip), RATE)
    assert told(table, tiny_model_folder) == []


@pytest.mark.parametrize("model", ["nobody", "folder"])
def test_a_wrong_model_is_one_line_before_anything_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text("{}")
    monkeypatch.setattr("affekt.doctor.checkup.listen", lambda *_: pytest.fail("listened"))
    given = str(tmp_path / "folder") if model == "folder" else model
    ran = CliRunner().invoke(app, ["check", str(corpus(tmp_path, VOICES, clips=1)), "--speaker-model", given])
    assert ran.exit_code != 0 and ran.exception is not None
    assert given in str(ran.exception) and "\n" not in str(ran.exception)
