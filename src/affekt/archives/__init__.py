"""Zips and tars read in place, with no trust in what they say: names, kinds, sizes and numbers are bounded.

A file in an archive is named as if the archive were a folder: `calls.zip/2021/a.wav`. Nothing is unpacked to
disk. A tar is read from its start to its end once, where its files are asked for in their order.
"""

from __future__ import annotations

import os

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")


def is_archive(name: str) -> bool:
    """Whether a name ends like an archive's."""
    return name.lower().endswith(SUFFIXES)


def split(path: str) -> tuple[str, str] | None:
    """An archive and the name in it, of a path such as `calls.zip/2021/a.wav`; None where it names none."""
    at = path.find("/", 1)
    while at > 0:
        outer, inner = path[:at], path[at + 1 :]
        if inner and is_archive(outer) and os.path.isfile(outer):  # noqa: PTH113
            return outer, inner
        at = path.find("/", at + 1)
    return None
