"""Sources: how a command line names a corpus or a table, and how these are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.corpora.emotions import Labels
from affekt.corpora.reading import TABLE_SUFFIXES, read
from affekt.corpora.scan import scan
from affekt.corpora.spec import names
from affekt.corpora.table import pandas
from affekt.errors import UsageError
from affekt.labels import nearest

if TYPE_CHECKING:
    from pandas import DataFrame


def parse_source(source: str, root: Path | None = None) -> tuple[str, Path]:
    """The kind of a source (a corpus's name, `folder` or `table`) and its place.

    Raises:
        UsageError: it is neither `KIND:PATH`, nor a table, nor a corpus's name with a root.
    """
    kinds = [*names(), "folder"]
    kind, colon, place = source.partition(":")
    if kind == "table" and place:
        return "table", Path(place)
    if kind in kinds and (place or root is not None):
        return kind, (root / place if root is not None and place else root) or Path(place)
    if Path(source).suffix.lower() in TABLE_SUFFIXES:
        return "table", Path(source)
    if kind in kinds:
        raise UsageError(f"{source}: where is it? Write {kind}:FOLDER")
    if Path(source).is_dir():
        raise UsageError(f"{source}: a folder of what? Write folder:{source}, or one of {', '.join(names())}")
    if colon:
        raise UsageError(f"{source}: '{kind}' is no kind of source{nearest(kind, [*kinds, 'table'])}")
    raise UsageError(f"{source}: no table, and no source like emodb:FOLDER, folder:FOLDER or table:FILE")


def load(source: str, root: Path | None = None, labels: Labels | None = None) -> DataFrame:
    """The table of a source: `emodb:ROOT` (any of `names()`), `folder:ROOT`, `table.csv`, `table:FILE`.

    Args:
        source: a relative place is taken from the working directory, or from `root` for a corpus.
        root: for a table, the folder its files are relative to; its own folder where not given.
        labels: own words -> emotions, or emotions to merge; None for clips to be left without one.

    Returns:
        `COLUMNS`, extras, and `path`, the absolute place of the audio (never written to disk).

    Raises:
        UsageError: not a source.
        CorpusError: the corpus or the table is not as it should be.
    """
    kind, place = parse_source(source, root)
    return read(place, root, labels) if kind == "table" else scan(place, kind, labels)


def load_many(sources: Sequence[str], root: Path | None = None, labels: Labels | None = None) -> DataFrame:
    """The tables of several sources under one another, in the order given.

    Raises:
        UsageError: none, or the same one twice.
        CorpusError: as `load`.
    """
    if not sources:
        raise UsageError("no source given; name at least one, like emodb:FOLDER")
    if len(set(sources)) != len(sources):
        raise UsageError(f"{max(sources, key=list(sources).count)}: given twice; name each source once")
    tables = [load(source, root, labels) for source in sources]
    merged: DataFrame = pandas().concat(tables, ignore_index=True)
    extras = [name for name in merged.columns if name != "path"]
    return merged[[*extras, "path"]]
