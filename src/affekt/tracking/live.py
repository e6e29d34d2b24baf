"""A run told while it is under way, beside it: whatever befalls a tracker, the run does not notice."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Thread

from affekt.errors import UsageError
from affekt.provenance import RECORD
from affekt.run_folder import FOLDS, JOURNAL, RECIPE, open_run
from affekt.tracking.contents import Status, contents
from affekt.tracking.sending import Tracker, send

INTERVAL_S = 2.0
"""How often the run's folder is looked at."""
RETRY_S = 30.0
"""How long a tracker that failed is left alone, unless there is news."""
GRACE_S = 20.0
"""How long the end of a run waits for its trackers."""


@contextlib.contextmanager
def tracked(
    folder: Path, trackers: Sequence[Tracker], say: Callable[[str], None], *, interval: float = INTERVAL_S
) -> Iterator[None]:
    """Tells the trackers of the run in `folder` until the block ends, from a thread of its own.

    A tracker that cannot be reached is one line of warning; it is tried again, and what it has missed is said
    at the end.
    """
    if not trackers:
        yield
        return
    live = _Live(folder, trackers, say, interval)
    live.start()
    status: Status = "stopped"
    try:
        yield
        status = "finished"
    finally:
        live.end(status)


class _Live(Thread):
    def __init__(
        self, folder: Path, trackers: Sequence[Tracker], say: Callable[[str], None], interval: float
    ) -> None:
        super().__init__(name="tracking", daemon=True)
        self._folder, self._trackers, self._say, self._interval = folder, trackers, say, interval
        self._over = Event()
        self._status: Status = "running"
        self._behind: set[str] = set()
        self._warned: set[str] = set()
        self._again = 0.0

    def run(self) -> None:
        seen: object = None
        while not self._over.wait(self._interval):
            now = self._look()
            if now and (now != seen or (self._behind and time.monotonic() > self._again)):
                seen = now
                self._tell("running")
        self._tell(self._status)

    def end(self, status: Status) -> None:
        """Tells the end, and what is left to be sent."""
        self._status = status
        self._over.set()
        self.join(GRACE_S)
        late = {one.target for one in self._trackers} if self.is_alive() else self._behind
        for target in sorted(late):
            self._say(
                f"not all was sent to {target}; affekt runs {self._folder} --track {target} sends the rest"
            )
        for remark in dict.fromkeys(one for tracker in self._trackers for one in tracker.remarks):
            self._say(remark)

    def _look(self) -> object:
        """What changes when there is something to tell; nothing before the run has begun."""
        places = [self._folder / JOURNAL, *sorted(self._folder.glob(f"{FOLDS}/*/{JOURNAL}"))]
        begun = (self._folder / RECIPE).is_file() and (self._folder / RECORD).is_file()
        return [(str(one), one.stat().st_mtime_ns) for one in places if one.is_file()] if begun else None

    def _tell(self, status: Status) -> None:
        try:
            run = contents(open_run(self._folder), self._folder.resolve().name, status)
        except UsageError:
            # A run that was refused before it began left nothing to tell.
            return
        for tracker in self._trackers:
            try:
                send(run, self._folder, tracker)
                self._behind.discard(tracker.target)
            except Exception as error:
                # Whatever it is: training is worth more than what is told of it.
                self._behind.add(tracker.target)
                self._again = time.monotonic() + RETRY_S
                if tracker.target not in self._warned:
                    self._warned.add(tracker.target)
                    self._say(
                        f"warning: {' '.join(str(error).split()) or type(error).__name__}; the run goes on"
                    )
