"""Several networks as one ONNX graph: samples go to all of them, and their logits are weighed and added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affekt.errors import MissingExtraError, ModelFolderError

SHARED = ("samples", "lengths")


@dataclass(frozen=True)
class Member:
    """A network's graph; which of its classes are taken, in which order; what their logits are times."""

    name: str
    onnx: bytes
    classes: tuple[int, ...]
    factor: float


def merge(members: Sequence[Member]) -> bytes:
    """One graph with the outputs `logits` [batch, classes] and `embedding`, the members' one behind another.

    Raises:
        MissingExtraError: onnx is not installed.
        ModelFolderError: the graphs are of different operator sets.
    """
    try:
        import onnx
        from onnx import TensorProto, compose, helper, numpy_helper
    except ImportError:
        raise MissingExtraError("fusing models", "train") from None
    nodes: list[Any] = []
    constants: list[Any] = []
    opsets: dict[str, int] = {}
    version, size = 0, 0
    for at, member in enumerate(members):
        model = onnx.load_from_string(member.onnx)
        opsets[member.name] = next(one.version for one in model.opset_import if one.domain in {"", "ai.onnx"})
        version = max(version, model.ir_version)
        size += next(
            one.type.tensor_type.shape.dim[1].dim_value
            for one in model.graph.output
            if one.name == "embedding"
        )
        own = compose.add_prefix(model, f"m{at}/", rename_inputs=False).graph
        nodes += own.node
        constants += own.initializer
        constants.append(numpy_helper.from_array(np.array(member.classes, np.int64), f"classes{at}"))
        constants.append(numpy_helper.from_array(np.array(member.factor, np.float32), f"factor{at}"))
        nodes.append(helper.make_node("Gather", [f"m{at}/logits", f"classes{at}"], [f"taken{at}"], axis=1))
        nodes.append(helper.make_node("Mul", [f"taken{at}", f"factor{at}"], [f"weighed{at}"]))
    if len(set(opsets.values())) > 1:
        told = ", ".join(f"{name} {opset}" for name, opset in opsets.items())
        raise ModelFolderError(f"model.onnx: of different operator sets ({told}); export them anew")
    every = range(len(members))
    nodes.append(helper.make_node("Sum", [f"weighed{at}" for at in every], ["logits"]))
    nodes.append(helper.make_node("Concat", [f"m{at}/embedding" for at in every], ["embedding"], axis=1))
    given = [("samples", TensorProto.FLOAT, ["batch", "samples"]), ("lengths", TensorProto.INT64, ["batch"])]
    told_by = [("logits", len(members[0].classes)), ("embedding", size)]
    graph = helper.make_graph(
        nodes,
        "fusion",
        [helper.make_tensor_value_info(*face) for face in given],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", wide]) for name, wide in told_by],
        constants,
    )
    opset = helper.make_opsetid("", next(iter(opsets.values())))
    made = helper.make_model(graph, opset_imports=[opset], ir_version=version)
    data: bytes = made.SerializeToString(deterministic=True)
    return data
