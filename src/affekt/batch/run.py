"""A run on one machine, from inputs to a finished table: what a kill leaves is taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, TypedDict

from affekt import files, writers
from affekt.batch import entries
from affekt.batch.entries import Entry, Item, Row
from affekt.batch.failures import FailureLimit
from affekt.batch.pipeline import in_order
from affekt.batch.store import PART_ENTRIES, PART_SECONDS, SUFFIX, Origin, Part, Store
from affekt.errors import UsageError

RowsOf = Callable[[Item], Iterable[Row]]
Watcher = Callable[[int], None]


class Settings(TypedDict, total=False):
    """What may be said of any run beside what it does."""

    resume: bool
    limit: FailureLimit | None
    watch: Watcher | None


@dataclass(frozen=True)
class Scored:
    """What a run gave: its table or folder of parts, and how many inputs it had and how many failed."""

    path: Path
    inputs: int
    failed: int


def to_file(
    output: Path,
    items: Iterable[Item],
    engine: Engine,
    origin: Origin,
    *,
    form: str,
    resume: bool = False,
    limit: FailureLimit | None = None,
    watch: Watcher | None = None,
) -> Scored:
    """Writes the rows of every item to a table that stands, whole, once all are done.

    Until then they are kept in parts beside it, each written as a whole: after a kill, a full disk or a loss
    of power a call with `resume` goes on from there, and the table is to the byte the one of a run that was
    let be. Failures that may pass (`entries.PASSING`) are tried again then.

    Args:
        output: the table, of files or of a folder.
        items: in an order that is the same in every call.
        engine: makes the parts: `Here`, or `affekt.batch.on_ray.OnRay`.
        origin: what rows depend on beside the item.
        form: one of `writers.FORMATS`, or `writers.PARTITIONS`.
        resume: goes on with a run that was not finished.
        limit: how many items may fail.
        watch: called with the number of inputs done.

    Raises:
        UsageError: an unfinished run is there and `resume` is not asked for, or it is another one, or an
            input is not what it was.
        LockedError: another process writes this table.
        TooManyFailuresError: more failed than `limit` allows; what is done is kept.
        WriteError: the disk refuses; what is done is kept.
    """
    folder = output.with_name(output.name + SUFFIX)
    with Store.held(folder, origin, resume=resume) as store:
        files.sweep_beside(output)
        tally = Tally(limit or FailureLimit(), watch)
        engine(store, items, origin, tally)
        with writers.to_file(output, origin.columns, form) as write:
            for entry in store.walk():
                for values in entry.rows:
                    write(dict(zip(origin.columns, values, strict=True)))
        store.remove()
    return Scored(output, tally.done, tally.failed)


@dataclass
class Tally:
    """What is done so far."""

    limit: FailureLimit
    watch: Watcher | None
    done: int = 0
    failed: int = 0

    def add(self, entry: Entry) -> None:
        """Counts an input.

        Raises:
            TooManyFailuresError: too many failed.
        """
        self.add_many(1, int(entry.error is not None), entry.message)

    def add_many(self, done: int, failed: int, message: str) -> None:
        """Counts inputs, and of these the failed ones, the last with this message.

        Raises:
            TooManyFailuresError: too many failed.
        """
        self.done += done
        self.failed += failed
        if self.watch:
            self.watch(self.done)
        if failed:
            self.limit.check(self.failed, self.done, message)


class Engine(Protocol):
    """Makes the parts of a run that are missing, and counts all inputs."""

    def __call__(self, store: Store, items: Iterable[Item], origin: Origin, tally: Tally) -> None: ...


@dataclass(frozen=True)
class Here:
    """Makes the parts of a run in threads of this process.

    Args:
        rows_of: the rows of an item, dictionaries with the origin's columns; must not raise.
        threads: how many items are worked on at a time.
    """

    rows_of: RowsOf
    threads: int

    def __call__(self, store: Store, items: Iterable[Item], origin: Origin, tally: Tally) -> None:
        """Makes every part that is missing, and the failures that may pass once more.

        Raises:
            UsageError: an input is not what it was.
            TooManyFailuresError: too many failed.
            WriteError: the disk refuses.
        """
        work = _Work(store, iter(items), self.rows_of, origin, self.threads, tally)
        for part in store.parts():
            kept = store.read(part)
            if kept is None:
                part.path.unlink()
                continue
            work.fresh(part.first - tally.done)
            work.known(part, kept)
        work.fresh(None)


@dataclass
class _Work:
    store: Store
    items: Iterator[Item]
    rows_of: RowsOf
    origin: Origin
    threads: int
    tally: Tally

    def fresh(self, count: int | None) -> None:
        """Works on the next `count` inputs, or all that are left, and writes them in parts."""
        first, block, began = self.tally.done, list[Entry](), time.monotonic()
        found = in_order(islice(self.items, count), self._entry, self.threads)
        try:
            for entry in found:
                block.append(entry)
                self.tally.add(entry)
                if len(block) == PART_ENTRIES or time.monotonic() - began > PART_SECONDS:
                    self.store.write(first, block)
                    first, block, began = first + len(block), [], time.monotonic()
        finally:
            if block:
                self.store.write(first, block)
            found.close()

    def known(self, part: Part, kept: list[Entry]) -> None:
        """Compares a part with the inputs, and tries again what may go well now."""
        items = list(islice(self.items, part.count))
        if again := compare(self.store, kept, items):
            found = in_order([items[number] for number in again], self._entry, self.threads)
            for number, entry in zip(again, found, strict=True):
                kept[number] = entry
            self.store.write(part.first, kept)
        for entry in kept:
            self.tally.add(entry)

    def _entry(self, item: Item) -> Entry:
        return entries.made(item, self.rows_of, self.origin.columns)


def compare(store: Store, kept: Sequence[Entry], items: Sequence[Item]) -> list[int]:
    """The places of the entries that are worth another try: failures that may pass, or of changed files.

    Raises:
        UsageError: the entries are not of these inputs, or a file has changed since it was scored.
    """
    names = [entries.name_of(item) for item in items]
    again = []
    for number, entry in enumerate(kept):
        name = names[number] if number < len(names) else "missing"
        if name != entry.name:
            raise _refused(store, f"an input was {entry.name} and is {name}")
        changed = entries.stamp_of(items[number]) != entry.stamp
        if entry.error in entries.PASSING or (entry.error is not None and changed):
            again.append(number)
        elif changed:
            raise _refused(store, f"{name} has changed since it was scored")
    return again


def _refused(store: Store, difference: str) -> UsageError:
    return UsageError(
        f"{store.folder}: cannot go on with this run: {difference}; give the inputs as they were, "
        "or remove the folder to begin anew"
    )
