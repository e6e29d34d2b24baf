"""Rows as Parquet: one file, or a folder of partitions, which pandas, pyarrow and Spark read as one table."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from affekt import files
from affekt.errors import MissingExtraError, UsageError

Write = Callable[[dict[str, Any]], object]

PARTITION_ROWS = 131_072
"""Rows of a partition: it is closed after so many, so that the same rows make the same files."""

GROUP_ROWS = 8192
"""Rows that are held until they are written together."""

_TEXT = {"file", "speaker", "emotion", "corpus", "status", "error", "message", "labels"} | {
    *("run", "kind", "state", "protocol", "recipe", "commit", "when", "problem")
}
_NAME = re.compile(r"part-\d{6,}\.parquet")


@contextlib.contextmanager
def to_stream(stream: IO[bytes], columns: list[str]) -> Iterator[Write]:
    """Gives a function that takes rows; names are text, the other columns numbers.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("writing Parquet", "train") from error
    schema = pyarrow.schema(
        [(name, pyarrow.string() if name in _TEXT else pyarrow.float64()) for name in columns]
    )
    with parquet.ParquetWriter(stream, schema) as table:
        block: list[dict[str, Any]] = []

        def flush() -> None:
            table.write_table(pyarrow.Table.from_pylist(block, schema))
            block.clear()

        def write(row: dict[str, Any]) -> None:
            block.append(row)
            if len(block) == GROUP_ROWS:
                flush()

        yield write
        flush()


def check(folder: Path) -> None:
    """Whether partitions can go into this folder: an older one is replaced, which other files must not be.

    Raises:
        UsageError: `folder` is a file, or holds something else than partitions.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name another folder for the partitions")
    if other := next((one.name for one in _content(folder) if not _NAME.fullmatch(one.name)), None):
        raise UsageError(
            f"{folder}: holds {other!r}, which is no partition, and would be replaced; name a new folder"
        )


@contextlib.contextmanager
def to_folder(folder: Path, columns: list[str]) -> Iterator[Write]:
    """Gives a function that takes rows; the folder of partitions stands, whole, once the block ends well.

    It holds `part-000000.parquet` and so on, of the same columns each, and at least one.

    Raises:
        MissingExtraError: pyarrow is not installed.
        UsageError: as `check`.
        WriteError: the disk refuses.
    """
    check(folder)
    with files.atomic_folder(folder) as built, contextlib.ExitStack() as last:
        written = 0

        def begin() -> Write:
            last.close()
            stream = last.enter_context(files.atomic(built / f"part-{written // PARTITION_ROWS:06}.parquet"))
            return last.enter_context(to_stream(stream, columns))

        into = begin()

        def write(row: dict[str, Any]) -> None:
            nonlocal into, written
            if written and written % PARTITION_ROWS == 0:
                into = begin()
            into(row)
            written += 1

        yield write


def _content(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.exists() else iter(())
