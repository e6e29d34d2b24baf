"""A network as one ONNX graph, front end included: samples and lengths in, logits, embedding and maps out."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
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


def to_onnx(network: nn.Module) -> bytes:
    """The graph's bytes: samples [batch, samples], lengths [batch] -> logits, embedding; any length.

    Where the network has `maps`, names of what it says of each position, these are outputs too.

    Raises:
        MissingExtraError: onnxscript is not installed.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise MissingExtraError("exporting to ONNX", "train") from None
    was_training = network.training
    wrapped = _Outputs(network)
    wrapped.eval()
    example = torch.randn(2, 16_000), torch.tensor([16_000, 12_345])
    try:
        with _quiet(), warnings.catch_warnings():
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
                optimize=True,
                verbose=False,
            )
    finally:
        network.train(was_training)
    return _anonymous(cast(Any, program).model_proto)


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
