"""Model folders: written whole, read checked, replaced only by their like."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from affekt import ModelFolderError, UsageError, model_folder
from affekt.config import ModelConfig
from affekt.model_folder import graph, tensors
from tests.fixtures import tiny


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = tiny.write(tmp_path / "model")
    read = model_folder.open_folder(tmp_path / "model")
    assert read == written
    assert read.config.labels == tiny.LABELS
    assert read.config.tensors == {"bands": [8, 400], "head.bias": [4], "head.weight": [4, 8]}
    names = sorted(str(path.relative_to(read.path)) for path in read.path.rglob("*") if path.is_file())
    assert names == sorted([*read.contents, "MANIFEST.json"])
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    assert tiny.write(tmp_path / "one").contents == tiny.write(tmp_path / "two").contents


def test_a_model_takes_the_place_of_a_model(tmp_path: Path) -> None:
    tiny.write(tmp_path / "model")
    again = tiny.write(tmp_path / "model", temperature=2.0)
    assert again.config.temperature == 2.0
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["notes.txt", ".git", "MANIFEST.json.bak"])
def test_a_folder_that_holds_anything_else_is_not_replaced(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    tiny.write(folder)
    (folder / name).write_text("mine")
    with pytest.raises(UsageError, match="not a model folder"):
        tiny.write(folder)
    assert (folder / name).read_text() == "mine"


def test_a_file_or_a_link_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    tiny.write(tmp_path / "model")
    (tmp_path / "link").symlink_to(tmp_path / "model")
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="not a model folder"):
            tiny.write(tmp_path / name)


def test_an_empty_folder_becomes_a_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    tiny.write(tmp_path / "model")


def test_parts_that_make_no_model_leave_the_old_one(tmp_path: Path) -> None:
    old = tiny.write(tmp_path / "model")
    for changes in ({"labels": ["anger", "fear"]}, {"embedding_size": 3}):
        with pytest.raises(ModelFolderError, match="nothing was written"):
            tiny.write(tmp_path / "model", **changes)
    assert model_folder.open_folder(tmp_path / "model") == old


def test_files_are_not_read_again_after_their_check(tiny_model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    opened = model_folder.open_folder(folder)
    shutil.rmtree(folder)
    opened.scorer()
    model_folder.load_weights(opened, opened.config.tensors)


def test_a_missing_folder_is_one_line() -> None:
    with pytest.raises(ModelFolderError, match=r"^nowhere/model: No such file or directory; get the model"):
        model_folder.open_folder("nowhere/model")


def test_weights_come_back_as_they_were(tiny_model_folder: Path) -> None:
    opened = model_folder.open_folder(tiny_model_folder)
    loaded = model_folder.load_weights(opened, {"bands": (8, 400), "head.weight": (4, 8), "head.bias": (4,)})
    for name, values in tiny.arrays().items():
        np.testing.assert_array_equal(loaded[name], values)


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        ({"bands": (8, 400), "head.weight": (4, 8)}, "'head.bias' is not part of this network"),
        ({"bands": (8, 400), "head.weight": (4, 8), "head.bias": (4,), "x": (1,)}, "'x' is missing"),
        ({"bands": (8, 401), "head.weight": (4, 8), "head.bias": (4,)}, r"'bands' has shape \(8, 400\)"),
    ],
)
def test_weights_of_another_network_are_refused(
    tiny_model_folder: Path, expected: dict[str, tuple[int, ...]], problem: str
) -> None:
    opened = model_folder.open_folder(tiny_model_folder)
    with pytest.raises(ModelFolderError, match=problem):
        model_folder.load_weights(opened, expected)


def test_golden_scores_are_kept_by_label(tiny_model_folder: Path) -> None:
    scores = json.loads((tiny_model_folder / "golden" / "scores.json").read_bytes())
    assert len(scores) == 2
    for entry in scores.values():
        assert set(entry["logits"]) == set(tiny.LABELS)
        assert sum(entry["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_config_survives_json() -> None:
    config = tiny.config()
    assert ModelConfig.model_validate(json.loads(json.dumps(config.model_dump(mode="json")))) == config


def test_a_config_of_before_calibration_is_read() -> None:
    plain = tiny.config().model_dump(mode="json")
    del plain["calibration"]
    assert ModelConfig.model_validate(plain).calibration is None


_ARRAYS = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20).filter(
        lambda name: name != "__metadata__"
    ),
    st.sampled_from([np.float32, np.float16, np.int64, np.uint8]).flatmap(
        lambda dtype: npst.arrays(
            dtype,
            npst.array_shapes(min_dims=0, max_dims=4, max_side=5),
            elements={"allow_nan": False, "allow_infinity": False}
            if dtype in (np.float32, np.float16)
            else None,
        )
    ),
    min_size=1,
    max_size=5,
)


@given(_ARRAYS)
def test_tensors_read_as_the_reference_reads_them(arrays: tiny.Arrays) -> None:
    data = safetensors.numpy.save(arrays)
    ours, reference = tensors.read(data), safetensors.numpy.load(data)
    assert set(ours) == set(reference) == set(arrays)
    for name in arrays:
        assert ours[name].dtype == arrays[name].dtype
        np.testing.assert_array_equal(ours[name], arrays[name])


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_damaged_tensors_are_refused_or_whole(position: int, byte: int) -> None:
    data = bytearray(safetensors.numpy.save(tiny.arrays()))
    (size,) = struct.unpack("<Q", data[:8])
    data[position % (8 + size)] = byte
    try:
        read = tensors.read(bytes(data))
    except ValueError:
        return
    assert sum(values.nbytes for values in read.values()) == len(data) - 8 - size


@given(st.binary(max_size=200))
def test_what_is_no_graph_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        graph.check(data)


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_damaged_graph_never_crashes_the_check(position: int, change: int) -> None:
    data = bytearray(tiny.network().SerializeToString())
    data[position % len(data)] ^= change
    try:
        graph.check(bytes(data))
    except ValueError as error:
        assert str(error).isprintable()
