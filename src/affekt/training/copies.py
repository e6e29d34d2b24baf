"""Which clips of a run sound the same, whatever their bytes: looked for once for the same clips."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import numpy as np

from affekt import files
from affekt.corpora.near_copies import Match, Shelf
from affekt.downloads import cache_folder
from affekt.training.clips import Clips

_FORMAT = "1"
"""Another one when what is found changes."""
_COLUMNS = 6


def same_sound(clips: Clips, cache: Path | None = None) -> list[Match]:
    """Every two clips that may share audio (`corpora.near_copies`), of clips that keep their prints.

    They are kept in the cache folder (`downloads.cache_folder`), by a digest of the prints.
    """
    digest = hashlib.sha256(_FORMAT.encode())
    for prints in clips.prints:
        digest.update(len(prints).to_bytes(8, "little") + prints.tobytes())
    kept = (cache or cache_folder()) / "copies" / f"{digest.hexdigest()[:32]}.npy"
    with contextlib.suppress(OSError, ValueError):
        return _read(kept, len(clips))
    with Shelf() as shelf:
        for prints in clips.prints:
            shelf.add(prints)
        found = shelf.matches()
    rows = np.array([list(vars(match).values()) for match in found], np.float64).reshape(-1, _COLUMNS)
    # Without a cache there is only more to wait for the next time.
    with contextlib.suppress(files.WriteError), files.atomic(kept) as stream:
        np.save(stream, rows)
    return found


def _read(kept: Path, clips: int) -> list[Match]:
    """Raises ValueError where the file holds something else."""
    rows = np.load(kept, allow_pickle=False)
    sound = rows.ndim == 2 and rows.shape[1] == _COLUMNS and rows.dtype == np.float64
    if not sound or not np.isfinite(rows).all() or (len(rows) and not 0 <= rows[:, :2].max() < clips):
        raise ValueError(f"{kept}: no matches of these clips")
    return [Match(int(first), int(second), *rest) for first, second, *rest in rows.tolist()]
