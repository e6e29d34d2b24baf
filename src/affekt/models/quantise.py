"""A network's graph in fewer bits: half precision, or integers of 8 bits. The front end stays in 32."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.errors import MissingExtraError, ModelFolderError

_WEIGHED = {"Conv", "Gemm", "MatMul"}
_FRONTEND = "frontend."
_WIDE = (
    "ReduceSum",
    "ReduceMean",
    "Pow",
    "Sqrt",
    "Div",
    "Softmax",
    "LogSoftmax",
    "Log",
    "Exp",
    "LRN",
    "Cast",
)
"""What runs over in half precision, which ends at 65504: sums over time, squares, quotients."""


def to_float16(onnx: bytes) -> bytes:
    """The graph with half-precision weights and layers; inputs, outputs, front end and sums stay in 32 bits.

    Raises:
        MissingExtraError: onnx is not installed.
        ModelFolderError: no front end can be told apart.
    """
    model = _load(onnx)
    from onnxruntime.transformers import float16

    front, _ = _parts(model)
    with _quiet():
        made = float16.convert_float_to_float16(
            model,
            keep_io_types=True,
            op_block_list=[*float16.DEFAULT_OP_BLOCK_LIST, *_WIDE],
            node_block_list=sorted(front),
            disable_shape_infer=True,
        )
    _tidy(made.graph)
    return _plain(made)


def to_int8(onnx: bytes, clips: Sequence[NDArray[np.float32]]) -> bytes:
    """The graph with layers in integers of 8 bits, a scale for each channel, ranges from `clips` [samples].

    Static quantisation with QuantizeLinear and DequantizeLinear around convolutions and matrix products
    behind the front end. Weights have 7 bits: with 8, processors without VNNI saturate in sums of two
    products, and another machine would say something else.

    Raises:
        MissingExtraError: onnx is not installed.
        ModelFolderError: no front end can be told apart.
    """
    _load(onnx)
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix="affekt-int8-") as work, _quiet():
        given, folded, made = (Path(work, name) for name in ("given.onnx", "folded.onnx", "int8.onnx"))
        given.write_bytes(onnx)
        quant_pre_process(str(given), str(folded), skip_symbolic_shape=True)
        model = _load(folded.read_bytes())
        # Shapes that the exporter noted are of its example; quantisation would take them at their word.
        model.graph.ClearField("value_info")
        _, trunk = _parts(model)
        folded.write_bytes(model.SerializeToString())
        quantization.quantize_static(
            str(folded),
            str(made),
            _reader(clips),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
            nodes_to_quantize=sorted(trunk),
        )
        return _plain(_load(made.read_bytes()))


def _parts(model: Any) -> tuple[set[str], set[str]]:
    """The front end's nodes, and the layers with weights behind it, by name; every node gets one."""
    constants = {one.name for one in model.graph.initializer}
    makers: dict[str, Any] = {}
    for at, node in enumerate(model.graph.node):
        node.name = node.name or f"node{at}"
        makers |= dict.fromkeys(node.output, node)
    heard = [
        node
        for node in model.graph.node
        if any(name in constants and _FRONTEND in name for name in node.input)
    ]
    front = {node.name for node in heard} | _before(heard, makers)
    if not heard:
        logs = [node for node in model.graph.node if node.op_type == "Log"]
        front = _before(logs[:1], makers)
    trunk = {
        node.name
        for node in model.graph.node
        if node.op_type in _WEIGHED and node.name not in front and set(node.input) & constants
    }
    if not (front and trunk):
        raise ModelFolderError("model.onnx: no front end and layers behind it can be told apart")
    behind = set(trunk)
    for node in model.graph.node:
        if any(name in makers and makers[name].name in behind for name in node.input):
            behind.add(node.name)
    return {node.name for node in model.graph.node} - behind, trunk


def _tidy(graph: Any) -> None:
    """Casts once each, and none to half precision and back: that would cost the front end its precision."""
    from onnx import TensorProto

    made: dict[str, Any] = {}
    for node in list(graph.node):
        if node.output[0] in made:
            graph.node.remove(node)
        made |= dict.fromkeys(node.output, node)
    casts = {node.output[0]: (node.input[0], node.attribute[0].i) for node in made.values() if _is_cast(node)}
    back = {
        name: casts[given][0]
        for name, (given, kind) in casts.items()
        if kind == TensorProto.FLOAT and casts.get(given, ("", 0))[1] == TensorProto.FLOAT16
    }
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = back.get(name, name)
    told = {one.name for one in graph.output}
    while True:
        used = told | {name for node in graph.node for name in node.input}
        idle = [node for node in graph.node if _is_cast(node) and node.output[0] not in used]
        if not idle:
            return
        for node in idle:
            graph.node.remove(node)


def _is_cast(node: Any) -> bool:
    return bool(node.op_type == "Cast")


def _before(nodes: Sequence[Any], makers: dict[str, Any]) -> set[str]:
    """The names of all nodes that these depend on."""
    found: set[str] = set()
    waiting = list(nodes)
    while waiting:
        for name in waiting.pop().input:
            if name in makers and makers[name].name not in found:
                found.add(makers[name].name)
                waiting.append(makers[name])
    return found


def _reader(clips: Sequence[NDArray[np.float32]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.clips = iter(clips)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            clip = next(self.clips, None)
            if clip is None:
                return None
            return {"samples": clip[None], "lengths": np.array([len(clip)], np.int64)}

    return Reader()


def _load(data: bytes) -> Any:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("exporting a model", "train") from None
    return onnx.load_from_string(data)


def _plain(model: Any) -> bytes:
    """Without notes of the tools, shapes, and operator sets that no node is of."""
    model.graph.ClearField("value_info")
    model.ClearField("metadata_props")
    model.ClearField("doc_string")
    kept = [one for one in model.opset_import if one.domain in {"", "ai.onnx"}]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The tools print and log what no user can do anything with."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
