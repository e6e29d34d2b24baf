"""Training a residual network of four channels ended the process on processors that have AVX2 alone.

oneDNN's strided 1x1 kernel wrote beyond its memory on the way back. It runs in a process of its own, as the
harm shows at some later allocation.
"""

from __future__ import annotations

import os
import subprocess
import sys

STEPS = """
import torch
from affekt.models.resnet_stats import BasicBlock
block = BasicBlock(4, 8, 2).to(memory_format=torch.channels_last)
for _ in range(40):
    features = torch.randn(5, 4, 8, 76).contiguous(memory_format=torch.channels_last).requires_grad_()
    block(features, torch.ones(5, 1, 1, 76))[0].sum().backward()
print("whole")
"""


def test_thin_strided_blocks_train_without_harm_to_memory() -> None:
    checked = os.environ | {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"}
    ended = subprocess.run(
        [sys.executable, "-c", STEPS], capture_output=True, text=True, env=checked, timeout=120, check=False
    )
    assert ended.stdout.strip() == "whole", ended.stderr[-500:]
