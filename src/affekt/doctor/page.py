"""A checkup as a page in one file: findings, figures of lengths, levels and give-aways, labels by speaker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from affekt import html
from affekt.corpora.findings import SEVERITIES
from affekt.doctor.checkup import Checkup
from affekt.doctor.giveaway import GiveAway
from affekt.doctor.hearing import Heard

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

MOST_SPEAKERS = 60
MOST_SUSPECTS = 50


def write_page(checkup: Checkup, path: Path) -> None:
    """Writes the report of a checkup: no request, no script, whatever the files are called.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
        WriteError: the disk refuses.
    """
    html.write(path, page(checkup))


def page(checkup: Checkup) -> str:
    """The report as HTML."""
    speakers, emotions, cells = _by_speaker(checkup)
    return html.render(
        "affekt.doctor",
        "report.html",
        title=f"Corpus check: {checkup.source}",
        tiles=_tiles(checkup),
        findings=checkup.findings,
        severities=SEVERITIES,
        figures=list(_figures(checkup)),
        emotions=emotions,
        rows=list(zip(speakers, cells, strict=True)),
        left_out=max(0, _speaker_count(checkup) - MOST_SPEAKERS),
        suspects=_suspects(checkup),
        doubts=checkup.doubts,
    )


def _tiles(checkup: Checkup) -> list[tuple[str, str]]:
    subject = checkup.subject
    rows = 0 if subject is None else len(subject)
    seconds = sum(one.measures.seconds for one in checkup.heard.values())
    tiles = [
        (f"{severity}s" if severity != "info" else "notes", f"{checkup.count(severity)}")
        for severity in SEVERITIES
    ]
    tiles.append(("clips", f"{rows:,}"))
    if subject is not None and subject.speakers_known:
        tiles.append(("speakers", f"{len(set(subject.speakers)):,}"))
    if subject is not None:
        tiles.append(("emotions", f"{len(set(subject.emotions) - {''})}"))
    if checkup.heard:
        tiles.append(("heard", f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"))
    return tiles


def _speaker_count(checkup: Checkup) -> int:
    return len(set(checkup.subject.speakers)) if checkup.subject and checkup.subject.speakers_known else 0


def _by_speaker(checkup: Checkup) -> tuple[list[str], list[str], list[list[tuple[str, float]]]]:
    """Speakers, emotions, and of each speaker the counts, coloured by their share of the speaker's clips."""
    subject = checkup.subject
    if subject is None or not subject.speakers_known or not subject.labelled:
        return [], [], []
    counts = Counter((subject.speakers[at], subject.emotions[at]) for at in subject.labelled)
    emotions = sorted({emotion for _, emotion in counts})
    speakers = sorted({speaker for speaker, _ in counts})[:MOST_SPEAKERS]
    cells = []
    for speaker in speakers:
        own = [counts[speaker, emotion] for emotion in emotions]
        cells.append([(str(count) if count else "–", count / sum(own)) for count in own])
    return speakers, emotions, cells


def _suspects(checkup: Checkup) -> list[tuple[str, str, str, str, str]]:
    subject = checkup.subject
    if checkup.doubts is None or not checkup.doubts.skilled or subject is None:
        return []
    return [
        (subject.files[one.row], one.label, f"{one.given:.2f}", one.instead, f"{one.other:.2f}")
        for one in checkup.doubts.suspects[:MOST_SUSPECTS]
    ]


def _figures(checkup: Checkup) -> Sequence[tuple[Markup, str]]:
    if not checkup.heard or checkup.subject is None:
        return []
    groups = _groups(checkup)
    drawn = [
        (
            html.picture(
                _spread(groups, lambda one: one.measures.seconds, "length, s"),
                "lengths by emotion",
                _size(groups),
            ),
            "Lengths by emotion: the box holds the middle half, the line the median, the whiskers 90 %.",
        ),
        (
            html.picture(
                _spread(groups, lambda one: one.measures.level, "level, dBFS"),
                "levels by emotion",
                _size(groups),
            ),
            "Levels by emotion. Acting moves them; classes that do not overlap at all were recorded apart.",
        ),
    ]
    if checkup.given_away:
        drawn.append(
            (
                html.picture(
                    _given(checkup.given_away), "how well measures alone tell the emotion", (5.0, 2.8)
                ),
                "How well the emotion is told by these measures alone, of speakers never seen: uar with its "
                "95 % interval over speakers. The dashed line is chance.",
            )
        )
    return drawn


def _groups(checkup: Checkup) -> dict[str, list[Heard]]:
    assert checkup.subject is not None
    groups: dict[str, list[Heard]] = {}
    for at, heard in checkup.heard.items():
        groups.setdefault(checkup.subject.emotions[at] or "no emotion", []).append(heard)
    return dict(sorted(groups.items()))


def _size(groups: dict[str, Any]) -> tuple[float, float]:
    return 5.0, 1.2 + 0.32 * len(groups)


def _spread(groups: dict[str, list[Heard]], value: Callable[[Heard], float], name: str) -> html.Draw:
    def draw(figure: Figure, theme: html.Theme) -> None:
        axes = figure.add_subplot()
        drawn = axes.boxplot(
            [[value(one) for one in heard] for heard in groups.values()],
            orientation="horizontal",
            whis=(5, 95),
            showfliers=False,
            widths=0.6,
            patch_artist=True,
        )
        for part in ("boxes", "whiskers", "caps"):
            for line in drawn[part]:
                line.set_color(theme.blue)
        for line in drawn["medians"]:
            line.set_color(theme.ink)
        axes.set_yticks(range(1, len(groups) + 1), list(groups))
        axes.invert_yaxis()
        axes.set_xlabel(name)
        axes.grid(axis="x", color=theme.faint)
        axes.set_axisbelow(True)

    return draw


def _given(found: Sequence[GiveAway]) -> html.Draw:
    def draw(figure: Figure, theme: html.Theme) -> None:
        axes = figure.add_subplot()
        for at, one in enumerate(found):
            if one.uar.low is not None and one.uar.high is not None:
                axes.plot([one.uar.low, one.uar.high], [at, at], color=theme.blue, linewidth=3)
            if one.uar.value is not None:
                axes.plot(one.uar.value, at, "D", color=theme.orange, markersize=7)
        axes.axvline(found[0].chance, color=theme.ink, linestyle="--", linewidth=1)
        axes.set_yticks(np.arange(len(found)), [one.measures for one in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.set_xlabel("uar")
        axes.grid(axis="x", color=theme.faint)
        axes.set_axisbelow(True)

    return draw
