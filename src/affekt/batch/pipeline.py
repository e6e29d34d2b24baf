"""Work on many inputs in threads, the results in the order of the inputs, and never many at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

AHEAD = 4
"""Inputs under way for each thread: a slow one holds the others up only when this many wait behind it."""


def in_order(items: Iterable[In], work: Callable[[In], Out], threads: int) -> Generator[Out]:
    """`work` of each item, in order, as soon as it and all before it are done.

    Items are taken as they are needed, so that there may be any number of them.
    """
    pending: deque[Future[Out]] = deque()
    executor = ThreadPoolExecutor(threads, thread_name_prefix="affekt-batch")
    try:
        for item in items:
            pending.append(executor.submit(work, item))
            while pending and (len(pending) > AHEAD * threads or pending[0].done()):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)
