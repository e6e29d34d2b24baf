"""Every file of a table is heard once, by a decoder that may die of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from affekt import audio
from affekt.doctor import hearing
from affekt.sandbox.pool import Decoders
from affekt.sandbox.stream import DecodedStream

RATE = 16_000


class Fragile(Decoders):
    """Decoders that one of the files kills."""

    def stream(self, source: audio.Source, **wanted: Any) -> audio.Blocks:
        heard = super().stream(source, **wanted)
        if Path(str(source)).stem == "fatal":
            assert isinstance(heard, DecodedStream) and heard._process is not None
            os.kill(heard._process.pid, signal.SIGSEGV)
        return heard


def test_a_file_that_crashes_its_decoder_is_missed_and_the_others_are_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "Decoders", Fragile)
    tone = 0.3 * np.sin(np.arange(60 * RATE) / 20)
    paths = [tmp_path / f"{name}.wav" for name in ("first", "fatal", "last")]
    for path in paths:
        soundfile.write(path, tone, RATE)
    table = pd.DataFrame({"path": list(map(str, paths)), "start": np.nan, "end": np.nan})
    steps: list[tuple[int, int]] = []
    found = list(hearing.listen(table, range(3), lambda *step: steps.append(step)))
    assert [one.row for one in found] == [0, 1, 2] and steps == [(1, 3), (2, 3), (3, 3)]
    missed = found[1]
    assert isinstance(missed, hearing.Missed) and "its decoder crashed (SIGSEGV" in str(missed.error)
    for one in (found[0], found[2]):
        assert isinstance(one, hearing.Caught) and one.heard.measures.seconds == 60
