"""A model folder with attention, and the shipped recogniser."""

from __future__ import annotations

from typing import Any

import pytest
import safetensors.torch
import torch

from affekt import model_folder
from affekt.recognizer import MODELS, Recognizer
from tests.fixtures import tiny
from tests.models.test_networks import CLASSES, exported, small, trained


@pytest.fixture(scope="session")
def shipped() -> Recognizer:
    """The default model on one thread."""
    if not MODELS["default"].is_dir():
        pytest.skip("this copy ships no weights: no folder src/affekt/assets/default")
    return Recognizer.load(threads=1)


@pytest.fixture(scope="session")
def attentive(tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    """The smallest network with attention, which is far from even."""
    network: Any = trained("attention-fcn")
    with torch.no_grad():
        network.pooling.weigh.weight.mul_(20)
    folder = tmp_path_factory.mktemp("models") / "attentive"
    model_folder.write(
        folder,
        config=tiny.config(
            system="attention-fcn",
            labels=[*tiny.LABELS, "fear"][:CLASSES],
            embedding_size=8,
            recipe=small("attention-fcn").model_dump(mode="json"),
        ),
        onnx=exported("attention-fcn", network),
        weights=safetensors.torch.save(
            {name: value.contiguous() for name, value in network.state_dict().items()}
        ),
        card="# Attentive\n",
        golden=tiny.golden(),
    )
    return Recognizer.load(folder, threads=1)
