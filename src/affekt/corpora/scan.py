"""Corpus folders read into tables: what each clip is, from its path or the corpus's own lists and labels."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.corpora.emotions import EmotionMap, Labels, unknown_words
from affekt.corpora.index_files import about_people, entries_of_index
from affekt.corpora.label_files import Entry, entries_of
from affekt.corpora.shapes import Files, Speaker, under_any_folder
from affekt.corpora.spec import CorpusSpec, spec
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

_NOBODY = Speaker()


@dataclass
class Inspection:
    """All that a walk over a corpus found; paths are posix and relative to the root."""

    rows: list[Row] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    unknown_labels: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class _Reader:
    """What a corpus's words mean: its declaration, its emotions, and what its own table says of speakers."""

    declared: CorpusSpec
    emotion_of: EmotionMap
    people: Mapping[str, Mapping[str, str]]

    def row(self, file: str, groups: Mapping[str, str | None]) -> tuple[Row, str | None]:
        """A clip's row, and the corpus's own word for its emotion."""
        row: Row = {"file": file, "corpus": self.declared.name, **groups}
        for column, ours in self.declared.words.items():
            if (own := row.get(column)) is not None:
                row[column] = ours.get(own, own) or None
        self._of_speaker(row)
        if (sentence := row.get("sentence")) and self.declared.texts:
            row["text"] = self.declared.texts.get(sentence)
        return row, row.get("label")

    def _of_speaker(self, row: Row) -> None:
        name = row.get("speaker") or ""
        speaker = self.declared.speakers.get(name, _NOBODY)
        own = None if self.declared.language == "mul" else self.declared.language
        row["language"] = row.get("language") or speaker.language or own
        row["gender"] = row.get("gender") or speaker.gender
        row["age"] = row.get("age") or (str(speaker.age) if speaker.age is not None else None)
        for column, value in self.people.get(name, {}).items():
            row[column] = row.get(column) or value


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
    if corpus == "folder":
        return _inspect_folders(root, _recordings(_visible_files(root)), EmotionMap(labels))
    return inspect_declared(root, spec(corpus), labels)


def inspect_declared(root: Path, declared: CorpusSpec, labels: Labels | None = None) -> Inspection:
    """Like `inspect`, for a declaration that is at hand."""
    files = _visible_files(root)
    recordings = _recordings(files, declared.not_clips)
    told = about_people(root, files, declared.people) if declared.people else {}
    reader = _Reader(declared, EmotionMap(labels, declared.emotion_words()), told)
    if declared.files is not None:
        return _inspect_names(recordings, declared.files, reader)
    if declared.labels is not None:
        return _inspect_list(recordings, entries_of(root, files, declared.labels), reader)
    found = _inspect_list(recordings, entries_of_index(root, files, declared.index), reader)
    lost = {place for index in declared.index for place in index.lost}
    more = any(index.lists_more for index in declared.index)
    found.missing = [] if more else [place for place in found.missing if place not in lost]
    return found


def _visible_files(root: Path) -> list[str]:
    """Every file under the folder `root`, sorted; hidden files and folders are passed over."""
    if not root.is_dir():
        raise CorpusError(f"{root}: not a folder; give the folder that holds the corpus")
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


def _inspect_names(recordings: list[str], names: Files, reader: _Reader) -> Inspection:
    matcher = under_any_folder(names.pattern)
    folder = names.folder
    known_folders = {folder.format(speaker=name) for name in reader.declared.speakers} if folder else set()
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
        _add(found, reader, file, groups)
    return found


def _inspect_list(recordings: list[str], entries: Iterable[Entry], reader: _Reader) -> Inspection:
    on_disk = _OnDisk(recordings)
    found = Inspection()
    for place, columns in entries:
        file = on_disk.take(place)
        if file is not None:
            _add(found, reader, file, columns)
        else:
            found.missing.append(place)
    found.unmatched = sorted(on_disk.left)
    return found


class _OnDisk:
    """The recordings that are here, given out once each, by the end of their path less its suffix."""

    def __init__(self, recordings: Sequence[str]) -> None:
        self.left = set(recordings)
        self._recordings = recordings
        self._by_end: dict[int, dict[str, str]] = {}

    def take(self, place: str) -> str | None:
        """The recording whose path ends so, in whatever folders; of several the first."""
        stem = _stem(place)
        length = stem.count("/") + 1
        if length not in self._by_end:
            ends = self._by_end[length] = {}
            for file in self._recordings:
                ends.setdefault("/".join(_stem(file).split("/")[-length:]), file)
        found = self._by_end[length].get(stem)
        if found not in self.left:
            return None
        self.left.remove(found)
        return found


def _stem(place: str) -> str:
    """The place less the suffix of a recording: corpora are kept in other formats than they came in."""
    suffix = _suffix(place)
    return place[: -len(suffix)] if suffix in AUDIO_SUFFIXES else place


def _suffix(place: str) -> str:
    """As `Path.suffix`, in small letters; a path for each of a million places would take its time."""
    return os.path.splitext(place)[1].lower()  # noqa: PTH122


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


def _add(found: Inspection, reader: _Reader, file: str, groups: Mapping[str, str | None]) -> None:
    row, word = reader.row(file, groups)
    if word is not None:
        _set_emotion(found, reader.emotion_of, row, word)
    found.rows.append(row)


def _set_emotion(found: Inspection, emotion_of: EmotionMap, row: Row, word: str) -> None:
    try:
        row["emotion"] = emotion_of(word)
    except KeyError:
        found.unknown_labels[word].append(str(row["file"]))
