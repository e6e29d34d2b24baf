"""A network as one ONNX graph, front end included: samples and lengths in, logits, embedding and maps out."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from affekt.errors import MissingExtraError

OPSET = 18


class _Outputs(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.names: tuple[str, ...] = ("logits", "embedding", *getattr(network, "maps", ()))

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        output = self.network(samples, lengths)
        return tuple(output[name] for name in self.names)


_KEPT = 16
"""Traced shapes, without weights about a tenth of a megabyte each."""

_traced: dict[tuple[object, ...], Any] = {}


def to_onnx(network: nn.Module, shape: str | None = None) -> bytes:
    """The graph's bytes: samples [batch, samples], lengths [batch] -> logits, embedding; any length.

    Where the network has `maps`, names of what it says of each position, these are outputs too.

    Args:
        shape: all settings that the network was built by. Tracing takes many seconds and sees no weights: a
            second network of the same shape takes the trace of the first.

    Raises:
        MissingExtraError: onnxscript is not installed.
    """
    try:
        from onnxscript import ir, optimizer
    except ImportError:
        raise MissingExtraError("exporting to ONNX", "train") from None
    weights = {f"network.{name}": value for name, value in network.state_dict().items()}
    key = (repr(network), shape, *((name, value.shape) for name, value in weights.items()))
    with _quiet():
        model = _traced.get(key)
        if model is None:
            model = _trace(network)
            if shape is not None:
                _keep(key, model, weights)
        whole = optimizer.optimize(ir.from_proto(_filled(model, weights)))
    return _anonymous(ir.to_proto(whole))


def _keep(key: tuple[object, ...], model: Any, weights: Mapping[str, Tensor]) -> None:
    """Without the weights, and the oldest makes room."""
    while len(_traced) >= _KEPT:
        del _traced[next(iter(_traced))]
    _traced[key] = _filled(model, {name: value[:0] for name, value in weights.items() if value.ndim})


def _trace(network: nn.Module) -> Any:
    """The graph as it is traced: weights have their names in the network, with `network.` before them."""
    was_training = network.training
    wrapped = _Outputs(network)
    wrapped.eval()
    example = torch.randn(2, 16_000), torch.tensor([16_000, 12_345])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                wrapped,
                example,
                input_names=["samples", "lengths"],
                output_names=list(wrapped.names),
                # Names alone: with bounds PyTorch traces twice, the first time to find that they are others.
                dynamic_shapes=({0: "batch", 1: "samples"}, {0: "batch"}),
                opset_version=OPSET,
                dynamo=True,
                # Folds weights into one another: only once they are those that are wanted.
                optimize=False,
                verbose=False,
            )
    finally:
        network.train(was_training)
    return cast(Any, program).model_proto


def _filled(model: Any, weights: Mapping[str, Tensor]) -> Any:
    """A copy of the graph with these weights, by their names."""
    from onnx import numpy_helper

    filled = type(model)()
    filled.CopyFrom(model)
    for one in filled.graph.initializer:
        if one.name in weights:
            one.CopyFrom(numpy_helper.from_array(weights[one.name].detach().numpy(), one.name))
    return filled


def _anonymous(model: Any) -> bytes:
    """The graph without the exporter's notes on each node: they hold the paths of the machine it ran on."""
    graph = model.graph
    for noted in (
        model,
        graph,
        *graph.node,
        *graph.value_info,
        *graph.input,
        *graph.output,
        *graph.initializer,
    ):
        noted.ClearField("doc_string")
        if hasattr(noted, "metadata_props"):
            noted.ClearField("metadata_props")
    data: bytes = model.SerializeToString(deterministic=True)
    return data


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter logs, once a process, that torchvision is missing; no user can do anything with that."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "torch.onnx", "torch.onnx._internal")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
