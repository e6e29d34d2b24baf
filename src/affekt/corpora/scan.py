"""Corpus folders read into tables: what each clip is, from its path or the corpus's own index."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.corpora.emotions import EmotionMap, Labels, unknown_words
from affekt.corpora.spec import CorpusSpec, Index, spec
from affekt.corpora.table import frame
from affekt.errors import CorpusError

if TYPE_CHECKING:
    from pandas import DataFrame

AUDIO_SUFFIXES = frozenset(
    {
        ".wav",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".aif",
        ".aiff",
        ".au",
        ".m4a",
        ".mp4",
        ".webm",
        ".wma",
    }
)

Row = dict[str, str | None]


@dataclass
class Inspection:
    """All that a walk over a corpus found; paths are posix and relative to the root."""

    rows: list[Row] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    unknown_labels: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def scan(root: Path, corpus: str, labels: Labels | None = None) -> DataFrame:
    """The table of a corpus under `root`; `corpus` is a name of `names()`, or `folder`.

    `folder` is for recordings in folders named by emotion (the deepest folder counts); speakers are unknown.
    `labels` maps own words to emotions; see `EmotionMap`.

    Raises:
        CorpusError: no such folder, no clips in it, unknown labels, or clips in the index but not on disk.
        UsageError: no such corpus.
    """
    found = inspect(root, corpus, labels)
    if found.unknown_labels:
        raise CorpusError(unknown_words(str(root), found.unknown_labels))
    if found.missing:
        raise CorpusError(
            f"{root}: {len(found.missing)} clips of the index are not on disk, first {found.missing[0]}; "
            f"fetch them or take their lines out of the index"
        )
    if not found.rows:
        raise CorpusError(f"{root}: no clips of '{corpus}' here; give the folder that holds the corpus")
    return frame(found.rows, root)


def inspect(root: Path, corpus: str, labels: Labels | None = None) -> Inspection:
    """Like `scan`, but collects what is wrong instead of raising, except for a root that cannot be read."""
    if not root.is_dir():
        raise CorpusError(f"{root}: not a folder; give the folder that holds the corpus")
    if corpus == "folder":
        return _inspect_folders(root, EmotionMap(labels))
    declared = spec(corpus)
    emotion_of = EmotionMap(labels, declared.emotions)
    if declared.index:
        return _inspect_index(root, declared, declared.index, emotion_of)
    return _inspect_names(root, declared, emotion_of)


def audio_files(root: Path) -> list[str]:
    """Every recording under `root`, sorted; hidden files and folders are passed over."""
    found = []
    for folder, subfolders, files in os.walk(root, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        here = Path(folder)
        found += [
            (here / name).relative_to(root).as_posix()
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES
        ]
    return sorted(found)


def _inspect_names(root: Path, declared: CorpusSpec, emotion_of: EmotionMap) -> Inspection:
    assert declared.files is not None
    matcher = declared.files.matcher()
    folder = declared.files.folder
    known_folders = {folder.format(speaker=name) for name in declared.speakers} if folder else set()
    found = Inspection()
    for file in audio_files(root):
        match = matcher.fullmatch(file[: -len(Path(file).suffix)])
        if match is None:
            found.unmatched.append(file)
            continue
        groups = match.groupdict()
        parent = Path(file).parent.name
        if folder and parent in known_folders and parent != folder.format(**groups):
            found.misplaced.append(file)
        _add(found, declared, emotion_of, file, groups)
    return found


def _inspect_index(root: Path, declared: CorpusSpec, index: Index, emotion_of: EmotionMap) -> Inspection:
    on_disk = {file[: -len(Path(file).suffix)]: file for file in audio_files(root)}
    found = Inspection()
    for number, entry in enumerate(_index_rows(root, index), start=2):
        try:
            place = index.audio.format(**entry)
            groups = {ours: entry[theirs] or None for ours, theirs in index.columns.items()}
        except KeyError as error:
            raise CorpusError(f"{root / index.file}: line {number}: no column {error}") from error
        stem = place[: -len(Path(place).suffix)] if Path(place).suffix.lower() in AUDIO_SUFFIXES else place
        file = on_disk.pop(stem, None)
        if file is None:
            found.missing.append(place)
        else:
            _add(found, declared, emotion_of, file, groups)
    found.unmatched = sorted(on_disk.values())
    return found


def _index_rows(root: Path, index: Index) -> list[dict[str, str]]:
    path = root / index.file
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, delimiter=index.separator, quoting=csv.QUOTE_MINIMAL, restval="")
            return [{key: value for key, value in row.items() if key is not None} for row in reader]
    except FileNotFoundError as error:
        raise CorpusError(f"{path}: missing; give the folder that holds the corpus's index") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: cannot be read ({error})") from error


def _inspect_folders(root: Path, emotion_of: EmotionMap) -> Inspection:
    found = Inspection()
    for file in audio_files(root):
        if "/" not in file:
            found.unmatched.append(file)
            continue
        word = Path(file).parent.name
        row: Row = {"file": file, "label": word, "corpus": root.resolve().name}
        _set_emotion(found, emotion_of, row, word)
        found.rows.append(row)
    return found


def _add(
    found: Inspection, declared: CorpusSpec, emotion_of: EmotionMap, file: str, groups: dict[str, str | None]
) -> None:
    row: Row = {"file": file, "corpus": declared.name, "language": declared.language, **groups}
    speaker = declared.speakers.get(row.get("speaker") or "")
    if speaker is not None:
        row["gender"] = row.get("gender") or speaker.gender
        row["age"] = row.get("age") or (str(speaker.age) if speaker.age is not None else None)
    if (sentence := row.get("sentence")) and declared.texts:
        row["text"] = declared.texts.get(sentence)
    if (word := row.get("label")) is not None:
        _set_emotion(found, emotion_of, row, word)
    found.rows.append(row)


def _set_emotion(found: Inspection, emotion_of: EmotionMap, row: Row, word: str) -> None:
    try:
        row["emotion"] = emotion_of(word)
    except KeyError:
        found.unknown_labels[word].append(str(row["file"]))
