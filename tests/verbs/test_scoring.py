"""Rows made in batches, as on an accelerator: those that clips get one by one, in their order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from affekt import Recognizer, batch
from affekt.sandbox.pool import Decoders
from affekt.verbs.over_time import OverTime
from affekt.verbs.scoring import Job, Options, Row, Scoring
from tests.fixtures import tiny


@pytest.fixture(scope="module")
def recognizer(tiny_model_folder: Path) -> Recognizer:
    return Recognizer.load(tiny_model_folder, threads=1)


def rows_of(recognizer: Recognizer, names: list[str], options: Options, *, together: bool) -> list[Row]:
    job = Job.checked(recognizer, options, 30.0)
    with Scoring(job, recognizer, Decoders(2), 2, together=together) as scoring:
        return [row for entry in batch.in_order(names, scoring, scoring.ahead) for row in entry]


WINDOWS = OverTime.asked(1.0, 0.5, segments=False, summary=False, smoothing=None, speech=False)


@pytest.mark.parametrize("windows", [None, WINDOWS], ids=["whole", "windows"])
def test_batches_of_unlike_lengths_give_the_rows_of_each_alone(
    recognizer: Recognizer, windows: OverTime | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.wav").write_text("not audio")
    clips = [str(path) for path in sorted(tiny.EXAMPLES.glob("*.flac"))]
    names = [*clips, str(tmp_path / "bad.wav"), *reversed(clips)] * 3
    options = Options(scores=True, over_time=windows)
    alone = rows_of(recognizer, names, options, together=False)
    sizes: list[int] = []
    run = recognizer.logits_together

    def watched(clips: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        # Slower than the decoders, as a large network is: the next ones gather meanwhile.
        time.sleep(0.05)
        sizes.append(len(clips))
        return run(clips)

    monkeypatch.setattr(recognizer, "logits_together", watched)
    found = rows_of(recognizer, names, options, together=True)
    assert len(sizes) > 0 and (windows is not None or max(sizes) > 1)
    for one, other in zip(found, alone, strict=True):
        assert [one["file"], one["start"], one["end"], one["status"], one["error"]] == [
            other["file"],
            other["start"],
            other["end"],
            other["status"],
            other["error"],
        ]
        scores = [key for key in other if key.startswith("score_") and other[key] is not None]
        assert [one[key] for key in scores] == pytest.approx([other[key] for key in scores], abs=1e-4)
