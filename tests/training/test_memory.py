"""Freed tensors leave their memory to the next ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

HELD_MIB = """
import sys, torch
from affekt.training.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
resident = lambda: int(open("/proc/self/statm").read().split()[1]) // 256
before = resident()
tensors = [torch.ones(2**24) for _ in range(3)]
assert resident() - before > 180
del tensors
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's alone")
@pytest.mark.parametrize(("way", "least", "most"), [("given_back", -50, 20), ("kept", 150, 250)])
def test_memory_of_freed_tensors_stays_with_the_process(way: str, least: int, most: int) -> None:
    held = subprocess.run([sys.executable, "-c", HELD_MIB, way], capture_output=True, check=True).stdout
    assert least <= int(held) <= most
