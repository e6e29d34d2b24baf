"""The baseline's linear layer over functionals: as numpy, and as an ONNX graph."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from affekt.errors import MissingExtraError

Array = NDArray[np.float32]

_OPSET, _IR = 18, 10


@dataclass(frozen=True)
class LinearSvm:
    """Decisions (x - mean) / scale @ weights + bias; `versus` says which classes each is between.

    Attributes:
        mean, scale: of each functional [functionals].
        weights, bias: [functionals, decisions], [decisions].
        versus: [decisions, classes] 1 where a positive decision speaks for the class, -1 where against it.
        votes: whether classes are ranked by how many decisions they win, as one-vs-one machines are.
    """

    mean: Array
    scale: Array
    weights: Array
    bias: Array
    versus: Array
    votes: bool

    def logits(self, values: Array) -> Array:
        """Functionals [clips, functionals] -> a logit for each class [clips, classes].

        With votes, the number of decisions won, and of equals first the one with the larger sum of decisions
        (scikit-learn's `decision_function_shape="ovr"`).
        """
        decisions = ((values - self.mean) / self.scale) @ self.weights + self.bias
        sums = decisions @ self.versus
        if self.votes:
            won = (decisions[:, :, None] * self.versus > 0).sum(axis=1)
            sums = won + sums / (3 * (np.abs(sums) + 1))
        return np.asarray(sums, np.float32)

    def tensors(self) -> dict[str, Array]:
        """What a model folder keeps of it."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "votes"}

    def to_onnx(self) -> bytes:
        """The same as a graph: functionals [batch, functionals] -> logits, embedding (standardised).

        Raises:
            MissingExtraError: onnx is not installed.
        """
        try:
            from onnx import TensorProto, helper, numpy_helper
        except ImportError:
            raise MissingExtraError("exporting to ONNX", "train") from None
        constants = self.tensors()
        steps = [
            ("Sub", ["functionals", "mean"], "centred"),
            ("Div", ["centred", "scale"], "embedding"),
            ("MatMul", ["embedding", "weights"], "weighed"),
            ("Add", ["weighed", "bias"], "decisions"),
            ("MatMul", ["decisions", "versus"], "sums" if self.votes else "logits"),
        ]
        if self.votes:
            constants |= {
                "winners": np.maximum(self.versus, 0),
                "losers": np.maximum(-self.versus, 0),
                "one": np.ones(1, np.float32),
                "three": np.full(1, 3, np.float32),
            }
            steps += [
                ("Sign", ["decisions"], "signs"),
                ("Relu", ["signs"], "positive"),
                ("Sub", ["positive", "signs"], "negative"),
                ("MatMul", ["positive", "winners"], "won"),
                ("MatMul", ["negative", "losers"], "won_too"),
                ("Abs", ["sums"], "size"),
                ("Add", ["size", "one"], "beyond"),
                ("Mul", ["beyond", "three"], "bound"),
                ("Div", ["sums", "bound"], "tie"),
                ("Add", ["won", "won_too"], "votes"),
                ("Add", ["votes", "tie"], "logits"),
            ]
        faces = {"functionals": len(self.mean), "logits": self.versus.shape[1], "embedding": len(self.mean)}
        given, *told = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
            for name, size in faces.items()
        ]
        graph = helper.make_graph(
            [helper.make_node(kind, inputs, [output]) for kind, inputs, output in steps],
            "opensmile-svm",
            [given],
            told,
            [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
        data: bytes = model.SerializeToString(deterministic=True)
        return data
