"""The corpus check: what stands in the way of honest work on a corpus or a table, before any training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from affekt.corpora.counts import compare_counts
from affekt.corpora.emotions import unknown_words
from affekt.corpora.findings import SEVERITIES, Finding
from affekt.corpora.near_copies import Shelf
from affekt.corpora.reading import read
from affekt.corpora.scan import Inspection, inspect
from affekt.corpora.source import parse_source
from affekt.corpora.spec import spec
from affekt.corpora.table import frame
from affekt.doctor.copies import Copies, equal_bytes, equal_sound, examine_copies, not_compared
from affekt.doctor.giveaway import GiveAway, examine_give_aways, give_aways
from affekt.doctor.hearing import Caught, Heard, Missed, listen
from affekt.doctor.names import examine_names
from affekt.doctor.partings import examine_folds
from affekt.doctor.people import examine_people
from affekt.doctor.subjects import Subject
from affekt.doctor.suspects import Doubts, examine_doubts, quick_doubts, run_doubts
from affekt.doctor.voices import examine_voices
from affekt.errors import CorpusError, UsageError
from affekt.labels import nearest
from affekt.model_folder import open_folder
from affekt.recognizer import resolve
from affekt.splits import PROTOCOLS

Progress = Callable[[int, int, str], None]

TOO_SHORT_S = 0.3
END_TOLERANCE_S = 0.05
"""A segment may end this many seconds after its file does: times in tables are rounded."""


@dataclass
class Checkup:
    """What a check found, the gravest first, and what it measured.

    `heard` holds the rows that could be decoded, by position; it is empty for a quick check.
    """

    source: str
    findings: list[Finding]
    subject: Subject | None = None
    heard: dict[int, Heard] = field(default_factory=dict)
    given_away: list[GiveAway] = field(default_factory=list)
    doubts: Doubts | None = None

    def count(self, severity: str) -> int:
        """How many findings there are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def failed(self, *, strict: bool = False) -> bool:
        """Whether there are errors or, where `strict`, warnings."""
        return self.count("error") > 0 or (strict and self.count("warning") > 0)

    def to_json(self) -> dict[str, Any]:
        """The findings and the measures, as plain data."""
        rows = 0 if self.subject is None else len(self.subject)
        seconds = sum(one.measures.seconds for one in self.heard.values())
        return {
            "source": self.source,
            "rows": rows,
            "heard": len(self.heard),
            "seconds": round(seconds, 2),
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "findings": [finding.to_json() for finding in self.findings],
            "given_away": [
                {"measures": one.measures, "chance": one.chance, **one.uar.to_json()}
                for one in self.given_away
            ],
            "suspects": [
                {"file": subject.files[one.row], **vars(one)}
                for subject, doubts in [(self.subject, self.doubts)]
                if subject and doubts and doubts.skilled
                for one in doubts.suspects
            ],
        }


def check_corpus(
    source: str,
    root: Path | None = None,
    *,
    quick: bool = False,
    protocol: str | None = None,
    scores: Path | None = None,
    speaker_model: str | Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Checkup:
    """Looks for what makes results on a corpus untrue: damage, copies, leaks, give-aways, doubtful labels.

    Args:
        source: a table, `folder:FOLDER` or a corpus such as `emodb:FOLDER`.
        root: for a table, the folder its files are relative to.
        quick: leaves the decoding out, and all that needs it.
        protocol: looks for leaks in the folds of this protocol; otherwise in the column `split`, if any.
        scores: the folder of a cross-validation on this corpus, whose scores doubt labels.
        speaker_model: a model folder, or a known model, whose embeddings tell voices apart.
        seed: of cross-validations and intervals.
        progress: called with (files decoded, files in all, what is being done).

    Raises:
        UsageError: not a source, a protocol, a run or a model.
        ModelFolderError: the model is damaged or not to be trusted.
        MissingExtraError: scikit-learn or pandas is not installed.
    """
    if protocol is not None and protocol not in PROTOCOLS:
        raise UsageError(f"'{protocol}' is not a protocol{nearest(protocol, PROTOCOLS)}")
    if quick and (scores or speaker_model):
        raise UsageError("a quick check hears nothing; leave --quick out, or --scores and --speaker-model")
    # Opened before anything is heard, so that a wrong one is told of at once.
    voices = open_folder(resolve(speaker_model)) if speaker_model is not None else None
    try:
        subject, findings = _subject(source, root)
    except CorpusError as error:
        return Checkup(source, [Finding("error", "unusable", str(error))])
    if len(subject) == 0:
        message = f"{source}: no clips here; give the corpus's own folder"
        return Checkup(source, [*findings, Finding("error", "empty", message)])
    found = Checkup(source, findings, subject)
    findings += examine_names(subject)
    findings += examine_people(subject)
    present = [at for at, path in enumerate(subject.paths) if Path(path).is_file()]
    if len(present) < len(subject):
        gone = sorted(set(range(len(subject))) - set(present))
        files = len({subject.paths[at] for at in gone})
        findings.append(subject.finding("error", "missing_file", f"{files} files are not on disk", gone))
    copies = equal_bytes(subject)
    if not quick:
        _hear(found, copies, present, progress)
        found.given_away = give_aways(subject, found.heard, seed)
        findings += examine_give_aways(subject, found.given_away)
        found.doubts = run_doubts(subject, scores) if scores else quick_doubts(subject, found.heard, seed)
        findings += examine_doubts(subject, found.doubts)
        if voices is not None:
            findings += examine_voices(subject, sorted(found.heard), voices, progress)
    findings += examine_copies(subject, copies)
    findings += examine_folds(subject, copies, protocol)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return found


def _subject(source: str, root: Path | None) -> tuple[Subject, list[Finding]]:
    kind, place = parse_source(source, root)
    if kind == "table":
        strange: dict[str, list[str]] = {}
        table = read(place, root, unknown=strange)
        return Subject(table, listed=True), list(_unknown(str(place), strange))
    found = inspect(place, kind)
    return Subject(frame(found.rows, place)), list(_walked(place, kind, found))


def _unknown(origin: str, words: dict[str, list[str]]) -> Iterator[Finding]:
    if words:
        concerned = tuple(file for files in words.values() for file in files)
        yield Finding("error", "unknown_label", unknown_words(origin, words), concerned)


def _walked(root: Path, kind: str, found: Inspection) -> Iterator[Finding]:
    yield from _unknown(str(root), found.unknown_labels)
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


def _hear(found: Checkup, copies: Copies, present: list[int], progress: Progress | None) -> None:
    """Decodes everything once: measures, damage, and what sounds the same."""
    subject = found.subject
    assert subject is not None
    unread: dict[str, Missed] = {}
    tick = None if progress is None else (lambda done, total: progress(done, total, "hearing clips"))
    shelved: list[int] = []
    with Shelf() as shelf:
        for one in listen(subject.table, present, tick):
            if isinstance(one, Caught):
                shelf.add(one.prints)
                shelved.append(one.row)
                found.heard[one.row] = one.heard
            else:
                unread.setdefault(subject.paths[one.row], one)
        if progress is not None:
            progress(len(present), len(present), "looking for copies")
        equal_sound(subject, copies, shelf, shelved)
    for row, error in unread.values():
        message = f"{subject.files[row]}: {error.problem}; {error.remedy}"
        found.findings.append(subject.finding("error", "unreadable", message, [row]))
    found.findings += _damage(subject, found.heard)
    found.findings += not_compared(subject, found.heard)


def _damage(subject: Subject, heard: dict[int, Heard]) -> Iterator[Finding]:
    warned: dict[str, list[int]] = defaultdict(list)
    past: list[int] = []
    for at, one in heard.items():
        for code in one.warnings:
            warned[code].append(at)
        if one.measures.seconds < TOO_SHORT_S:
            warned["too_short"].append(at)
        start, end = float(subject.table["start"].iloc[at]), float(subject.table["end"].iloc[at])
        begin = 0.0 if start != start else start  # noqa: PLR0124
        if end - begin > one.measures.seconds + END_TOLERANCE_S:
            past.append(at)
    for at in past:
        end = float(subject.table["end"].iloc[at])
        message = (
            f"{subject.files[at]}: a segment ends at {end:g} s, {end - heard[at].measures.seconds:.2f} s late"
        )
        yield subject.finding("error", "segment_past_end", message, [at])
    for code, rows in sorted(warned.items()):
        what = f"shorter than {TOO_SHORT_S} s" if code == "too_short" else code
        yield subject.finding("warning", code, f"{len(rows)} clips: {what}", sorted(rows))
