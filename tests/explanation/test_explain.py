"""`affekt.explain`: one result for any recording, of any length, that JSON can hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from affekt import audio
from affekt.errors import AudioNotFoundError, UsageError
from affekt.explanation import METHODS, Explanation, Failure, explain, explain_each, methods, run
from affekt.explanation import recording as recordings
from affekt.explanation.recording import open_recording
from affekt.recognizer import Recognizer
from tests.fixtures import tiny, toy
from tests.test_public_surface import EXTRAS

CLIPS = sorted(tiny.EXAMPLES.glob("*.flac"))


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_clip_is_explained(shipped: Recognizer, method: str) -> None:
    ticks: list[tuple[int, int]] = []
    found = explain(CLIPS[0], shipped, method=method, tick=lambda *done: ticks.append(done))
    assert ticks[-1][0] == ticks[-1][1] == len(ticks)
    said = shipped(CLIPS[0])
    assert (found.emotion, found.prediction, found.method, found.pieces) == (said.label, said, method, 1)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    shape = np.array(plain["map"]["values"]).shape
    assert shape == (len(plain["map"]["frequencies"]) - 1, len(plain["map"]["times"]) - 1)
    assert plain["map"]["times"][-1] == plain["end"] == 2.0 and plain["map"]["frequencies"][-1] == 8000
    assert plain["regions"] and not plain["map"]["averaged"]
    for one in plain["regions"]:
        assert 0 <= one["start"] < one["end"] <= 2 and 0 <= one["low_hz"] < one["high_hz"] <= 8000
    deletion = plain["sanity"]["deletion"]
    assert 0 < deletion["share"] <= 0.1001 and deletion["score"] == pytest.approx(said.confidence, abs=1e-5)
    assert deletion["difference"] == pytest.approx(deletion["drop"] - deletion["random_drop"], abs=2e-6)
    assert -1 <= plain["sanity"]["random_weights"]["spearman"] <= 0.9


def test_occlusion_finds_what_the_shipped_model_needs(shipped: Recognizer) -> None:
    sanity = explain(CLIPS[3], shipped, method="occlusion").sanity
    assert sanity is not None and sanity.deletion is not None
    assert sanity.deletion.difference > 0.2 and sanity.deletion.beaten > 0.9


def test_the_same_seed_gives_the_same_explanation(shipped: Recognizer) -> None:
    one, again, other = (explain(CLIPS[0], shipped, seed=seed).to_dict() for seed in (0, 0, 1))
    assert one == again
    assert one["sanity"] != other["sanity"] and one["map"] == other["map"]


def test_another_emotion_has_another_map(shipped: Recognizer) -> None:
    said, other = explain(CLIPS[0], shipped, check=False), explain(CLIPS[0], shipped, emotion="sadness")
    assert said.sanity is None and other.emotion == "sadness" != said.emotion
    assert said.prediction == other.prediction
    assert not np.allclose(said.map.values, other.map.values)
    with pytest.raises(UsageError, match=r"emotion angr: .* did you mean 'anger'"):
        explain(CLIPS[0], shipped, emotion="angr")


@pytest.mark.parametrize("samples", [1, 100, 4800])
@pytest.mark.parametrize("method", METHODS[1:])
def test_the_shortest_clips_have_a_map(shipped: Recognizer, method: str, samples: int) -> None:
    found = explain(toy.speech()[5000 : 5000 + samples], shipped, method=method, sampling_rate=16_000)
    assert np.isfinite(found.map.values).all() and found.map.grid.times[-1] == samples / 16_000
    json.dumps(found.to_dict(), allow_nan=False)


def test_silence_has_no_region_that_matters(shipped: Recognizer) -> None:
    found = explain(np.zeros(32_000, np.float32), shipped, method="occlusion", sampling_rate=16_000)
    assert found.prediction.warnings == ("silent",) and not found.regions
    assert found.sanity is not None and found.sanity.deletion is None
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["status"] == "warning:silent" and plain["sanity"]["deletion"] is None


def long_file(folder: Path, seconds: float) -> Path:
    path = folder / "long.flac"
    swell = np.interp(np.arange(round(seconds * 16_000)), [0, seconds * 16_000], [0.2, 1])
    soundfile.write(path, np.resize(toy.speech(), len(swell)) * swell, 16_000)
    return path


@pytest.mark.parametrize("method", ["hirescam", "occlusion", "attention"])
def test_a_long_recording_is_read_in_pieces(
    shipped: Recognizer,
    attentive: Recognizer,
    method: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(methods, "LOOKED_INTO_SECONDS", 3.0)
    monkeypatch.setattr(methods, "OCCLUDED_SECONDS", 1.5)
    monkeypatch.setattr(run, "MOST_PATCH_COLUMNS", 10)
    monkeypatch.setattr(run, "SCORED_SECONDS", 4.0)
    path = long_file(tmp_path, 7.3)
    model = attentive if method == "attention" else shipped
    check = method != "occlusion"
    held = explain(path, model, method=method, check=False)
    monkeypatch.setattr(recordings, "HELD_SECONDS", 2)
    found = explain(path, model, method=method, emotion=held.emotion, check=check)
    assert found.pieces == (5 if method == "occlusion" else 3)
    assert found.map.grid.times[[0, -1]] == pytest.approx([0, 7.3])
    assert (np.diff(found.map.grid.times) > 0).all()
    assert (found.sanity is not None) == check
    assert found.sanity is None or found.sanity.pieces == found.pieces
    if method == "attention":
        assert found.map.values.sum() == pytest.approx(1, rel=1e-3)
        assert held.prediction.scores == pytest.approx(found.prediction.scores, abs=1e-5)
    assert held.map.values == pytest.approx(found.map.values, rel=1e-3, abs=1e-6)
    assert sum(found.prediction.scores.values()) == pytest.approx(1)


def test_pieces_are_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = long_file(tmp_path, 7.3)
    whole = audio.read(path)
    for held in (100.0, 1.0):
        monkeypatch.setattr(recordings, "HELD_SECONDS", held)
        one = open_recording(path)
        assert (one.held is None) == (held == 1.0) and one.length == len(whole)
        for count in (1, 2, 7):
            parts = list(one.pieces(count))
            assert len(parts) == count and max(map(len, parts)) - min(map(len, parts)) <= 1
            assert np.array_equal(np.concatenate(parts), whole)
        assert np.array_equal(np.concatenate(list(one.blocks())), whole)


def test_columns_of_a_long_recording_are_averaged(
    shipped: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_COLUMNS", 10)
    monkeypatch.setattr(methods, "LOOKED_INTO_SECONDS", 3.0)
    found = explain(long_file(tmp_path, 7.3), shipped, check=False)
    assert found.averaged and found.map.values.shape[1] <= 10
    assert found.to_dict()["map"]["averaged"] is True


def test_a_bad_recording_is_a_failure_and_the_others_go_on(shipped: Recognizer) -> None:
    found = list(explain_each([CLIPS[0], "nowhere.wav", CLIPS[1]], shipped, check=False))
    assert [type(one) for one in found] == [Explanation, Failure, Explanation]
    assert found[1].to_dict()["status"] == "error:not_found"
    with pytest.raises(AudioNotFoundError):
        explain("nowhere.wav", shipped)


def test_a_fault_of_ours_costs_one_result(shipped: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MOST_PATCH_COLUMNS", None)
    found = list(explain_each(CLIPS[:2], shipped, check=False))
    assert [one.code for one in found if isinstance(one, Failure)] == ["internal"] * 2
    assert str(found[0]).count("TypeError") == 1


def test_a_map_needs_only_the_base_install(tmp_path: Path) -> None:
    code = f"""
import sys
for name in {sorted(EXTRAS)!r}:
    sys.modules[name] = None
import affekt
found = affekt.explain({str(CLIPS[0])!r}, threads=1)
print(found.method, found.sanity.likeness.reason)
for action in (lambda: affekt.explain({str(CLIPS[0])!r}, method="gradcam"), lambda: found.save("x.png")):
    try:
        action()
    except affekt.MissingExtraError as error:
        print(error)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    hint = 'needs an extra: pip install "affekt[train]"'
    assert ended.stdout.splitlines() == [
        f"occlusion looking into a network {hint}",
        f"looking into a network {hint}",
        f"drawing pictures {hint}",
    ]
