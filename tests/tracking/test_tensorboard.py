"""Runs are told to TensorBoard's event files, and read back by TensorBoard itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

import affekt
from affekt import files
from affekt.tracking import send, trackers
from affekt.tracking.contents import Contents
from affekt.tracking.sending import NOTE
from tests.tracking.made import EPOCHS, FIGURE, made


def read(folder: Path) -> Any:
    """All that TensorBoard finds in a folder."""
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    found.Reload()
    return found


def scalars(found: Any, name: str) -> list[Any]:
    """Step and value of each time that it was told."""
    return [(one.step, one.value) for one in found.Scalars(name)]


def test_epochs_figures_pictures_and_parameters_are_there(tmp_path: Path) -> None:
    run = made(tmp_path / "cv")
    (row,) = affekt.runs(run, track=[f"tensorboard:{tmp_path / 'tb'}"])
    assert row["tracked"] == "sent"
    fold = read(tmp_path / "tb" / "cv" / "a")
    for key in ("train_loss", "validation_uar"):
        assert scalars(fold, key) == [(one["epoch"], pytest.approx(one[key])) for one in EPOCHS]
    whole = read(tmp_path / "tb" / "cv")
    for end, key in {"": "value", ".low": "low", ".high": "high"}.items():
        assert scalars(whole, f"figures/uar{end}") == [(0, pytest.approx(FIGURE[key]))]
    (picture,) = whole.Images("figures/confusion")
    assert picture.encoded_image_string == (run / "confusion.png").read_bytes()
    assert (picture.width, picture.height) == (3, 2)
    (text,) = whole.Tensors("run/text_summary")
    assert b"| commit | 0123456789abcdef |" in text.tensor_proto.string_val[0]
    told = HParamsPluginData.FromString(
        whole.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    )
    assert told.session_start_info.hparams["train.epochs"].string_value == "40"
    assert told.session_start_info.hparams["data"].string_value == json.dumps(["emodb:/data/emodb"])


def test_what_comes_later_is_added_and_nothing_twice(tmp_path: Path) -> None:
    run, target = made(tmp_path / "cv", epochs=1, ended=False), f"tensorboard:{tmp_path / 'tb'}"
    assert affekt.runs(run, track=[target])[0]["tracked"] == "sent"
    made(run)
    assert affekt.runs(run, track=[target])[0]["tracked"] == "sent"
    assert affekt.runs(run, track=[target])[0]["tracked"] == "known"
    assert [step for step, _ in scalars(read(tmp_path / "tb/cv/a"), "train_loss")] == [1, 2, 3]
    assert len(scalars(read(tmp_path / "tb/cv"), "figures/uar")) == 1


def test_two_runs_of_one_name_are_kept_apart_and_a_removed_one_is_told_anew(tmp_path: Path) -> None:
    target = f"tensorboard:{tmp_path / 'tb'}"
    for folder in ("one/cv", "two/cv"):
        affekt.runs(made(tmp_path / folder), track=[target])
    assert sorted(one.name for one in (tmp_path / "tb").iterdir()) == ["cv", "cv-2"]
    for path in sorted((tmp_path / "tb/cv").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert affekt.runs(tmp_path / "one/cv", track=[target])[0]["tracked"] == "sent"
    assert len(scalars(read(tmp_path / "tb/cv/a"), "train_loss")) == 3


def test_a_folder_that_cannot_be_written_to_is_a_line_and_the_rest_comes_later(tmp_path: Path) -> None:
    run = made(tmp_path / "cv")
    (tmp_path / "tb").write_text("a file where a folder should be")
    (row,) = affekt.runs(run, track=[f"tensorboard:{tmp_path / 'tb'}"])
    assert row["tracked"].startswith(f"error: tensorboard:{tmp_path / 'tb'}: ") and "\n" not in row["tracked"]
    (tmp_path / "tb").unlink()
    assert affekt.runs(run, track=[f"tensorboard:{tmp_path / 'tb'}"])[0]["tracked"] == "sent"
    assert len(scalars(read(tmp_path / "tb/cv/a"), "train_loss")) == 3


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1, "trackers": {"x": 3}}', '{"format": 2}'])
def test_a_damaged_note_is_none(tmp_path: Path, text: str) -> None:
    run, target = made(tmp_path / "cv"), f"tensorboard:{tmp_path / 'tb'}"
    (run / NOTE).write_text(text)
    assert affekt.runs(run, track=[target])[0]["tracked"] == "sent"
    assert target in files.read_json(run / NOTE)["trackers"]


def test_a_run_told_in_memory_needs_no_recipe(tmp_path: Path) -> None:
    (tracker,) = trackers([f"tensorboard:{tmp_path / 'tb'}"])
    run = Contents("bare", 1.0, histories={"": tuple(EPOCHS)}, times={"": 2.0}, status="finished", ended=3.0)
    assert send(run, tmp_path, tracker)
    assert len(scalars(read(tmp_path / "tb/bare"), "train_loss")) == len(EPOCHS)
