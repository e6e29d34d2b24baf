"""A run on one machine, from inputs to a finished table: what a kill leaves is taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from affekt import writers
from affekt.batch import entries
from affekt.batch.entries import Entry, Item, Row
from affekt.batch.failures import FailureLimit
from affekt.batch.pipeline import in_order
from affekt.batch.store import PART_ENTRIES, PART_SECONDS, SUFFIX, Origin, Part, Store
from affekt.errors import UsageError

RowsOf = Callable[[Item], Iterable[Row]]
Watcher = Callable[[int], None]


@dataclass(frozen=True)
class Scored:
    """What a run gave: its table or folder of parts, and how many inputs it had and how many failed."""

    path: Path
    inputs: int
    failed: int


def to_file(
    output: Path,
    items: Iterable[Item],
    rows_of: RowsOf,
    origin: Origin,
    *,
    form: str,
    threads: int,
    resume: bool = False,
    limit: FailureLimit | None = None,
    watch: Watcher | None = None,
) -> Scored:
    """Writes the rows of every item to a table that stands, whole, once all are done.

    Until then they are kept in parts beside it, each written as a whole: after a kill, a full disk or a loss
    of power a call with `resume` goes on from there, and the table is to the byte the one of a run that was
    let be. Failures that may pass (`entries.PASSING`) are tried again then.

    Args:
        output: the table.
        items: in an order that is the same in every call.
        rows_of: the rows of an item, dictionaries with `origin.columns`; must not raise.
        origin: what rows depend on beside the item.
        form: one of `writers.FORMATS`.
        threads: how many items are worked on at a time.
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
        tally = fill(store, items, rows_of, origin, threads=threads, limit=limit, watch=watch)
        with writers.to_file(output, origin.columns, form) as write:
            for values in store.rows():
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

    def add(self, entry: Entry, message: str) -> None:
        """Counts an input.

        Raises:
            TooManyFailuresError: too many failed.
        """
        self.done += 1
        if self.watch:
            self.watch(self.done)
        if entry.error is not None:
            self.failed += 1
            self.limit.check(self.failed, self.done, message)


def fill(
    store: Store,
    items: Iterable[Item],
    rows_of: RowsOf,
    origin: Origin,
    *,
    threads: int,
    limit: FailureLimit | None,
    watch: Watcher | None,
) -> Tally:
    """Makes every part that is missing, and the failures that may pass once more."""
    work = _Work(store, iter(items), rows_of, origin, threads, Tally(limit or FailureLimit(), watch))
    for part in store.parts():
        kept = store.read(part)
        if kept is None:
            part.path.unlink()
            continue
        work.fresh(part.first - work.tally.done)
        work.known(part, kept)
    work.fresh(None)
    return work.tally


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
                self._count(entry)
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
        names = [entries.name_of(item) for item in items]
        if names != [entry.name for entry in kept]:
            was, now = next(
                (was.name, now)
                for was, now in zip(kept, [*names, *["missing"] * len(kept)], strict=False)
                if was.name != now
            )
            raise self._refused(f"an input was {was} and is {now}")
        stamps = [entries.stamp_of(item) for item in items]
        again = [number for number, entry in enumerate(kept) if _again(entry, stamps[number])]
        for number in set(range(len(kept))) - set(again):
            if stamps[number] != kept[number].stamp:
                raise self._refused(f"{names[number]} has changed since it was scored")
        if again:
            found = in_order([items[number] for number in again], self._entry, self.threads)
            for number, entry in zip(again, found, strict=True):
                kept[number] = entry
            self.store.write(part.first, kept)
        for entry in kept:
            self._count(entry)

    def _entry(self, item: Item) -> Entry:
        stamp = entries.stamp_of(item)
        return entries.made(item, stamp, self.rows_of(item), self.origin.columns)

    def _count(self, entry: Entry) -> None:
        message = ""
        if entry.error is not None:
            column = self.origin.columns.index("message")
            message = next(str(row[column]) for row in entry.rows if row[column] is not None)
        self.tally.add(entry, message)

    def _refused(self, difference: str) -> UsageError:
        return UsageError(
            f"{self.store.folder}: cannot go on with this run: {difference}; give the inputs as they were, "
            "or remove the folder to begin anew"
        )


def _again(entry: Entry, stamp: str) -> bool:
    return entry.error in entries.PASSING or (entry.error is not None and stamp != entry.stamp)
