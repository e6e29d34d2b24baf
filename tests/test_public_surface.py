"""What `import affekt` offers, and what it does not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import affekt
from affekt import errors
from tests.fixtures import tiny

HEAVY = {"torch", "pandas", "onnxruntime", "sklearn", "matplotlib", "soundfile", "soxr", "pydantic", "numpy"}
EXTRAS = {"torch", "pandas", "sklearn", "matplotlib", "safetensors", "yaml", "onnx", "pyarrow"}


def test_all_is_sorted_and_there() -> None:
    assert list(affekt.__all__) == sorted(affekt.__all__)
    for name in affekt.__all__:
        assert getattr(affekt, name) is not None
    assert set(affekt.__all__) <= set(dir(affekt))


def test_every_error_is_offered() -> None:
    tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert tree <= set(affekt.__all__)


def test_what_is_not_offered_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = affekt.nothing


@pytest.mark.parametrize("statement", ["import affekt", "import affekt.cli"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    code = f"{statement}, sys; print(*sorted(set(sys.modules) & {HEAVY!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_predicting_needs_only_the_base_install(tiny_model_folder: Path) -> None:
    code = f"""
import sys
for name in {sorted(EXTRAS)!r}:
    sys.modules[name] = None
import affekt
print([row["status"] for row in affekt.predict({str(tiny.EXAMPLES)!r}, {str(tiny_model_folder)!r})])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "['ok', 'ok', 'ok', 'ok']\n"
