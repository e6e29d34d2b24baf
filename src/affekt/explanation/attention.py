"""The attention map: where a network with attention looks, for whatever emotion.

Zhang et al., *Attention based fully convolutional network for speech emotion recognition*, APSIPA 2018,
section 2.2. It comes out of the ONNX graph with the scores, for a recording of any length as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from affekt.explanation.maps import Floats, Map, grid_around
from affekt.explanation.silence import Samples
from affekt.geometry.attention import AttentionGrid
from affekt.recognizer import Recognizer

UNIT = "share of attention"


def attention(recognizer: Recognizer, blocks: Iterable[Samples], grid: AttentionGrid, seconds: float) -> Map:
    """The attention map of a recording in blocks [samples]; its values sum to 1."""
    values = recognizer.score(blocks, attention=True).attention
    assert values is not None
    return placed(values.astype(np.float64), grid, seconds)


def placed(values: Floats, grid: AttentionGrid, seconds: float) -> Map:
    """A map over the network's positions [rows, columns] on seconds and Hz.

    Cells reach half way to the next position; what a position sees is wider.
    """
    rows, columns = values.shape
    moments = np.array([grid.region(0, column).time for column in range(columns)])
    middles = np.array([grid.region(row, 0).frequency for row in range(rows)])
    return Map(values, grid_around(moments, middles, seconds, grid.bins * grid.bin_hz))
