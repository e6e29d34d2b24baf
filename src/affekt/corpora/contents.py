"""Which recordings hold the same bytes, found with as little reading as can be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from affekt import files
from affekt.errors import CorpusError

_PROBE_BYTES = 4096


def contents_of(recordings: Sequence[str]) -> list[str]:
    """For each recording, the first one (in sorted order) with the same bytes; a missing one is its own.

    Only files of equal size with an equal probe from their middle are read whole.

    Raises:
        CorpusError: a file that is there cannot be read.
    """
    same: dict[str, str] = {}
    by_probe: dict[tuple[int, bytes], list[str]] = defaultdict(list)
    by_size: dict[int, list[str]] = defaultdict(list)
    for recording in sorted(set(recordings)):
        path = Path(recording)
        same[recording] = recording
        if path.is_file():
            by_size[path.stat().st_size].append(recording)
    try:
        for size, group in by_size.items():
            if len(group) > 1:
                for recording in group:
                    by_probe[size, _probe(Path(recording), size)].append(recording)
        for group in by_probe.values():
            first_with: dict[str, str] = {}
            if len(group) > 1:
                for recording in group:
                    same[recording] = first_with.setdefault(files.sha256(Path(recording)), recording)
    except OSError as error:
        raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return [same[recording] for recording in recordings]


def _probe(path: Path, size: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, (size - _PROBE_BYTES) // 2))
        return stream.read(_PROBE_BYTES)
