"""`affekt export`: other number formats say nearly the same, are smaller, and are model folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from affekt import audio, files
from affekt.batch import TooManyFailuresError
from affekt.config import ModelConfig
from affekt.errors import ModelFolderError, UsageError
from affekt.evaluation.parity import Exported
from affekt.model_folder import ModelFolder, graph, manifest, open_folder
from affekt.model_folder.manifest import MANIFEST
from affekt.models.quantise import to_float16, to_int8
from affekt.recognizer import Recognizer
from affekt.verbs.evaluate import evaluate
from affekt.verbs.export import export
from affekt.verbs.fuse import fuse
from affekt.verbs.predict import predict, predict_to
from tests.fixtures import tiny, toy
from tests.models.test_networks import exported, trained

FORMATS = ("onnx-float32", "onnx-float16", "onnx-int8")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(toy.corpus(tmp_path_factory.mktemp("toy"), speakers=4, clips=3))


@pytest.fixture(scope="module")
def made(table: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    """The model that ships in all formats."""
    out = tmp_path_factory.mktemp("exported")
    return out, export("default", out, data=table)


def test_all_formats_recognise_and_evaluate(made: tuple[Path, Exported], table: str) -> None:
    out, found = made
    before = Recognizer.load("default")
    for name, one in zip(FORMATS, found.formats, strict=True):
        assert (one.name, one.folder) == (name, out / name)
        recognizer = Recognizer.load(out / name)
        assert recognizer.config.precision == name.removeprefix("onnx-")
        assert recognizer.config.labels == before.config.labels
        rows = list(predict(str(tiny.EXAMPLES), recognizer))
        assert {row["status"] for row in rows} == {"ok"}
        assert [row["emotion"] for row in rows] == [row["emotion"] for row in predict(str(tiny.EXAMPLES))]
        assert evaluate(recognizer, table).report.clips == 36


def test_parity_is_measured_and_sizes_fall(made: tuple[Path, Exported]) -> None:
    out, found = made
    whole, half, eighth = found.formats
    assert whole.difference == 0 and whole.changed == 0
    assert 0 < half.difference < 0.02 and 0 < eighth.difference < 0.2
    assert whole.bytes > 1.5 * half.bytes and half.bytes > 1.3 * eighth.bytes
    assert eighth.uar_lost is not None and eighth.uar_lost.value is not None
    assert set(eighth.speed) == {1, 2} and min(eighth.speed.values()) > 0
    assert json.loads((out / "parity.json").read_text()) == found.to_json()
    assert "36 clips" in found.source and "among them" in found.source
    assert (out / "parity.md").read_text() == found.to_markdown() + "\n"
    assert "front end in float32. Ranges come from 36 clips" in (out / "onnx-int8" / "README.md").read_text()


def test_a_folder_says_how_far_from_float32_it_may_be(made: tuple[Path, Exported]) -> None:
    for name, parity, bound in zip(FORMATS, made[1].formats, (1e-3, 0.02, 0.15), strict=True):
        record = open_folder(made[0] / name).config.parity
        if name == "onnx-float32":
            assert record is None
            continue
        assert record is not None and record.bound == parity.bound == bound
        assert (record.difference, record.changed, record.clips) == (parity.difference, parity.changed, 36)
        assert f"where {bound:g} is allowed" in (made[0] / name / "README.md").read_text()


def test_a_format_beyond_the_bound_is_refused_in_one_line(table: str, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"onnx-int8: scores are up to 0\.\d+ from float32 on 36 clips, where"
    ):
        export("default", tmp_path / "out", to=["onnx-int8"], data=table, bound=1e-3)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match=r"--bound 2: give a difference of scores"):
        export("default", tmp_path / "out", bound=2)


def test_loading_checks_the_bound_on_the_golden_clips(made: tuple[Path, Exported], tmp_path: Path) -> None:
    """On a processor that rounds otherwise, too: the scores of float32 are in the folder."""
    folder = open_folder(made[0] / "onnx-int8")
    record = folder.config.parity
    assert record is not None
    scores = {
        name: {label: min(1.0, score + 0.2) for label, score in one.items()}
        for name, one in record.golden.items()
    }
    for golden, message in (
        (scores, r"in int8 is 0\.[12]\d+ from that in float32, where 0\.15 is allowed"),
        ({"golden/other.flac": {}}, "holds no scores of golden/.* in float32"),
    ):
        wrong = record.model_copy(update={"golden": golden})
        _rewrite(tmp_path / "wrong", folder, folder.config.model_copy(update={"parity": wrong}))
        with pytest.raises(ModelFolderError, match=message):
            Recognizer.load(tmp_path / "wrong")


def _rewrite(place: Path, folder: ModelFolder, config: ModelConfig) -> None:
    contents = {name: data for name, data in folder.contents.items() if name != MANIFEST}
    contents["config.json"] = files.dump_json(config.model_dump(mode="json")).encode()
    files.write_folder(place, {**contents, MANIFEST: manifest.dump(contents)})


def test_a_run_is_not_taken_up_in_another_number_format(made: tuple[Path, Exported], tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    with pytest.raises(TooManyFailuresError):
        predict_to(output, [tiny.EXAMPLES, "nowhere.wav"], made[0] / "onnx-float32", max_failures=0)
    with pytest.raises(UsageError, match="precision was float32 and is int8"):
        predict_to(output, [tiny.EXAMPLES, "nowhere.wav"], made[0] / "onnx-int8", resume=True)


def test_the_front_end_keeps_its_precision(made: tuple[Path, Exported]) -> None:
    for name, kind in (("onnx-float16", TensorProto.FLOAT16), ("onnx-int8", TensorProto.INT8)):
        model = onnx.load_from_string(open_folder(made[0] / name).onnx)
        kinds = {one.name: one.data_type for one in model.graph.initializer}
        front = {key: value for key, value in kinds.items() if "frontend" in key}
        assert front and set(front.values()) == {TensorProto.FLOAT}
        assert kind in kinds.values()
        assert {one.domain for one in model.opset_import} <= {"", "ai.onnx"}


def test_another_system_is_converted_too() -> None:
    data = exported("attention-fcn", trained("attention-fcn"))
    whole = onnx.load_from_string(data)
    clip = toy.speech()
    feeds = {"samples": clip[None], "lengths": np.array([len(clip)])}
    expected = onnxruntime.InferenceSession(data).run(["logits"], feeds)[0]
    for converted in (to_float16(data), to_int8(data, [clip, toy.clip("anger", 1, 1.0)])):
        graph.check(converted)
        said = onnxruntime.InferenceSession(converted).run(["logits"], feeds)[0]
        assert np.abs(said - expected).max() < 0.1 * max(1, np.abs(expected).max())
        assert len(converted) < len(whole.SerializeToString())


def test_a_fused_model_is_exported(tmp_path: Path) -> None:
    fuse(["default", "default"], tmp_path / "fused", equal=True)
    said: list[str] = []
    found = export(tmp_path / "fused", tmp_path / "out", to=["onnx-int8"], say=said.append)
    assert said[0].startswith("Warning: no --data")
    assert found.formats[0].uar_lost is None and found.formats[0].difference < 0.2
    Recognizer.load(tmp_path / "out" / "onnx-int8")


def test_what_cannot_be_exported_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--to onnx-int4: not a format; did you mean 'onnx-int8'\?"):
        export("default", tmp_path / "out", to=["onnx-int4"])
    data = tiny.network()
    for node in data.graph.node:
        if node.op_type == "Log":
            node.op_type = "Sqrt"
    with pytest.raises(ModelFolderError, match="no front end"):
        to_int8(data.SerializeToString(), [audio.read(tiny.EXAMPLES / "anger-03a01Wa.flac")])
    assert not (tmp_path / "out").exists()
