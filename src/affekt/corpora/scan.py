"""Corpus folders read into tables: what each clip is, from its path or the corpus's own lists and labels."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.corpora.emotions import EmotionMap, Labels, unknown_words
from affekt.corpora.label_files import Entry, entries_of
from affekt.corpora.spec import CorpusSpec, Files, Index, spec, under_any_folder
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
        CorpusError: no such folder, no clips in it, unknown labels, or clips that the corpus lists or labels
            but that are not on disk.
        UsageError: no such corpus.
    """
    found = inspect(root, corpus, labels)
    if found.unknown_labels:
        raise CorpusError(unknown_words(str(root), found.unknown_labels))
    if found.missing:
        raise CorpusError(
            f"{root}: {len(found.missing)} clips that the corpus lists are not on disk, "
            f"first {found.missing[0]}; fetch them or take their lines out"
        )
    if not found.rows:
        raise CorpusError(f"{root}: no clips of '{corpus}' here; give the folder that holds the corpus")
    return frame(found.rows, root)


def inspect(root: Path, corpus: str, labels: Labels | None = None) -> Inspection:
    """Like `scan`, but collects what is wrong instead of raising, except for a root that cannot be read."""
    if not root.is_dir():
        raise CorpusError(f"{root}: not a folder; give the folder that holds the corpus")
    files = _visible_files(root)
    if corpus == "folder":
        return _inspect_folders(root, _recordings(files), EmotionMap(labels))
    declared = spec(corpus)
    recordings = _recordings(files, declared.not_clips)
    emotion_of = EmotionMap(labels, declared.emotion_words())
    if declared.files is not None:
        return _inspect_names(recordings, declared, declared.files, emotion_of)
    if declared.index is not None:
        return _inspect_list(recordings, declared, _index_entries(root, declared.index), emotion_of)
    assert declared.labels is not None
    return _inspect_list(recordings, declared, entries_of(root, files, declared.labels), emotion_of)


def _visible_files(root: Path) -> list[str]:
    """Every file under `root`, sorted; hidden files and folders are passed over."""
    found = []
    for folder, subfolders, files in os.walk(root, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        above = Path(folder).relative_to(root).as_posix()
        here = "" if above == "." else f"{above}/"
        found += [here + name for name in files if not name.startswith(".")]
    return sorted(found)


def _recordings(files: Iterable[str], not_clips: str | None = None) -> list[str]:
    left_out = under_any_folder(not_clips) if not_clips else None
    return [
        file
        for file in files
        if _suffix(file) in AUDIO_SUFFIXES and not (left_out and left_out.fullmatch(file))
    ]


def _inspect_names(
    recordings: list[str], declared: CorpusSpec, names: Files, emotion_of: EmotionMap
) -> Inspection:
    matcher = under_any_folder(names.pattern)
    folder = names.folder
    known_folders = {folder.format(speaker=name) for name in declared.speakers} if folder else set()
    found = Inspection()
    for file in recordings:
        match = matcher.fullmatch(_stem(file))
        if match is None:
            found.unmatched.append(file)
            continue
        groups = match.groupdict()
        if folder:
            parent = Path(file).parent.name
            if parent in known_folders and parent != folder.format(**groups):
                found.misplaced.append(file)
        _add(found, declared, emotion_of, file, groups)
    return found


def _inspect_list(
    recordings: list[str], declared: CorpusSpec, entries: Iterable[Entry], emotion_of: EmotionMap
) -> Inspection:
    on_disk = {_stem(file): file for file in recordings}
    found = Inspection()
    for place, columns in entries:
        file = on_disk.pop(_stem(place), None)
        if file is None:
            found.missing.append(place)
        else:
            _add(found, declared, emotion_of, file, columns)
    found.unmatched = sorted(on_disk.values())
    return found


def _stem(place: str) -> str:
    """The place less the suffix of a recording: corpora are kept in other formats than they came in."""
    suffix = _suffix(place)
    return place[: -len(suffix)] if suffix in AUDIO_SUFFIXES else place


def _suffix(place: str) -> str:
    """As `Path.suffix`, in small letters; a path for each of a million places would take its time."""
    return os.path.splitext(place)[1].lower()  # noqa: PTH122


def _index_entries(root: Path, index: Index) -> Iterator[Entry]:
    for number, row in enumerate(_index_rows(root, index), start=2):
        try:
            place = index.audio.format(**row)
            columns = {ours: row[theirs] or None for ours, theirs in index.columns.items()}
        except KeyError as error:
            raise CorpusError(f"{root / index.file}: line {number}: no column {error}") from error
        yield place, columns


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


def _inspect_folders(root: Path, recordings: list[str], emotion_of: EmotionMap) -> Inspection:
    found = Inspection()
    for file in recordings:
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
    language = None if declared.language == "mul" else declared.language
    row: Row = {"file": file, "corpus": declared.name, "language": language, **groups}
    for column, ours in declared.words.items():
        if (own := row.get(column)) is not None:
            row[column] = ours.get(own, own)
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
