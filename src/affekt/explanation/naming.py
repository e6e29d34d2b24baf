"""Where pictures go: one file, or a folder with one for each recording."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from affekt.errors import UsageError
from affekt.explanation.picture import figure_or_reason
from affekt.inputs import STDIN, expand
from affekt.naming import NamesBelow

_OTHER_PICTURES = (".jpg", ".jpeg", ".svg", ".pdf", ".gif", ".webp", ".tif", ".tiff")


class Pictures:
    """Gives each recording a picture of its own below `output`."""

    def __init__(self, output: Path, paths: Sequence[str | os.PathLike[str]]) -> None:
        """`output` is a PNG file for one recording, or a folder.

        Raises:
            MissingExtraError: matplotlib is not installed.
            UsageError: it is of another format, or one file for several recordings.
        """
        # Told at once, and not after the first recording.
        figure_or_reason()
        self._output = output
        self._names = NamesBelow(output, ".png")
        suffix = output.suffix.lower()
        if suffix in _OTHER_PICTURES:
            raise UsageError(f"{output}: pictures are PNG; name it {output.with_suffix('.png').name}")
        self._one = suffix == ".png" and not output.is_dir()
        if self._one and (STDIN in paths or len(list(islice(expand(paths), 2))) > 1):
            raise UsageError(f"{output}: one picture for several recordings; give a folder")

    def path(self, file: str) -> Path:
        """Where the picture of the next recording goes; two of the same name get numbers."""
        if self._one:
            return self._output
        return self._names.path(file)
