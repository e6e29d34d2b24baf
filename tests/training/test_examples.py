"""What is learnt of a table: shares of its training clips."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from affekt.training.examples import part

CLASSES = torch.tensor([0] * 40 + [1] * 20 + [2] * 3 + [0] * 7)
ROWS = np.arange(5, 65)


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.integers(0, 5))
def test_larger_shares_hold_smaller_ones_and_every_class(one: float, other: float, seed: int) -> None:
    small, large = (part(ROWS, CLASSES, share, seed) for share in sorted((one, other)))
    assert set(small) <= set(large) <= set(ROWS)
    assert set(CLASSES[small].tolist()) == {0, 1, 2}


def test_a_share_is_one_of_each_class() -> None:
    kept = part(ROWS, CLASSES, 0.4, 0)
    assert torch.bincount(CLASSES[kept]).tolist() == [15, 8, 1]
    assert not np.array_equal(kept, part(ROWS, CLASSES, 0.4, 1))
    assert np.array_equal(part(ROWS, CLASSES, 1.0, 0), ROWS)
