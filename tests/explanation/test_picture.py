"""Pictures: whatever the recording, they are drawn, whole, and under a name of their own."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import soundfile

from affekt.errors import UsageError
from affekt.explanation import Pictures, explain
from affekt.recognizer import Recognizer
from tests.fixtures import tiny, toy

CLIPS = sorted(tiny.EXAMPLES.glob("*.flac"))
LONG_NAME = "$x_1$ ångström \u200b " + "very-" * 40 + "long"


def pixels(path: Path) -> np.ndarray:
    return np.asarray(matplotlib.image.imread(path))[..., :3]


def test_a_picture_shows_this_clip_and_this_emotion(shipped: Recognizer, tmp_path: Path) -> None:
    for name, emotion in (("one", None), ("again", None), ("other", "sadness")):
        explain(CLIPS[0], shipped, emotion=emotion, check=False).save(tmp_path / f"{name}.png")
    one, again, other = (pixels(tmp_path / f"{name}.png") for name in ("one", "again", "other"))
    assert one.shape[0] > 800 and one.shape[1] > 1500
    assert np.array_equal(one, again)
    assert (one != other).any(axis=2).mean() > 0.02
    orange = np.abs(one - np.array([0xD5, 0x5E, 0x00]) / 255).max(axis=2) < 0.1
    assert orange.sum() > 500
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("case", ["silence", "one sample", "short", "long", "name"])
def test_odd_recordings_have_a_picture_without_a_warning(
    shipped: Recognizer, tmp_path: Path, case: str
) -> None:
    speech = toy.speech()
    samples = {
        "silence": np.zeros(16_000, np.float32),
        "one sample": speech[:1],
        "short": speech[8000:12_800],
        "long": np.resize(speech, 150 * 16_000),
    }.get(case, speech)
    path = tmp_path / f"{LONG_NAME if case == 'name' else case}.wav"
    soundfile.write(path, samples, 16_000)
    explain(path, shipped, check=case == "short").save(tmp_path / "picture.png")
    assert pixels(tmp_path / "picture.png").shape[0] > 800


def test_attention_is_drawn_as_where_the_network_looks(attentive: Recognizer, tmp_path: Path) -> None:
    found = explain(CLIPS[0], attentive)
    found.save(tmp_path / "picture.png")
    assert pixels(tmp_path / "picture.png").shape[0] > 800
    assert "of what the network looks at" in found.lines()[1]


def test_several_recordings_have_a_folder_and_names_of_their_own(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path / "out", [str(tiny.EXAMPLES)])
    names = [pictures.path(one).name for one in ("a/x.wav", "b/x.mp3", "c/X.wav", f"{'é' * 200}.wav", "")]
    assert names[:3] == ["x.png", "x-2.png", "X-3.png"]
    assert len(names[3].encode()) <= 154 and names[4] == "recording.png"


def test_one_file_is_for_one_recording(tmp_path: Path) -> None:
    for paths in ([str(tiny.EXAMPLES)], ["-"], ["a.wav", "b.wav"]):
        with pytest.raises(UsageError, match="one picture for several recordings; give a folder"):
            Pictures(tmp_path / "out.png", paths)
    with pytest.raises(UsageError, match=r"pictures are PNG; name it out\.png"):
        Pictures(tmp_path / "out.svg", ["a.wav"])
    assert Pictures(tmp_path / "out.PNG", ["a.wav"]).path("a.wav") == tmp_path / "out.PNG"
