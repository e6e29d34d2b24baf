"""Reads the skeleton of an ONNX file, before ONNX Runtime does, and refuses all that is not plain arithmetic.

A graph can name other files (external data), carry control flow that never ends, functions and operators of
foreign libraries. None is needed here. What is not known is refused, so that a new field of the format cannot
bring one of them back. Field numbers are those of onnx.proto3 (github.com/onnx/onnx).
"""

from __future__ import annotations

from collections.abc import Iterator

OPERATORS = frozenset(
    """
    Abs Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization Cast CastLike Ceil Clip Concat
    Constant ConstantOfShape Conv ConvInteger Cos CumSum DFT DepthToSpace DequantizeLinear Div Dropout
    DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND
    Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HammingWindow
    HannWindow HardSigmoid HardSwish Identity InstanceNormalization IsInf IsNaN LRN LayerNormalization
    LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul MatMulInteger Max MaxPool Mean Min
    Mish Mod Mul Neg Not Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization Range
    Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare Relu Reshape Resize Round STFT ScatterElements ScatterND Selu Shape Sigmoid
    Sign Sin Size Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Swish Tan Tanh Tile TopK
    Transpose Trilu Unsqueeze Where Xor
    """.split()  # noqa: SIM905
)
"""The operators a model may use: deterministic arithmetic on tensors, no control flow, no strings."""

_MODEL = {1, 2, 3, 4, 5, 6, 7, 8, 14}
_GRAPH = {1, 2, 5, 10, 11, 12, 13, 14, 16}
_NODE = {1, 2, 3, 4, 5, 6, 7, 8, 9}
_ATTRIBUTE = {1, 2, 3, 4, 5, 7, 8, 9, 13, 20}
_TENSOR = {1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 14, 16}


def check(data: bytes) -> None:
    """Refuses an ONNX file that is more than arithmetic on the tensors within it.

    Raises:
        ValueError: it is not such a file.
    """
    view = memoryview(data)
    graphs = 0
    for field, value in _fields(view, _MODEL, "model"):
        if field == 7:
            graphs += 1
            _check_graph(_message(value))
        elif field == 8:
            _check_opset(_message(value))
    if graphs != 1:
        raise ValueError("holds no graph, or several")


def _check_opset(view: memoryview) -> None:
    for field, value in _fields(view, {1, 2}, "operator set"):
        if field == 1 and bytes(_message(value)) not in (b"", b"ai.onnx"):
            raise ValueError(f"uses operators of {bytes(_message(value))!a:.60}")


def _check_graph(view: memoryview) -> None:
    for field, value in _fields(view, _GRAPH, "graph"):
        if field == 1:
            _check_node(_message(value))
        elif field == 5:
            _check_tensor(_message(value))


def _check_node(view: memoryview) -> None:
    for field, value in _fields(view, _NODE, "node"):
        if field == 4:
            name = bytes(_message(value)).decode("ascii", "replace")
            if name not in OPERATORS:
                raise ValueError(f"operator {name!a:.60} is not one that a model may use")
        elif field in (7, 8) and bytes(_message(value)) not in (b"", b"ai.onnx"):
            raise ValueError(f"uses operators of {bytes(_message(value))!a:.60}")
        elif field == 5:
            for inner, tensor in _fields(_message(value), _ATTRIBUTE, "attribute"):
                if inner == 5:
                    _check_tensor(_message(tensor))


def _check_tensor(view: memoryview) -> None:
    elements = 1
    for field, value in _fields(view, _TENSOR, "tensor"):
        if field == 14 and value != 0:
            raise ValueError("a tensor is kept in another file")
        if field == 1:
            elements *= _product(value)
    if elements > 2 * len(view):
        raise ValueError("a tensor is larger than its data")


def _product(value: int | memoryview) -> int:
    """The product of dimensions, which stand one by one or packed."""
    if isinstance(value, int):
        return value
    product, position = 1, 0
    while position < len(value):
        size, position = _varint(value, position)
        product *= size
    return product


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("not an ONNX file")
    return value


def _fields(view: memoryview, known: set[int], what: str) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one protobuf message: (number, value); nested messages and texts as views."""
    position, end = 0, len(view)
    while position < end:
        tag, position = _varint(view, position)
        number, wire = tag >> 3, tag & 7
        if number not in known:
            raise ValueError(f"a {what} holds field {number}, which a model may not use")
        value: int | memoryview
        if wire == 0:
            value, position = _varint(view, position)
        elif wire in (1, 2, 5):
            size, position = _varint(view, position) if wire == 2 else ({1: 8, 5: 4}[wire], position)
            if size > end - position:
                raise ValueError("truncated, or not an ONNX file")
            value = view[position : position + size]
            position += size
        else:
            raise ValueError("not an ONNX file")
        yield number, value


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            raise ValueError("truncated, or not an ONNX file")
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("not an ONNX file")
