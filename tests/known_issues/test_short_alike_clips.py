"""Clips shorter than what is compared stopped the search for copies where they met at their very ends."""

from __future__ import annotations

import numpy as np

from affekt.corpora.near_copies import Shelf


def test_short_recordings_that_meet_at_their_ends_are_no_copies() -> None:
    """The last print of one is the first of the other: a frame further apart, nothing lies over anything."""
    random = np.random.default_rng(0)
    first = random.integers(1, 2**32, 14, dtype=np.uint32)
    second = random.integers(1, 2**32, 12, dtype=np.uint32)
    second[-1] = first[0]
    with Shelf() as shelf:
        shelf.add(first)
        shelf.add(second)
        assert shelf.matches() == []
