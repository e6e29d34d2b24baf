"""The corpus check: what stands in the way of honest work on a corpus or a table, before any training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.corpora.contents import contents_of
from affekt.corpora.counts import compare_counts
from affekt.corpora.emotions import unknown_words
from affekt.corpora.findings import Finding
from affekt.corpora.reading import read
from affekt.corpora.scan import Inspection, inspect
from affekt.corpora.source import parse_source
from affekt.corpora.speakers import speaker_key, words
from affekt.corpora.spec import spec
from affekt.corpora.table import frame
from affekt.errors import AudioError, CorpusError

if TYPE_CHECKING:
    from pandas import DataFrame

Progress = Callable[[int, int], None]

# A segment may end this many seconds after its file does: times in tables are rounded.
_END_TOLERANCE_S = 0.05


def check(
    source: str, root: Path | None = None, *, quick: bool = False, progress: Progress | None = None
) -> list[Finding]:
    """Checks names, labels, counts, copies and, unless `quick`, that every recording can be decoded.

    Args:
        source: as for `load`.
        root: as for `load`.
        quick: leaves the decoding out.
        progress: called with (files decoded, files in all).

    Raises:
        UsageError: not a source.
    """
    kind, place = parse_source(source, root)
    try:
        if kind == "table":
            table, findings = read(place, root), []
        else:
            found = inspect(place, kind)
            table, findings = frame(found.rows, place), list(_walked(place, kind, found))
    except CorpusError as error:
        return [Finding("error", "unusable", str(error))]
    if table.empty:
        return [
            *findings,
            Finding("error", "empty", f"{source}: no clips here; give the corpus's own folder"),
        ]
    findings += _speakers(table)
    present = [Path(path).is_file() for path in table["path"]]
    if gone := _files(table, [i for i, there in enumerate(present) if not there]):
        findings.append(Finding("error", "missing_file", f"{len(gone)} files are not on disk", gone))
    findings += _copies(table)
    if not quick:
        findings += _decoded(table[present], progress)
    return findings


def _walked(root: Path, kind: str, found: Inspection) -> Iterator[Finding]:
    if found.unknown_labels:
        concerned = tuple(file for files in found.unknown_labels.values() for file in files)
        message = unknown_words(str(root), found.unknown_labels)
        yield Finding("error", "unknown_label", message, concerned)
    if found.missing:
        message = f"{len(found.missing)} clips that the corpus lists are not on disk"
        yield Finding("error", "missing_file", message, tuple(found.missing))
    if found.misplaced:
        message = f"{len(found.misplaced)} clips lie in another speaker's folder; the name is taken for true"
        yield Finding("warning", "misplaced", message, tuple(found.misplaced))
    if found.unmatched:
        where = (
            "lie in no folder that names an emotion" if kind == "folder" else f"are not named as in {kind}"
        )
        message = f"{len(found.unmatched)} recordings {where}, and are left out"
        yield Finding("warning", "unmatched", message, tuple(found.unmatched))
    if kind != "folder" and found.rows:
        yield from compare_counts(spec(kind), found.rows)


def _speakers(table: DataFrame) -> Iterator[Finding]:
    unknown = [i for i, speaker in enumerate(table["speaker"]) if speaker is None]
    if unknown:
        message = (
            f"{len(unknown)} rows have no speaker: folds that keep speakers apart cannot be made of them"
        )
        yield Finding("warning", "no_speaker", message, _files(table, unknown))
    written = words(table, "speaker")
    spellings: dict[str, set[str]] = defaultdict(set)
    for key, name in zip(speaker_key(table, allow_unknown=True), written, strict=True):
        spellings[key].add(name)
    for names in spellings.values():
        if len(names) > 1:
            message = (
                f"speaker written in {len(names)} ways, taken for one person: {', '.join(sorted(names))}"
            )
            yield Finding("warning", "speaker_spelling", message)


def _copies(table: DataFrame) -> Iterator[Finding]:
    """Equal bytes under several names; an error where they are said to be two people or two emotions."""
    originals = contents_of(table["path"].tolist())
    groups: dict[str, list[int]] = defaultdict(list)
    for position, original in enumerate(originals):
        groups[original].append(position)
    speakers = words(table, "speaker")
    emotions = words(table, "emotion")
    for group in groups.values():
        concerned = _files(table, group)
        if len(concerned) < 2:
            continue
        people, felt = {speakers[i] for i in group}, {emotions[i] for i in group}
        differ = [what for what, values in (("speakers", people), ("emotions", felt)) if len(values) > 1]
        claim = f" but of different {' and '.join(differ)}" if differ else ""
        message = f"the same audio under {len(concerned)} names{claim}: {', '.join(concerned[:3])}"
        yield Finding("error" if differ else "warning", "duplicate_audio", message, concerned)


def _decoded(table: DataFrame, progress: Progress | None) -> Iterator[Finding]:
    from affekt import audio

    ends = table.groupby("path", sort=True)["end"].max()
    names = dict(zip(table["path"], table["file"], strict=True))
    warned: dict[str, list[str]] = defaultdict(list)
    for done, (path, end) in enumerate(ends.items(), start=1):
        file = names[path]
        try:
            with audio.stream(Path(str(path))) as blocks:
                seconds = sum(len(block) for block in blocks) / audio.SAMPLE_RATE
        except AudioError as error:
            yield Finding("error", "unreadable", f"{file}: {error.problem}; {error.remedy}", (file,))
        else:
            for code in blocks.warnings:
                warned[code].append(file)
            if end > seconds + _END_TOLERANCE_S:
                message = f"{file}: a segment ends at {end} s, the recording at {seconds:.2f} s"
                yield Finding("error", "segment_past_end", message, (file,))
        if progress is not None:
            progress(done, len(ends))
    for code, concerned in sorted(warned.items()):
        yield Finding("warning", f"audio_{code}", f"{len(concerned)} recordings: {code}", tuple(concerned))


def _files(table: DataFrame, positions: Sequence[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(table["file"].iloc[list(positions)]))
