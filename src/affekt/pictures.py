"""Pictures by class, out of a folder or an archive, as 8-bit arrays of one size.

Nothing is unpacked to disk and no name is trusted: names only say part and class. A picture's bytes, its
pixels and the memory of all are bounded before they are taken.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.archives.forward import Forward
from affekt.errors import CorpusError, MissingExtraError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
PARTS = ("train", "test")

MAX_FILE_BYTES = 32 * 2**20
MAX_PIXELS = 2**25
MAX_PICTURES = 2_000_000
MAX_ARCHIVE_BYTES = 256 * 2**30
"""What an archive may hold once it is unpacked."""
MEMORY_BYTES = 4 * 2**30
"""What all pictures may take in memory."""
MAX_NAMED = 5
"""So many of the pictures that cannot be used are named."""


@dataclass(frozen=True)
class Pictures:
    """Pictures in the order of their names.

    Attributes:
        pixels: [pictures, side, side, 3], 0 to 255.
        names: `PART/CLASS/FILE`, or `CLASS/FILE` where there are no parts.
        classes: sorted by name.
        targets: the class of each picture, as a position in `classes`.
        ids: a number for each picture that follows from its name alone.
        parts: `train`, `test` or nothing for each picture.
    """

    pixels: NDArray[np.uint8]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    targets: NDArray[np.int64]
    ids: tuple[int, ...]
    parts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


def read_pictures(source: Path, size: int) -> Pictures:
    """All pictures `CLASS/FILE` below a folder or in a .tar or .tar.gz, maybe with `train/` or `test/` above.

    Kept are squares from the middle, as large as the shorter side of the first picture but at most `size`.

    Raises:
        CorpusError: none is there, some cannot be used (all counted, the first named), or there are too many.
        MissingExtraError: Pillow is not installed.
    """
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise MissingExtraError("reading pictures", "train") from None
    with warnings.catch_warnings():
        # Pillow warns of very large pictures, which are refused here.
        warnings.simplefilter("ignore")
        found, problems = _decode_all(source, size)
    if problems:
        more = f" and {len(problems) - MAX_NAMED} more" if len(problems) > MAX_NAMED else ""
        raise CorpusError(
            f"{source}: {len(problems)} pictures cannot be used: {', '.join(problems[:MAX_NAMED])}{more}; "
            "take them away or give them again"
        )
    return _sorted(source, found)


def _decode_all(source: Path, size: int) -> tuple[dict[str, NDArray[np.uint8]], list[str]]:
    """Name -> pixels of all that can be used, and what is wrong with the rest."""
    found: dict[str, NDArray[np.uint8]] = {}
    problems: list[str] = []
    side, room = 0, MAX_PICTURES
    for name, data in _archived(source) if source.is_file() else _below(source):
        try:
            if not side:
                side = min(size, *_open(data).size)
                room = min(MAX_PICTURES, MEMORY_BYTES // (3 * side * side))
            if name in found:
                raise ValueError("stands there twice")
            found[name] = _decode(data, side)
        except ValueError as error:
            problems.append(f"{name!a:.120} ({error})")
        if len(found) + len(problems) > room:
            raise CorpusError(f"{source}: more than {room} pictures of {side} x {side} pixels; give fewer")
    return found, problems


def _sorted(source: Path, found: dict[str, NDArray[np.uint8]]) -> Pictures:
    names = tuple(sorted(found))
    above = [PurePosixPath(name).parts for name in names]
    classes = tuple(sorted({parts[-2] for parts in above}))
    if len(classes) < 2:
        raise CorpusError(
            f"{source}: pictures of {len(classes)} classes, and two are needed at least; "
            "a folder for each class, such as ROOT/train/cat/1.jpg"
        )
    place = {name: at for at, name in enumerate(classes)}
    return Pictures(
        np.stack([found.pop(name) for name in names]),
        names,
        classes,
        np.array([place[parts[-2]] for parts in above]),
        tuple(zlib.crc32(name.encode()) for name in names),
        tuple(parts[0] if len(parts) == 3 else "" for parts in above),
    )


def _open(data: bytes) -> Any:
    """The picture, not yet decoded.

    Raises:
        ValueError: it is neither JPEG nor PNG, or has too many pixels.
    """
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("neither a JPEG nor a PNG that can be read") from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width} x {height} pixels, over the limit of {MAX_PIXELS}")
    return picture


def _decode(data: bytes, side: int) -> NDArray[np.uint8]:
    """The middle square [side, side, 3] of a picture."""
    from PIL import Image

    picture = _open(data)
    try:
        picture = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError("damaged") from error
    width, height = picture.size
    if (width, height) != (side, side):
        edge = min(width, height)
        left, top = (width - edge) / 2, (height - edge) / 2
        box = (left, top, left + edge, top + edge)
        picture = picture.resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
    return np.asarray(picture, np.uint8)


def _label(path: PurePosixPath) -> str | None:
    """`PART/CLASS/FILE` or `CLASS/FILE`; None for what is no picture of a class."""
    parts = path.parts
    if path.suffix.lower() not in SUFFIXES or len(parts) < 2 or parts[-1].startswith("."):
        return None
    if not all(part.isprintable() and len(part) <= 200 for part in parts[-3:]):
        raise CorpusError(
            f"{str(path)!a:.120}: a name with control characters, or a very long one; rename it"
        )
    kept = parts[-3:] if len(parts) > 2 and parts[-3] in PARTS else parts[-2:]
    return "/".join(kept)


def _below(folder: Path) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder or archive; give --data ROOT or --data ROOT.tar.gz")
    for path in sorted(folder.rglob("*")):
        label = _label(PurePosixPath(path.relative_to(folder).as_posix()))
        if label is not None and path.is_file():
            if path.stat().st_size > MAX_FILE_BYTES:
                raise CorpusError(f"{path}: over {MAX_FILE_BYTES} bytes; no picture is that long")
            yield label, path.read_bytes()


def _archived(path: Path) -> Iterator[tuple[str, bytes]]:
    with contextlib.ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: Any = stack.enter_context(gzip.GzipFile(fileobj=raw)) if packed else raw
            forward = Forward(stream, most=MAX_ARCHIVE_BYTES, most_at_once=MAX_FILE_BYTES)
            archive = stack.enter_context(tarfile.open(fileobj=forward, mode="r:"))  # type: ignore[call-overload]
            for member in archive:
                # tarfile keeps each member it has met; of two million that is more than the pictures.
                archive.members = []
                label = _label(PurePosixPath(member.name)) if member.isreg() else None
                if label is None:
                    continue
                if member.size > MAX_FILE_BYTES:
                    raise CorpusError(f"{path}: {member.name!a:.120}: over {MAX_FILE_BYTES} bytes")
                content = archive.extractfile(member)
                assert content is not None
                yield label, content.read()
        except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
            raise CorpusError(f"{path}: not a whole .tar or .tar.gz ({str(error)!a:.120})") from error
