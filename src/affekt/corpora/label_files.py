"""Text files of a corpus that label its clips, a line for each: where a clip is, what its columns hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from affekt.corpora.emotions import one_line
from affekt.corpora.shapes import LabelFiles, under_any_folder
from affekt.errors import CorpusError

_SHOWN_LETTERS = 60

Entry = tuple[str, dict[str, str | None]]


def entries_of(root: Path, files: Iterable[str], declared: LabelFiles) -> Iterator[Entry]:
    """The place of every clip that is labelled, relative to the root, and its columns, None where unknown.

    Args:
        root: the folder of the corpus.
        files: places below it, in the order to read them; those that hold no labels are passed over.
        declared: which files and lines hold labels, and how.

    Raises:
        CorpusError: no label file, one that cannot be read, a line that is no label, a clip labelled twice.
    """
    of_file, of_line = under_any_folder(declared.files), re.compile(declared.line)
    label_files = [(file, match) for file in files if (match := of_file.fullmatch(file))]
    if not label_files:
        raise CorpusError(
            f"{root}: no label files here; give the folder that holds the corpus, labels and all"
        )
    seen: set[str] = set()
    for file, in_path in label_files:
        for number, line in _lines(root / file, declared.begins):
            in_line = of_line.fullmatch(line)
            if in_line is None:
                shown = one_line(line)[:_SHOWN_LETTERS]
                raise CorpusError(
                    f"{root / file}: line {number}: '{shown}' is no label; put it as the corpus has it"
                )
            groups = in_path.groupdict("") | in_line.groupdict("")
            place = in_path[1] + declared.audio.format_map(groups)
            if place in seen:
                raise CorpusError(
                    f"{root / file}: line {number}: {place} is labelled twice; take one line out"
                )
            seen.add(place)
            yield (
                place,
                {name: text.format_map(groups) or None for name, text in declared.columns.items()},
            )


def _lines(path: Path, begins: str) -> Iterator[tuple[int, str]]:
    """The numbers and texts of the lines that begin so, blank ones left out."""
    try:
        # Annotators' remarks may be in any encoding, and must not make the labels beside them unreadable.
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            for number, line in enumerate(stream, start=1):
                if (text := line.strip()) and text.startswith(begins):
                    yield number, text
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror}") from error
