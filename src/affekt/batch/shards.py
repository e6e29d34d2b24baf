"""One run parted over machines that know nothing of each other, and put together again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from affekt import files, writers
from affekt.batch import entries
from affekt.batch.entries import Entry, Item
from affekt.batch.failures import FailureLimit
from affekt.batch.run import Engine, Scored, Tally, Watcher
from affekt.batch.store import RUN, Origin, Store
from affekt.errors import UsageError

SUFFIX = ".shards"
DONE = "done.json"


@dataclass(frozen=True)
class Shard:
    """Every `count`-th input, from the one with number `index` on, counted from 0."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """`3/8` is the fourth of eight: schedulers count from 0.

        Raises:
            UsageError: it is no shard.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        if not found or int(found[1]) >= int(found[2]):
            raise UsageError(f"shard {text}: give I/N with I from 0 to N - 1, such as 0/8 to 7/8")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.index}-of-{self.count}"


class Census:
    """Counts all inputs, and takes their digest, while those of one shard are handed on."""

    def __init__(self, items: Iterable[Item], shard: Shard) -> None:
        self.inputs = 0
        self._items, self._shard = items, shard
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[Item]:
        for number, item in enumerate(self._items):
            self.inputs += 1
            self._digest.update(hashlib.sha256(entries.name_of(item).encode()).digest())
            if number % self._shard.count == self._shard.index:
                yield item

    @property
    def digest(self) -> str:
        """Of all names in order, once they were walked."""
        return self._digest.hexdigest()


def to_shard(
    output: Path,
    items: Iterable[Item],
    engine: Engine,
    origin: Origin,
    shard: Shard,
    *,
    resume: bool = False,
    limit: FailureLimit | None = None,
    watch: Watcher | None = None,
) -> Scored:
    """Does one shard of what `to_file` does, in `OUTPUT.shards/I-of-N`; `merge` makes the table of all.

    `resume` goes on with it if it was stopped, and checks it if it was done.

    Raises:
        as `to_file`.
    """
    folder = output.with_name(output.name + SUFFIX) / shard.folder
    census = Census(items, shard)
    whole = replace(origin, shard=str(shard))
    with Store.held(folder, whole, resume=resume) as store:
        tally = Tally(limit or FailureLimit(), watch)
        engine(store, census, whole, tally)
        told = {"inputs": census.inputs, "names": census.digest, "failed": tally.failed}
        files.write_json(folder / DONE, told)
    return Scored(folder, tally.done, tally.failed)


@dataclass(frozen=True)
class _Piece:
    store: Store
    shard: Shard
    origin: dict[str, Any]
    done: dict[str, Any]


def merge(folders: Sequence[str | Path], output: Path, *, form: str) -> Scored:
    """One table of all shards of a run, to the byte the one of a run in one piece.

    Args:
        folders: of shards, or folders that hold some.
        output: the table.
        form: one of `writers.FORMATS`, or `writers.PARTITIONS`.

    Raises:
        UsageError: a shard is missing, unfinished, there twice, or not of the same run.
    """
    pieces = _pieces(folders)
    columns = pieces[0].origin["columns"]
    inputs = pieces[0].done["inputs"]
    with writers.to_file(output, columns, form) as write:
        for entry in _in_turn(pieces, inputs):
            for values in entry.rows:
                write(dict(zip(columns, values, strict=True)))
    return Scored(output, inputs, sum(piece.done["failed"] for piece in pieces))


def _pieces(folders: Sequence[str | Path]) -> list[_Piece]:
    """All shards of a run, in order, found and compared."""
    pieces: dict[int, _Piece] = {}
    for folder in _shards(folders):
        piece = _piece(folder)
        first = next(iter(pieces.values()), piece)
        differences = [
            f"{key} is {_at(piece, key)} and there {_at(first, key)}"
            for key in (*_SAME, "inputs", "names", "shards")
            if _at(piece, key) != _at(first, key)
        ]
        if differences:
            raise UsageError(
                f"{folder}: is of another run than {first.store.folder}: {'; '.join(differences)}; "
                "merge shards of one run"
            )
        if piece.shard.index in pieces:
            raise UsageError(
                f"{folder}: shard {piece.shard} is there twice, also as "
                f"{pieces[piece.shard.index].store.folder}; give one of them"
            )
        pieces[piece.shard.index] = piece
    count = next(iter(pieces.values())).shard.count
    if missing := [f"{index}/{count}" for index in range(count) if index not in pieces]:
        raise UsageError(f"{folders[0]}: {len(missing)} of {count} shards missing: {', '.join(missing[:10])}")
    return [pieces[index] for index in range(count)]


_SAME = ("model", "options", "columns", "affekt", "format")


def _at(piece: _Piece, key: str) -> Any:
    return piece.shard.count if key == "shards" else {**piece.origin, **piece.done}.get(key)


def _shards(folders: Sequence[str | Path]) -> list[Path]:
    found = []
    for given in map(Path, folders):
        inner = sorted(one.parent for one in given.glob(f"*/{RUN}"))
        if not (given / RUN).is_file() and not inner:
            raise UsageError(f"{given}: no shard and no folder of shards; give OUTPUT{SUFFIX}")
        found += [given] if (given / RUN).is_file() else inner
    if not found:
        raise UsageError("merge: no shards; give the folders that `affekt predict --shard` wrote")
    return found


def _piece(folder: Path) -> _Piece:
    origin = files.read_json(folder / RUN)
    known = set(asdict(Origin("", {}, [], "")))
    if not isinstance(origin, dict) or set(origin) != known or not isinstance(origin["shard"], str):
        raise UsageError(f"{folder}: {RUN} is not that of a shard; give folders that --shard wrote")
    if not (folder / DONE).is_file():
        raise UsageError(f"{folder}: shard {origin['shard']} is not finished; run it again with --resume")
    return _Piece(Store(folder), Shard.parse(origin["shard"]), origin, files.read_json(folder / DONE))


def _in_turn(pieces: Sequence[_Piece], inputs: int) -> Iterator[Entry]:
    """The entries of all shards in the order of the inputs; of each shard one part is held."""
    streams = [piece.store.walk() for piece in pieces]
    for number in range(inputs):
        piece = pieces[number % len(pieces)]
        entry = next(streams[number % len(pieces)], None)
        if entry is None:
            raise UsageError(f"{piece.store.folder}: entries are missing; run it again with --resume")
        yield entry
    for piece, stream in zip(pieces, streams, strict=True):
        if next(stream, None) is not None:
            raise UsageError(f"{piece.store.folder}: holds more than its inputs; run it again from the start")
