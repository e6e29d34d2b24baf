"""Shared fixtures: the data folder, and audio that can fail a test."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from tests.fixtures import tiny
from tests.fixtures.browser import browser, microphone, visit

__all__ = ["browser", "data_root", "microphone", "tiny_model_folder", "visit"]

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("affekt", deadline=None)
hypothesis.settings.load_profile("affekt")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real corpora; tests that need it skip where it is absent."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    root = Path(os.environ.get("AFFEKT_DATA", default))
    if not root.is_dir():
        pytest.skip(f"no corpora at {root}: set AFFEKT_DATA")
    return root


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound model folder around a small network that truly listens; copy it before changing it."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny.write(folder)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tests come first, so that the last one does not keep a single core waiting."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
