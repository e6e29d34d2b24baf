"""A few threads that score recordings from many sides, those of equal or like length together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from affekt.audio import SAMPLE_RATE
from affekt.recognizer import Recognizer

Samples = NDArray[np.float32]
Logits = NDArray[np.float32]

MOST_CLIPS = 16
"""In a batch."""

MOST_SAMPLES = 60 * SAMPLE_RATE
"""In a batch of several: a longer recording runs alone."""

Watch = Callable[[int, float, float], None]
"""Told of each batch: clips, seconds of the first in the queue, seconds of work."""


@dataclass
class _Job:
    recognizer: Recognizer
    samples: Samples
    future: Future[Logits] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)

    def alike(self, other: _Job, padding: float) -> bool:
        """Whether the two may run together."""
        apart = abs(len(self.samples) - len(other.samples))
        return self.recognizer is other.recognizer and apart <= padding * len(self.samples)


class Together:
    """Takes recordings from any thread and scores them on `threads` of its own, in the order of their coming.

    While batches run, others come in; those that are as long as the first in the queue, and for the same
    model, run together with it. Nobody waits for a batch to fill. `urgent` ones, of live streams, go first.
    With `padding`, a share of the first one's length, others may be so much longer or shorter: on processors
    such time is lost, where an accelerator is idle without.
    """

    def __init__(
        self, threads: int, watch: Watch | None = None, *, padding: float = 0.0, most_clips: int = MOST_CLIPS
    ) -> None:
        self._watch = watch
        self._padding = padding
        self._most_clips = most_clips
        self._urgent: deque[_Job] = deque()
        self._usual: deque[_Job] = deque()
        self._stopped = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"affekt-scoring-{number}", daemon=True)
            for number in range(threads)
        ]
        for one in self._threads:
            one.start()

    def submit(self, recognizer: Recognizer, samples: Samples, *, urgent: bool = False) -> Future[Logits]:
        """The logits [classes] to come of float32 [samples] at 16 kHz.

        Cancelling them before their turn takes them out of the queue.
        """
        job = _Job(recognizer, samples)
        with self._changed:
            if self._stopped:
                raise RuntimeError("the scoring threads have stopped")
            (self._urgent if urgent else self._usual).append(job)
            self._changed.notify()
        return job.future

    def stop(self) -> None:
        """Finishes what was taken, and ends the threads."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for one in self._threads:
            one.join()

    def _work(self) -> None:
        while batch := self._next():
            running = [job for job in batch if job.future.set_running_or_notify_cancel()]
            if running:
                self._run(running)

    def _next(self) -> list[_Job]:
        with self._changed:
            while not (self._urgent or self._usual or self._stopped):
                self._changed.wait()
            queue = self._urgent or self._usual
            if not queue:
                return []
            first = queue.popleft()
            most = min(self._most_clips, max(1, MOST_SAMPLES // max(1, len(first.samples))))
            return [first, *_taken(queue, lambda job: first.alike(job, self._padding), most - 1)]

    def _run(self, jobs: Sequence[_Job]) -> None:
        started = time.monotonic()
        try:
            found = jobs[0].recognizer.logits_together([job.samples for job in jobs])
        except BaseException as error:
            for job in jobs:
                job.future.set_exception(error)
        else:
            for job, logits in zip(jobs, found, strict=True):
                job.future.set_result(logits)
        if self._watch is not None:
            self._watch(len(jobs), started - jobs[0].since, time.monotonic() - started)


def _taken(queue: deque[_Job], wanted: Callable[[_Job], bool], most: int) -> list[_Job]:
    """Takes up to so many jobs out of a queue, the oldest first; the others keep their order."""
    found: list[_Job] = []
    others: list[_Job] = []
    while queue and len(found) < most:
        job = queue.popleft()
        (found if wanted(job) else others).append(job)
    queue.extendleft(reversed(others))
    return found


class Shared:
    """A recogniser for timelines whose scores come from threads that others use too."""

    def __init__(self, together: Together, recognizer: Recognizer, *, urgent: bool = False) -> None:
        self.config = recognizer.config
        self._together = together
        self._recognizer = recognizer
        self._urgent = urgent

    def logits(self, waveforms: list[Samples]) -> NDArray[np.float32]:
        """As `Recognizer.logits`."""
        futures = [self._together.submit(self._recognizer, one, urgent=self._urgent) for one in waveforms]
        return np.stack([one.result() for one in futures])
