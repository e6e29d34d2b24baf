"""A table comes out whole, once, the same to the byte however often its run was stopped."""

from __future__ import annotations

import errno
import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from affekt import batch, files, parquet_files, writers
from affekt.batch import FailureLimit, Here, Item, Origin, TooManyFailuresError, entries, run, store
from affekt.errors import AudioNotFoundError, LockedError, UsageError

COLUMNS = ["file", "start", "emotion", "confidence", "error", "message"]
ORIGIN = Origin("0" * 64, {"scores": False}, COLUMNS, "1.0")


class Stop(BaseException):
    """What a signal does to a run."""


def rows_of(item: Item) -> list[dict[str, Any]]:
    """Two windows of a name, or its failure, from the name alone."""
    name = entries.name_of(item)
    if isinstance(item, AudioNotFoundError) or "bad" in name:
        code = "corrupt" if "bad" in name else "not_found"
        return [dict.fromkeys(COLUMNS) | {"file": name, "error": code, "message": f"{name}: {code}"}]
    half = hash_of(name)
    return [
        dict.fromkeys(COLUMNS) | {"file": name, "start": start, "emotion": "joy", "confidence": half}
        for start in (0.0, 1.5)
    ]


def hash_of(name: str) -> float:
    return random.Random(name).random()


def names(count: int) -> list[Item]:
    return [f"bad{number}" if number % 7 == 3 else f'clip "{number}", é' for number in range(count)]


def write(output: Path, items: list[Item], work: Callable[..., Any] = rows_of, **settings: Any) -> bytes:
    form = output.suffix[1:]
    done = batch.to_file(output, iter(items), Here(work, 4), ORIGIN, form=form, **settings)
    assert done.inputs == len(items)
    return output.read_bytes()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PART_ENTRIES", 8)


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_stopped_at_any_time_the_table_is_the_same(tmp_path: Path, form: str) -> None:
    items = names(60)
    expected = write(tmp_path / f"whole.{form}", items)
    output = tmp_path / f"stopped.{form}"
    draw = random.Random(form)
    for _ in range(6):
        left = itertools.count(draw.randrange(1, 9), -1)

        def stops(item: Item, left: Iterator[int] = left) -> list[dict[str, Any]]:
            if next(left) == 0:
                raise Stop
            return rows_of(item)

        with pytest.raises(Stop):
            write(output, items, stops, resume=True)
        assert not output.exists()
    assert write(output, items, resume=True) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"stopped.{form}", f"whole.{form}"]


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    items, seen = names(60), []

    def counts(item: Item) -> list[dict[str, Any]]:
        seen.append(item)
        if len(seen) == 40:
            raise Stop
        return rows_of(item)

    with pytest.raises(Stop):
        write(tmp_path / "a.csv", items, counts)
    kept = sum(part.count for part in store.Store(tmp_path / "a.csv.parts").parts())
    assert kept >= 40 - 5 * 4
    seen.clear()
    seen.extend(["done"] * 100)
    write(tmp_path / "a.csv", items, counts, resume=True)
    assert seen[100:] == items[kept:] or sorted(map(str, seen[100:])) == sorted(map(str, items[kept:]))


def test_a_torn_part_is_made_again(tmp_path: Path) -> None:
    items = names(60)
    expected = write(tmp_path / "whole.csv", items)
    folder = interrupted(tmp_path / "a.csv", items)
    parts = store.Store(folder).parts()
    parts[0].path.write_bytes(parts[0].path.read_bytes()[:-100])
    parts[2].path.write_bytes(parts[2].path.read_bytes().replace(b"joy", b"fun", 1))
    assert write(tmp_path / "a.csv", items, resume=True) == expected


def interrupted(output: Path, items: list[Item], origin: Origin = ORIGIN) -> Path:
    """The folder of a run that was stopped after about 40 inputs."""
    left = itertools.count(40, -1)

    def stops(item: Item) -> list[dict[str, Any]]:
        if next(left) == 0:
            raise Stop
        return rows_of(item)

    with pytest.raises(Stop):
        batch.to_file(output, items, Here(stops, 2), origin, form="csv")
    return output.with_name(output.name + store.SUFFIX)


def test_an_unfinished_run_is_not_lost_by_accident(tmp_path: Path) -> None:
    interrupted(tmp_path / "a.csv", names(60))
    with pytest.raises(UsageError, match=r"unfinished run, \d+ inputs done; add --resume"):
        write(tmp_path / "a.csv", names(60))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "1" * 64}, f"model was {'1' * 57}... and is {'0' * 57}..."),
        ({"options": {"scores": True}}, "scores was True and is False"),
        ({"columns": COLUMNS[::-1]}, "columns was message, error, confidence"),
        ({"affekt": "2.0", "shard": "0/3"}, "affekt was 2.0 and is 1.0; shard was 0/3 and is None"),
    ],
)
def test_another_run_is_refused_by_what_differs(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    interrupted(tmp_path / "a.csv", names(60), replace(ORIGIN, **change))
    with pytest.raises(UsageError) as refusal:
        write(tmp_path / "a.csv", names(60), resume=True)
    assert f"cannot go on with this run: {told}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_other_inputs_are_refused(tmp_path: Path) -> None:
    interrupted(tmp_path / "a.csv", names(60))
    with pytest.raises(UsageError, match='an input was clip "5", é and is other'):
        write(tmp_path / "a.csv", [*names(60)[:5], "other", *names(60)[6:]], resume=True)
    with pytest.raises(UsageError, match="and is missing"):
        write(tmp_path / "a.csv", names(4), resume=True)


def test_a_file_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"one")
    interrupted(tmp_path / "a.csv", [str(clip), *names(60)])
    clip.write_bytes(b"other")
    with pytest.raises(UsageError, match=r"clip.wav has changed since it was scored"):
        write(tmp_path / "a.csv", [str(clip), *names(60)], resume=True)


def test_what_was_unplugged_is_tried_again(tmp_path: Path) -> None:
    items: list[Item] = [str(tmp_path / f"{number}.wav") for number in range(30)]

    def hears(item: Item) -> list[dict[str, Any]]:
        there = Path(str(item)).exists()
        return rows_of(item if there else AudioNotFoundError(str(item), "gone", "plug it in"))

    with pytest.raises(
        TooManyFailuresError, match=r'stopped: 11 of 11 .* where 10 may, the last with ".*10.wav'
    ):
        write(tmp_path / "a.csv", items, hears, limit=FailureLimit.parse(10))
    for item in items:
        Path(str(item)).touch()
    expected = write(tmp_path / "whole.csv", items, hears)
    assert write(tmp_path / "a.csv", items, hears, resume=True, limit=FailureLimit.parse(10)) == expected
    assert b"not_found" not in expected


def test_failures_of_before_count_again(tmp_path: Path) -> None:
    items: list[Item] = [f"bad{number}" for number in range(30)]
    for resume in (False, True):
        with pytest.raises(TooManyFailuresError, match="11 of 11"):
            write(tmp_path / "a.csv", items, resume=resume, limit=FailureLimit.parse(10))
    write(tmp_path / "a.csv", items, resume=True, limit=FailureLimit.parse(30))


def test_limits_are_numbers_or_shares() -> None:
    FailureLimit.parse("5%").check(5, 100, "")
    FailureLimit.parse("5%").check(50, 99, "")
    with pytest.raises(TooManyFailuresError, match="6 of 100 recordings failed where 5% may"):
        FailureLimit.parse("5%").check(6, 100, "")
    with pytest.raises(TooManyFailuresError):
        FailureLimit.parse("0").check(1, 1, "")
    FailureLimit.parse(None).check(10**6, 10**6, "")
    for wrong in ("-1", "101%", "5 %", "many", ""):
        with pytest.raises(UsageError, match="max failures"):
            FailureLimit.parse(wrong)


def test_a_full_disk_costs_nothing_that_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = names(60)
    expected = write(tmp_path / "whole.csv", items)
    replaces, real = itertools.count(), os.replace

    def full(source: Any, target: Any) -> None:
        if next(replaces) >= 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(files.WriteError, match="no space left on the disk, free some and run again") as error:
        write(tmp_path / "a.csv", items)
    assert "\n" not in str(error.value)
    monkeypatch.undo()
    monkeypatch.setattr(run, "PART_ENTRIES", 8)
    assert len(store.Store(tmp_path / "a.csv.parts").parts()) == 3
    assert write(tmp_path / "a.csv", items, resume=True) == expected


def test_a_second_run_is_refused_by_the_first_ones_number(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def waits(item: Item) -> list[dict[str, Any]]:
        begun.set()
        go_on.wait(20)
        return rows_of(item)

    first = threading.Thread(target=write, args=(tmp_path / "a.csv", names(3), waits))
    first.start()
    try:
        begun.wait(20)
        with pytest.raises(LockedError, match=rf"in use by process {os.getpid()} on"):
            write(tmp_path / "a.csv", names(3), resume=True)
    finally:
        go_on.set()
        first.join()
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 7


def test_a_run_killed_while_it_cleans_up_ends_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = write(tmp_path / "whole.csv", names(20))

    def killed(self: store.Store) -> None:
        raise Stop

    monkeypatch.setattr(store.Store, "remove", killed)
    with pytest.raises(Stop):
        write(tmp_path / "a.csv", names(20))
    monkeypatch.undo()
    assert write(tmp_path / "a.csv", names(20), resume=True) == expected


def test_a_name_that_is_no_utf8_is_kept(tmp_path: Path) -> None:
    item = os.fsdecode(b"/nowhere/\xff\n.wav")
    assert write(tmp_path / "a.jsonl", [item]).count(b"\\\\xff\\n.wav") == 2


def test_millions_are_not_held(tmp_path: Path) -> None:
    taken = itertools.count()

    def endless() -> Iterator[str]:
        for number in itertools.count():
            next(taken)
            yield f"clip{number}"

    seen = itertools.count()

    def stops(item: Item) -> list[dict[str, Any]]:
        if next(seen) == 500:
            raise Stop
        return rows_of(item)

    with pytest.raises(Stop):
        batch.to_file(tmp_path / "a.csv", endless(), Here(stops, 2), ORIGIN, form="csv")
    assert next(taken) <= 500 + 2 * 10


def test_parts_that_a_dead_run_wrote_late_give_no_row_twice(tmp_path: Path) -> None:
    """An actor may outlive its run, and write a part beside those of the run that took it up."""
    items = names(40)
    expected = write(tmp_path / "whole.csv", items)
    output = tmp_path / "late.csv"
    late = store.Store(tmp_path / "late.csv.parts")

    def write_late(done: int) -> None:
        if done == 24:
            late.write(3, [entries.made(item, rows_of, COLUMNS) for item in items[3:9]])

    assert write(output, items, watch=write_late) == expected

    def stop(done: int) -> None:
        write_late(done)
        if done == 30:
            raise Stop

    with pytest.raises(Stop):
        write(output, items, watch=stop)
    assert write(output, items, resume=True) == expected


def test_parts_of_nobody_knows_which_run_are_not_taken(tmp_path: Path) -> None:
    items = names(20)
    stray = store.Store(tmp_path / "a.csv.parts")
    stray.write(0, [entries.made(f"other{number}", rows_of, COLUMNS) for number in range(8)])
    assert write(tmp_path / "a.csv", items) == write(tmp_path / "b.csv", items)


def test_a_part_that_is_missing_is_told(tmp_path: Path) -> None:
    kept = store.Store(tmp_path)
    kept.write(8, [entries.made("clip", rows_of, COLUMNS)])
    with pytest.raises(UsageError, match="a part before it is missing; run it again with --resume"):
        list(kept.walk())


@pytest.mark.parametrize("stop_at", [5, 30, None])
def test_partitions_are_the_rows_of_one_file_and_come_out_whole(
    stop_at: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it was stopped: the same names, the same bytes, and nothing to be seen before the end."""
    dataset = pytest.importorskip("pyarrow.dataset")
    monkeypatch.setattr(parquet_files, "PARTITION_ROWS", 25)
    items = names(40)
    write(tmp_path / "one.parquet", items)
    whole = dataset.dataset(tmp_path / "one.parquet").to_table()
    assert whole.num_rows > 60

    def run_to(name: str, **settings: Any) -> dict[str, bytes]:
        here = Here(rows_of, 4)
        folder = tmp_path / name
        batch.to_file(folder, iter(items), here, ORIGIN, form=writers.PARTITIONS, **settings)
        return {one.name: one.read_bytes() for one in sorted(folder.iterdir())}

    expected = run_to("let-be")
    assert list(expected) == ["part-000000.parquet", "part-000001.parquet", "part-000002.parquet"]
    assert dataset.dataset(tmp_path / "let-be").to_table() == whole

    def stop(done: int) -> None:
        assert not (tmp_path / "stopped").exists()
        if done == stop_at:
            raise Stop

    if stop_at is not None:
        with pytest.raises(Stop):
            run_to("stopped", watch=stop)
    assert run_to("stopped", resume=True) == expected
    assert sorted(one.name for one in tmp_path.iterdir()) == ["let-be", "one.parquet", "stopped"]


def test_what_a_kill_left_of_a_table_is_swept(tmp_path: Path) -> None:
    """And nothing that another run may be writing right now."""
    stale = [tmp_path / ".affekt-tmp-a.csv.abc_1234", tmp_path / ".affekt-tmp-a.csv.parts.123"]
    others = [tmp_path / ".affekt-tmp-a.csv.gz.abc_1234", tmp_path / ".affekt-tmp-b.csv.abc_1234"]
    for one in [*stale, *others]:
        one.write_text("half")
    write(tmp_path / "a.csv", names(3))
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "a.csv"])
