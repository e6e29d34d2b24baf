"""Which names and kinds of files are not taken out of an archive."""

from __future__ import annotations

import stat
import zipfile
from pathlib import PurePosixPath

_MOST_NAME_BYTES = 255
_MOST_FOLDERS = 16
_ENCRYPTED = 0x1


def hidden(name: str) -> bool:
    """What systems put beside recordings."""
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in PurePosixPath(name).parts)


def name_problem(name: str) -> str:
    """Why a name is no name for a file in an archive, or nothing."""
    parts = name.removesuffix("/").split("/")
    if name.startswith("/") or "\\" in name or ":" in parts[0] or {"", ".", ".."} & set(parts):
        return "leads out of the folder"
    if not name.isprintable() or any(
        len(part.encode(errors="surrogateescape")) > _MOST_NAME_BYTES for part in parts
    ):
        return "is no name for a file"
    return "lies in too many folders" if len(parts) > _MOST_FOLDERS else ""


def zip_problem(member: zipfile.ZipInfo) -> str:
    """Why a file of a zip is not taken, or nothing."""
    # What the system makes of a name may not be what the zip wrote: zipfile cuts it at a NUL.
    if wrong := name_problem(member.orig_filename):
        return wrong
    if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is no plain file"
    return "is encrypted" if member.flag_bits & _ENCRYPTED else ""
