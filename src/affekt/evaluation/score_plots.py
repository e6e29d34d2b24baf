"""Figures of scores as probabilities, and of runs compared. Needs the extra `train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from affekt.errors import UsageError
from affekt.evaluation.plots import BLUE, GREY, ORANGE, heading, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from affekt.evaluation.bootstrap import Interval
    from affekt.evaluation.calibration_report import Calibration, Scores
    from affekt.evaluation.paired import Comparison
    from affekt.evaluation.report import Report


def reliability_figure(report: Report, path: Path) -> None:
    """Draws the share of right clips over their confidence, as scores are and with a temperature.

    Each point is a bin with as many clips as any other; the line through it is its interval over speakers.
    On the diagonal, confidence is the share that is right.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: the report has no scores.
        WriteError: the file cannot be written.
    """
    found = _calibration(report, path)
    panels = [("as they are", found.before, ORANGE)]
    if found.after is not None:
        panels.append((f"with a temperature, {found.fitted}", found.after, BLUE))
    figure = new_figure(0.6 + 4.2 * len(panels), 5.3)
    for axes, (name, scores, colour) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        draw_reliability(axes, scores, colour)
        axes.set_title(f"{name}\n{_text(scores)}", fontsize=9)
    figure.suptitle(heading(report), fontsize=10, parse_math=False)
    save(figure, path)


def risk_coverage_figure(report: Report, path: Path) -> None:
    """Draws the error rate among the surest clips over the share of clips that is answered.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: the report has no scores.
        WriteError: the file cannot be written.
    """
    found = _calibration(report, path)
    figure = new_figure(6.5, 4.5)
    draw_risk(figure.add_subplot(), found)
    figure.suptitle(heading(report), fontsize=10, parse_math=False)
    save(figure, path)


def comparison_figure(found: Comparison, path: Path) -> None:
    """Draws each system's `uar` and each pair's difference, with their intervals.

    Raises:
        MissingExtraError: matplotlib is not installed.
        WriteError: the file cannot be written.
    """
    pairs = [
        (f"{one.system} over {one.reference}" + ("" if one.p_holm is None else f"  p {one.p_holm:.3f}"), one)
        for one in found.pairs
    ]
    figure = new_figure(8, 2.2 + 0.35 * (len(found.systems) + len(pairs)))
    upper, lower = figure.subplots(2, 1, height_ratios=[len(found.systems) + 1, len(pairs) + 1])
    _draw_intervals(upper, [(one.name, one.figures["uar"]) for one in found.systems])
    upper.set_xlabel("uar")
    _draw_intervals(lower, [(name, one.figures["uar"]) for name, one in pairs])
    lower.axvline(0, color=GREY, linestyle="--", linewidth=1)
    lower.set_xlabel("difference in uar; p corrected for the number of pairs")
    title = (
        f"{found.clips} clips, {found.speakers} speakers; lines: {found.resampling.level:.0%} over speakers"
    )
    figure.suptitle(title, fontsize=10)
    save(figure, path)


def _draw_intervals(axes: Axes, rows: Sequence[tuple[str, Interval]]) -> None:
    for at, (_, interval) in enumerate(rows):
        if interval.low is not None and interval.high is not None:
            axes.plot([interval.low, interval.high], [at, at], color=BLUE, linewidth=3)
        if interval.value is not None:
            axes.plot(interval.value, at, "D", color=ORANGE, markersize=7)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8, parse_math=False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", color="lightgrey")


def _calibration(report: Report, path: Path) -> Calibration:
    if report.calibration is None:
        raise UsageError(f"{path}: the report holds no scores; there is nothing to draw")
    return report.calibration


def draw_risk(
    axes: Axes, found: Calibration, colours: tuple[str, str] = (ORANGE, BLUE), faint: str = "lightgrey"
) -> None:
    """Draws the curves before and after, in these colours; `faint` is that of the grid."""
    curves = [("as they are", found.before, colours[0], "--")]
    if found.after is not None:
        curves.append((f"with a temperature, {found.fitted}", found.after, colours[1], "-"))
    for name, scores, colour, style in curves:
        coverage, risk = zip(*scores.risk, strict=True)
        axes.plot(coverage, risk, style, color=colour, label=f"{name}: aurc {_value(scores, 'aurc')}")
    axes.axhline(found.before.risk[-1][1], color=GREY, linestyle=":", label="all clips answered")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("share of clips answered, surest first")
    axes.set_ylabel("errors among them")
    axes.grid(color=faint)
    axes.legend(frameon=False, fontsize=8)


def draw_reliability(axes: Axes, scores: Scores, colour: str, faint: str = "lightgrey") -> None:
    """Draws one set of scores; `faint` is the colour of the grid."""
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    bins = scores.reliability
    for confidence, right in zip(bins.confidence, bins.right, strict=True):
        if right.low is not None and right.high is not None:
            axes.plot([confidence, confidence], [right.low, right.high], color=colour, alpha=0.5)
    values = [right.value if right.value is not None else float("nan") for right in bins.right]
    axes.plot(bins.confidence, values, "o-", color=colour, markersize=5)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is right (line: over speakers)")
    axes.grid(color=faint)


def _text(scores: Scores) -> str:
    interval = scores.figures["ece"]
    text = f"ece {_value(scores, 'ece')}"
    if interval.low is not None and interval.high is not None:
        text += f" [{interval.low:.2f}, {interval.high:.2f}]"
    return f"{text}, nll {_value(scores, 'nll')}"


def _value(scores: Scores, name: str) -> str:
    value = scores.figures[name].value
    return "not defined" if value is None else f"{value:.3f}"
