"""The benchmark of killed runs, small: what it counts must be nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import training_kills


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_runs_end_as_if_they_had_been_let_be(tmp_path: Path) -> None:
    figures, details = training_kills.measure(tmp_path, kills=2, seed=1)
    assert figures["training.kills"] == 2, details
    assert figures["training.kills.in_save"] >= 1
    assert figures["training.kills.unreadable"] == figures["training.leftover_files"] == 0
    assert figures["training.resumed"] == figures["training.resumed_bitwise"] == 2
    for name in ("second_run.refused", "full_disk.one_line", "full_disk.older_checkpoint_loads"):
        assert figures[f"training.{name}"] == 1, details
    assert figures["training.full_disk.resumed_bitwise"] == 1
