"""The parts of a run made by Ray: a manifest goes in through Ray Data, actors hold the model, parts come out.

Each actor reads its files of the manifest and writes its parts itself, whole, in the run's folder, which all
machines have to share. So a run may be stopped and taken up again with Ray or without.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from affekt import files
from affekt.batch import entries
from affekt.batch.entries import Entry, Item, Row
from affekt.batch.pipeline import in_order
from affekt.batch.run import Tally, compare
from affekt.batch.store import Origin, Store
from affekt.errors import AffektError, AudioError, AudioNotFoundError, MissingExtraError
from affekt.provenance import usable_cores
from affekt.span_tables import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PART_ENTRIES = 64
"""Inputs in a part: what one actor does at a time, and what a kill costs for each of them."""

FILE_PARTS = 4
"""Parts in one file of the manifest, which Ray Data hands to one actor."""

MOST_BLOCKS = 10_000
"""Of files of the manifest: each is an object that Ray keeps until it is worked on."""

MANIFEST = "manifest"

KNOCK_SECONDS = 10.0
"""How long a cluster's address may take to answer at all."""


class Maker(Protocol):
    """What an actor makes rows with; `ahead` calls may run at once."""

    ahead: int

    def __call__(self, item: Item) -> Iterable[Row]: ...


Opener = Callable[[], AbstractContextManager[Maker]]
"""Loads what makes rows, where it is called: in every actor. Ray has to be able to pickle it."""


@dataclass(frozen=True)
class OnRay:
    """Makes the parts of a run on a Ray cluster.

    Args:
        opener: loads what makes rows.
        address: of a running cluster, such as `auto` or `ray://host:10001`; if None, the one that this
            process is connected to, or else Ray is started here.
        workers: actors, of one processor core each; as many as there are cores if None.
    """

    opener: Opener
    address: str | None = None
    workers: int | None = None

    def __call__(self, store: Store, items: Iterable[Item], origin: Origin, tally: Tally) -> None:
        """Makes every part that is missing, and those with failures that may pass once more.

        `store` has to be in a folder that every machine reaches by the same path.

        Raises:
            MissingExtraError: Ray is not installed.
            AffektError: Ray cannot be reached, or gives up.
            and as `affekt.batch.run.Here`.
        """
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("the engine ray", "ray") from error
        manifest = store.folder / MANIFEST
        count = _write_manifest(manifest, _missing(store, iter(items), tally))
        if count == 0:
            return
        with _connected(ray, self.address, self.workers):
            try:
                for told in self._run(ray, store.folder, count, origin):
                    tally.add_many(int(told["done"]), int(told["failed"]), str(told["message"]))
            except ray.exceptions.RayError as error:
                raise AffektError(f"ray: {_last_line(error)}; what is done is kept, add --resume") from error

    def _run(self, ray: Any, folder: Path, count: int, origin: Origin) -> Iterator[dict[str, Any]]:
        import ray.data

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < 1:
            raise AffektError("ray: a cluster without a processor core to score on; give it one")
        # The files are read where they are worked on: a task of Ray Data's own would start a process for it.
        manifest = ray.data.from_items(
            [_name(number) for number in range(count)], override_num_blocks=min(count, MOST_BLOCKS)
        )
        told = manifest.map_batches(
            PartMaker,
            fn_constructor_kwargs={"opener": self.opener, "folder": str(folder), "origin": origin},
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(count, cores, self.workers or cores)),
            num_cpus=1,
        )
        yield from told.iter_rows()


def _missing(store: Store, items: Iterator[Item], tally: Tally) -> Iterator[tuple[int, list[Item]]]:
    """The parts to make: first input and items; those that are there are compared and counted."""
    position = 0
    for part in store.parts():
        while position < part.first:
            block = list(islice(items, min(PART_ENTRIES, part.first - position)))
            yield position, block
            position += len(block)
        kept, block = store.read(part), list(islice(items, part.count))
        again = kept is None or bool(compare(store, kept, block))
        if again or kept is None:
            part.path.unlink()
            yield position, block
        else:
            for entry in kept:
                tally.add(entry)
        position += part.count
    while block := list(islice(items, PART_ENTRIES)):
        yield position, block
        position += len(block)


def _write_manifest(folder: Path, parts: Iterable[tuple[int, list[Item]]]) -> int:
    """Files of a few parts each, a line of JSON for each part; how many files."""
    if folder.exists():
        for old in folder.iterdir():
            old.unlink()
    folder.mkdir(exist_ok=True)
    rest, count = iter(parts), 0
    while some := list(islice(rest, FILE_PARTS)):
        lines = [json.dumps([first, [_plain(item) for item in block]]) for first, block in some]
        files.write_text(folder / _name(count), "".join(f"{line}\n" for line in lines))
        count += 1
    return count


def _read_manifest(path: Path) -> Iterator[tuple[int, list[Item]]]:
    for line in path.read_text("utf-8").splitlines():
        first, block = json.loads(line)
        yield first, [_item(**one) for one in block]


def _name(number: int) -> str:
    return f"{number:09}.jsonl"


def _plain(item: Item) -> dict[str, Any]:
    if isinstance(item, AudioError):
        return {"name": _text(item.name), "problem": item.problem, "remedy": item.remedy}
    stretch = {"start": item.start, "end": item.end} if isinstance(item, Span) else {}
    return {"name": _text(item), **stretch}


def _item(name: str, **rest: Any) -> Item:
    path = os.fsdecode(name.encode("latin-1"))
    if "problem" in rest:
        return AudioNotFoundError(path, **rest)
    return Span(path, **rest) if rest else path


def _text(name: str) -> str:
    """A name's bytes as JSON can hold them: they need not be UTF-8."""
    return os.fsencode(name).decode("latin-1")


class PartMaker:
    """An actor: holds the model, takes files of the manifest, writes parts."""

    def __init__(self, opener: Opener, folder: str, origin: Origin) -> None:
        self._stack = contextlib.ExitStack()
        self._maker = self._stack.enter_context(opener())
        self._store = Store(Path(folder))
        self._origin = origin

    def __call__(self, batch: dict[str, NDArray[np.generic]]) -> dict[str, list[Any]]:
        """A column `item` of names of files in; `done`, `failed` and `message` of each part out."""
        told: dict[str, list[Any]] = {"done": [], "failed": [], "message": []}
        files_of = (self._store.folder / MANIFEST / name for name in batch["item"].tolist())
        for first, block in chain.from_iterable(map(_read_manifest, files_of)):
            kept = list(in_order(block, self._entry, self._maker.ahead))
            self._store.write(first, kept)
            failed = [entry for entry in kept if entry.error is not None]
            told["done"].append(len(kept))
            told["failed"].append(len(failed))
            told["message"].append(failed[-1].message if failed else "")
        return told

    def _entry(self, item: Item) -> Entry:
        return entries.made(item, self._maker, self._origin.columns)


@contextlib.contextmanager
def _connected(ray: Any, address: str | None, workers: int | None) -> Iterator[None]:
    if ray.is_initialized() and address is None:
        yield
        return
    # Who uses what is the user's affair: nothing is reported to Ray's makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    settings: dict[str, Any] = {"address": address}
    if address is not None:
        _knock(address)
    else:
        # A cluster that happens to run here, or is named in the environment, is not joined by accident.
        cores = workers or usable_cores()
        settings = {"address": "local", "num_cpus": cores, "include_dashboard": False}
    try:
        ray.init(**settings, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        where = (
            "here" if address is None else f"at {address}; if it asks for a token, set RAY_AUTH_MODE=token"
        )
        raise AffektError(f"ray: cannot be started or reached {where} ({_last_line(error)})") from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Refuses at once an address at which nobody listens: Ray would try it for minutes.

    Raises:
        AffektError: nobody listens there.
    """
    where = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        host, port = where.hostname, where.port
    except ValueError as error:
        raise AffektError(f"ray: {address!r} is no address ({error}); give HOST:PORT") from error
    if host is None or port is None:
        return
    try:
        socket.create_connection((host, port), KNOCK_SECONDS).close()
    except OSError as error:
        raise AffektError(f"ray: cannot be reached at {address} ({error.strerror or error})") from error


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
