"""Pictures over time: what is heard is drawn, silence is hatched, colours can be told apart."""

from __future__ import annotations

import colorsys
from pathlib import Path

import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import affekt
from affekt import Recognizer, audio, cli, plotting
from tests.fixtures import tiny

RATE = audio.SAMPLE_RATE
CLIPS = [audio.read(path) for path in sorted(tiny.EXAMPLES.glob("*.flac"))]


@pytest.fixture(scope="module")
def model(tiny_model_folder: Path) -> Recognizer:
    return Recognizer.load(tiny_model_folder, threads=1)


def pixels(path: Path) -> np.ndarray:
    return np.asarray(matplotlib.image.imread(path))[..., :3]


def has_colour(picture: np.ndarray, label: str) -> bool:
    wanted = np.array(matplotlib.colors.to_rgb(plotting.COLOURS[label]))
    return bool((np.abs(picture - wanted).max(axis=2) < 0.02).sum() > 400)


def test_the_emotions_of_a_recording_are_drawn_in_their_colours(model: Recognizer, tmp_path: Path) -> None:
    clip, out = tmp_path / "a $x_1$ ü.wav", tmp_path / "out.png"
    soundfile.write(clip, np.concatenate([CLIPS[0], np.zeros(4 * RATE), CLIPS[3]]), RATE)
    timeline = affekt.plot(clip, out, model)
    picture = pixels(out)
    assert picture.shape[0] > 1000 and picture.shape[1] > 1500
    for label in timeline.summary.shares:
        assert label == "no_speech" or has_colour(picture, label)
    affekt.plot(clip, tmp_path / "again.png", model)
    assert np.array_equal(picture, pixels(tmp_path / "again.png"))


@pytest.mark.parametrize("case", ["silence", "one sample", "long"])
def test_odd_recordings_have_a_picture(model: Recognizer, tmp_path: Path, case: str) -> None:
    samples = {
        "silence": np.zeros(RATE, np.float32),
        "one sample": CLIPS[0][:1],
        "long": np.resize(CLIPS[0], 130 * RATE),
    }[case]
    path = tmp_path / "clip.wav"
    soundfile.write(path, samples, RATE)
    timeline = affekt.plot(path, tmp_path / "out.png", model, window=1.0, hop=0.5)
    assert timeline.duration == len(samples) / RATE
    assert pixels(tmp_path / "out.png").shape[0] > 1000


def test_every_emotion_has_a_colour_of_its_own_lightness_or_hue() -> None:
    colours = [matplotlib.colors.to_rgb(one) for one in plotting.COLOURS.values()]
    assert len(set(colours)) == len(colours)
    for at, one in enumerate(colours):
        for other in colours[at + 1 :]:
            (_, light, _), (_, dark, _) = colorsys.rgb_to_hls(*one), colorsys.rgb_to_hls(*other)
            assert abs(light - dark) > 0.04 or np.abs(np.subtract(one, other)).max() > 0.2


def test_the_command_draws_what_it_can(tiny_model_folder: Path, tmp_path: Path) -> None:
    clips = [str(path) for path in sorted(tiny.EXAMPLES.glob("*.flac"))[:2]]
    ran = CliRunner().invoke(
        cli.app, ["plot", *clips, "nowhere.wav", "-m", str(tiny_model_folder), "-o", str(tmp_path / "out")]
    )
    assert ran.exit_code == 1
    assert "nowhere.wav: no such file" in ran.stderr
    assert sorted(ran.stdout.split()) == sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert len(ran.stdout.split()) == 2
