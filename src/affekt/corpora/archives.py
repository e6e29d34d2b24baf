"""Zips unpacked with no trust in what they say: where their files go, what they are, how large they grow."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from affekt import files
from affekt.archives.names import hidden, zip_problem
from affekt.archives.reading import DAMAGE
from affekt.errors import CorpusError

MOST_FILES = 200_000
MOST_TIMES_LARGER = 20
"""How much larger than the zip its files may be; those of speech are about twice as large."""
_BLOCK_BYTES = 2**20
_INSTEAD = "nothing was unpacked; fetch the corpus by hand"


def unpack(archives: Sequence[Path], folder: Path) -> int:
    """Unpacks zips into a new folder, which appears whole or not at all; the number of files.

    Hidden files are left out: what systems put beside recordings.

    Raises:
        CorpusError: an archive is damaged, or names what it must not: a place outside of the folder, a link,
            two files of one name, more files or bytes than recordings would make.
        WriteError: the folder is there and not empty, or cannot be written.
    """
    temporary: str | None = None
    try:
        refuse_full(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=f"{files.TEMPORARY_PREFIX}{folder.name}.", dir=folder.parent)
        built = Path(temporary, "unpacked")
        built.mkdir()
        count = sum(_unpack_one(archive, built) for archive in archives)
        built.rename(folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise files.WriteError(f"{folder}: {reason}; nothing was unpacked") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return count


def refuse_full(folder: Path) -> None:
    """Refuses a folder in which something is.

    Raises:
        WriteError: it is not empty, or no folder.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise files.WriteError(f"{folder}: is there and not an empty folder; name a new one")


def _unpack_one(archive: Path, folder: Path) -> int:
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = _members(archive, bundle)
            for member, place in members:
                target = folder.joinpath(*place.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with bundle.open(member) as source, target.open("xb") as stream:
                    shutil.copyfileobj(source, stream, _BLOCK_BYTES)
                    stream.flush()
                    os.fsync(stream.fileno())
    except OSError as error:
        if error.errno == errno.EINVAL:  # of a place before the archive's first byte
            raise CorpusError(f"{archive.name}: damaged ({error}); {_INSTEAD}") from error
        if error.errno not in {errno.EEXIST, errno.ENOTDIR}:
            raise
        raise CorpusError(f"{archive.name}: a file and a folder of one name; {_INSTEAD}") from error
    except DAMAGE as error:
        raise CorpusError(f"{archive.name}: damaged ({error}); {_INSTEAD}") from error
    return len(members)


def _members(archive: Path, bundle: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files to unpack and their places, all looked at before the first is unpacked."""
    members = bundle.infolist()
    most_bytes = MOST_TIMES_LARGER * archive.stat().st_size
    if len(members) > MOST_FILES:
        raise CorpusError(f"{archive.name}: {len(members)} files, over {MOST_FILES}; {_INSTEAD}")
    if (size := sum(member.file_size for member in members)) > most_bytes:
        raise CorpusError(f"{archive.name}: {size} bytes in it, over {most_bytes}; {_INSTEAD}")
    seen: set[str] = set()
    kept = []
    for member in members:
        if wrong := zip_problem(member):
            raise CorpusError(f"{archive.name}: {member.filename!a:.120} {wrong}; {_INSTEAD}")
        place = PurePosixPath(member.filename)
        if member.is_dir() or hidden(member.filename):
            continue
        # As systems see names that take a and A for one letter.
        folded = unicodedata.normalize("NFC", member.filename).casefold()
        if folded in seen:
            raise CorpusError(f"{archive.name}: {member.filename!a:.120} stands twice in it; {_INSTEAD}")
        seen.add(folded)
        kept.append((member, place))
    return kept
