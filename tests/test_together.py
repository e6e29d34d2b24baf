"""Scoring threads: equal or like lengths together, the same scores, order, cancelling, and errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from affekt import Recognizer, audio
from affekt.recognizer import MODELS
from affekt.together import MOST_CLIPS, Together
from tests.fixtures import tiny

CLIPS = [audio.read(path) for path in sorted(tiny.EXAMPLES.glob("*.flac"))]


class Held:
    """A recogniser that waits to be let go, and remembers its batches."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self.go = threading.Event()
        self.began = threading.Event()
        self.batches: list[int] = []

    def logits_together(self, clips: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        self.began.set()
        assert self.go.wait(10)
        self.batches.append(len(clips))
        if any(len(one) == 1 for one in clips):
            raise RuntimeError("one sample")
        return self.recognizer.logits_together(clips)


@pytest.fixture
def held(tiny_model_folder: Path) -> Held:
    return Held(Recognizer.load(tiny_model_folder, threads=1))


@pytest.fixture
def scoring() -> Iterator[Together]:
    one = Together(1)
    yield one
    one.stop()


def queued(scoring: Together, held: Any, clips: list[NDArray[np.float32]]) -> list[Future[Any]]:
    """Futures of clips that all wait behind a first one that runs alone."""
    first = scoring.submit(held, CLIPS[0][:999])
    assert held.began.wait(10)
    return [first, *(scoring.submit(held, clip) for clip in clips)]


def test_equal_lengths_run_together_and_score_as_alone(scoring: Together, held: Held) -> None:
    lengths = [8000, 9000, 8000, 8000, 9000, 7000]
    clips = [CLIPS[at % 4][:size] for at, size in enumerate(lengths)]
    futures = queued(scoring, held, clips)
    held.go.set()
    found = np.stack([one.result(10) for one in futures[1:]])
    assert held.batches == [1, 3, 2, 1]
    np.testing.assert_allclose(found, held.recognizer.logits(clips), atol=1e-5)


def test_with_padding_like_lengths_run_together_and_score_as_alone(held: Held) -> None:
    scoring = Together(1, padding=0.25, most_clips=3)
    lengths = [8000, 9000, 10_001, 7000, 8000, 6000]
    clips = [CLIPS[at % 4][:size] for at, size in enumerate(lengths)]
    futures = queued(scoring, held, clips)
    held.go.set()
    found = np.stack([one.result(10) for one in futures[1:]])
    assert held.batches == [1, 3, 2, 1]
    np.testing.assert_allclose(found, held.recognizer.logits(clips), atol=1e-4)
    scoring.stop()


def test_a_batch_has_its_bound(scoring: Together, held: Held) -> None:
    futures = queued(
        scoring, held, [CLIPS[0][:5000]] * (MOST_CLIPS + 1) + [np.zeros(31 * 16_000, np.float32)] * 2
    )
    held.go.set()
    for one in futures:
        one.result(10)
    assert held.batches == [1, MOST_CLIPS, 1, 1, 1]


def test_streams_go_first_and_what_was_cancelled_does_not_run(scoring: Together, held: Held) -> None:
    order: list[str] = []
    futures = queued(scoring, held, [CLIPS[0][:5000], CLIPS[0][:6000]])
    urgent = scoring.submit(held, CLIPS[0][:7000], urgent=True)  # type: ignore[arg-type]
    futures[1].add_done_callback(lambda _: order.append("usual"))
    urgent.add_done_callback(lambda _: order.append("urgent"))
    assert futures[2].cancel()
    held.go.set()
    futures[1].result(10)
    assert order == ["urgent", "usual"] and held.batches == [1, 1, 1]


def test_an_error_stays_with_its_batch(scoring: Together, held: Held) -> None:
    futures = queued(scoring, held, [CLIPS[0][:1], CLIPS[0][:5000]])
    held.go.set()
    with pytest.raises(RuntimeError, match="one sample"):
        futures[1].result(10)
    assert futures[2].result(10).shape == (4,)


def test_as_many_batches_run_at_once_as_there_are_threads(held: Held, tiny_model_folder: Path) -> None:
    other = Held(Recognizer.load(tiny_model_folder, threads=1))
    scoring = Together(2)
    futures = [scoring.submit(one, CLIPS[0]) for one in (held, other, held)]  # type: ignore[arg-type]
    assert held.began.wait(10) and other.began.wait(10)
    other.go.set()
    futures[1].result(10)
    assert not futures[0].done()
    held.go.set()
    assert all(one.result(10).shape == (4,) for one in futures)
    scoring.stop()


def test_stopping_finishes_what_was_taken(held: Held) -> None:
    scoring = Together(1)
    futures = queued(scoring, held, CLIPS)
    held.go.set()
    scoring.stop()
    assert all(one.done() for one in futures)
    with pytest.raises(RuntimeError, match="stopped"):
        scoring.submit(held, CLIPS[0])  # type: ignore[arg-type]


@pytest.mark.skipif(not MODELS["default"].is_dir(), reason="this copy ships no weights")
def test_the_shipped_model_scores_alike_alone_and_together() -> None:
    recognizer = Recognizer.load(threads=1)
    clips = [clip[:31_000] for clip in CLIPS]
    np.testing.assert_allclose(recognizer.logits_together(clips), recognizer.logits(clips), atol=1e-5)
