"""Shards put together are the run in one piece, and what is not of one run is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from affekt import batch
from affekt.batch import Here, Item, Shard
from affekt.errors import UsageError
from tests.batch.test_run import ORIGIN, names, rows_of, write


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """The folder of three shards of 50 inputs."""
    return make(tmp_path / "a.csv", names(50), 3)


def make(output: Path, items: list[Item], count: int) -> Path:
    for index in reversed(range(count)):
        batch.to_shard(output, items, Here(rows_of, 4), ORIGIN, Shard(index, count))
    return output.with_name(output.name + ".shards")


@pytest.mark.parametrize("inputs", [50, 2, 0])
def test_merged_they_are_the_run_in_one_piece(tmp_path: Path, inputs: int) -> None:
    expected = write(tmp_path / "whole.csv", names(inputs))
    folder = make(tmp_path / "a.csv", names(inputs), 3)
    done = batch.merge([folder], tmp_path / "a.csv", form="csv")
    assert (tmp_path / "a.csv").read_bytes() == expected
    assert (done.inputs, done.failed) == (inputs, sum("bad" in str(name) for name in names(inputs)))
    batch.merge(sorted(folder.iterdir()), tmp_path / "b.csv", form="csv")
    assert (tmp_path / "b.csv").read_bytes() == expected


def test_a_shard_that_is_done_is_only_checked(shards: Path, tmp_path: Path) -> None:
    def never(item: Item) -> list[dict[str, object]]:
        raise AssertionError("scored again")

    batch.to_shard(tmp_path / "a.csv", names(50), Here(never, 2), ORIGIN, Shard(1, 3), resume=True)


def test_a_missing_shard_is_named(shards: Path, tmp_path: Path) -> None:
    shutil.rmtree(shards / "1-of-3")
    with pytest.raises(UsageError, match="1 of 3 shards missing: 1/3"):
        batch.merge([shards], tmp_path / "b.csv", form="csv")
    assert not (tmp_path / "b.csv").exists()


def test_an_unfinished_shard_is_named(shards: Path, tmp_path: Path) -> None:
    (shards / "1-of-3" / "done.json").unlink()
    with pytest.raises(UsageError, match="shard 1/3 is not finished; run it again with --resume"):
        batch.merge([shards], tmp_path / "b.csv", form="csv")


def test_a_shard_that_is_there_twice_is_named(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shard 1/3 is there twice"):
        batch.merge([shards, shards / "1-of-3"], tmp_path / "b.csv", form="csv")


def test_shards_of_different_runs_are_refused(shards: Path, tmp_path: Path) -> None:
    for origin, items, count, told in (
        (replace(ORIGIN, model="1" * 64), names(50), 3, "model is 1111"),
        (replace(ORIGIN, options={"scores": True}), names(50), 3, "options is"),
        (ORIGIN, names(51), 3, "inputs is 51 and there 50"),
        (ORIGIN, [*names(49), "other"], 3, "names is"),
        (ORIGIN, names(50), 4, "shards is 4 and there 3"),
    ):
        other = tmp_path / "other" / "a.csv"
        done = batch.to_shard(other, items, Here(rows_of, 2), origin, Shard(2, count))
        with pytest.raises(UsageError, match=f"is of another run than .*{told}"):
            batch.merge([shards / "0-of-3", shards / "1-of-3", done.path], tmp_path / "b.csv", form="csv")
        shutil.rmtree(tmp_path / "other")


def test_a_damaged_shard_is_refused(shards: Path, tmp_path: Path) -> None:
    part = next((shards / "1-of-3").glob("*.jsonl"))
    part.write_bytes(part.read_bytes()[:-30])
    with pytest.raises(UsageError, match="damaged; run it again"):
        batch.merge([shards], tmp_path / "b.csv", form="csv")
    batch.to_shard(tmp_path / "a.csv", names(50), Here(rows_of, 2), ORIGIN, Shard(1, 3), resume=True)
    batch.merge([shards], tmp_path / "b.csv", form="csv")


def test_what_is_no_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no shard and no folder of shards"):
        batch.merge([tmp_path], tmp_path / "b.csv", form="csv")
    for text in ("3/3", "1", "-1/3", "1/0", "a/b"):
        with pytest.raises(UsageError, match=r"give I/N with I from 0 to N - 1"):
            Shard.parse(text)
    assert str(Shard.parse("7/8")) == "7/8"
