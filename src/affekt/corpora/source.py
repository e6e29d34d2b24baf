"""Sources: how a command line names a corpus or a table, and how these are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from affekt.corpora.scan import scan
from affekt.corpora.spec import names
from affekt.errors import UsageError
from affekt.labels import nearest

if TYPE_CHECKING:
    import pandas as pd


def load(source: str, root: Path | None = None) -> pd.DataFrame:
    kind, _, place = source.partition(":")
    if kind in (*names(), "folder"):
        return scan(Path(place), kind)
    raise UsageError(f"{source}: not a source{nearest(kind, names())}")
