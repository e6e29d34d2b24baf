"""Figures as PNG files: confusion, speakers, learning curve, ablations. Needs the extra `train`.

Drawn on `matplotlib.figure.Figure` with the Agg canvas, without pyplot: no global state, so any thread may
draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affekt.errors import MissingExtraError, UsageError
from affekt.files import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from affekt.evaluation.ablation import Ablation
    from affekt.evaluation.report import Report

DOTS_PER_INCH = 150
_NAMED_SPEAKERS = 60
_MOST_CHARACTERS = 48
# Okabe & Ito's palette: told apart with any kind of colour vision.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"


def confusion_figure(report: Report, path: Path) -> None:
    """Draws the confusion matrix: the colour is the share of the true class, each cell has share and count.

    A class that never occurs in the truth has a grey row.

    Raises:
        MissingExtraError: matplotlib is not installed.
        WriteError: the file cannot be written.
    """
    counts = np.array(report.confusion)
    clips = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, clips, out=np.full(counts.shape, np.nan), where=clips > 0)
    size = len(report.labels)
    side = 2.8 + 0.6 * size
    figure = new_figure(side + 0.9, side)
    axes = figure.add_subplot()
    axes.set_facecolor("lightgrey")
    image = axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
    for row, column in np.ndindex(size, size):
        part = share[row, column]
        text = str(counts[row, column]) if np.isnan(part) else f"{part:.0%}\n{counts[row, column]}"
        colour = "white" if part < 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(size), report.labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), report.labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, fraction=0.045, pad=0.03, label="share of the true class")
    _title(figure, report)
    save(figure, path)


def speakers_figure(report: Report, path: Path) -> None:
    """Draws the uar of each speaker, best on top, with the lines of chance and of the pooled uar.

    Above 60 speakers the names are left out.

    Raises:
        MissingExtraError: matplotlib is not installed.
        WriteError: the file cannot be written.
    """
    groups = sorted(report.per_speaker, key=lambda group: group.uar)
    named = len(groups) <= _NAMED_SPEAKERS
    figure = new_figure(7, 1.9 + 0.22 * len(groups) if named else 6)
    axes = figure.add_subplot()
    axes.axvline(1 / len(report.labels), color=GREY, linestyle="--", label="chance")
    pooled = report.pooled["uar"].value
    if pooled is not None:
        axes.axvline(pooled, color=ORANGE, label="all clips pooled")
    axes.plot(
        [group.uar for group in groups],
        range(len(groups)),
        "o",
        color=BLUE,
        markersize=6 if named else 3,
        label="one speaker",
        clip_on=False,
    )
    if named:
        names = [f"{short(group.name)} ({group.clips})" for group in groups]
        axes.set_yticks(range(len(groups)), names, fontsize=8, parse_math=False)
        axes.set_ylabel("speaker (clips)")
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(groups)} speakers, by uar")
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.7, len(groups) - 0.3)
    axes.set_xlabel("uar")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    _title(figure, report)
    save(figure, path)


def learning_curve_figure(log_rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draws a training log over epochs: losses, learning rate, and validation uar if it was watched.

    Each row has `epoch` and any of `train_loss`, `validation_loss`, `validation_uar`, `learning_rate`; a
    value that is missing or None leaves a gap.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: there are no rows.
        WriteError: the file cannot be written.
    """
    if not log_rows:
        raise UsageError(f"{path}: the training log has no epochs yet; there is nothing to draw")
    epochs = _column(log_rows, "epoch")
    uars = _column(log_rows, "validation_uar")
    watched = not np.isnan(uars).all()
    figure = new_figure(7, 6.5 if watched else 4.5)
    heights = [3.0, 3.0, 1.4] if watched else [3.0, 1.4]
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    loss, rate = panels[0], panels[-1]
    loss.plot(epochs, _column(log_rows, "train_loss"), ".-", color=BLUE, label="training")
    validation_losses = _column(log_rows, "validation_loss")
    if not np.isnan(validation_losses).all():
        loss.plot(epochs, validation_losses, "s-", ms=3, color=ORANGE, label="validation")
    loss.set_ylabel("loss")
    loss.legend(frameon=False)
    if watched:
        _draw_watched(panels[1], epochs, uars)
    rate.plot(epochs, _column(log_rows, "learning_rate"), ".-", color=GREY)
    rate.set_ylabel("learning rate")
    rate.set_xlabel("epoch")
    rate.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels:
        axes.grid(alpha=0.3)
    figure.align_ylabels()
    save(figure, path)


def _draw_watched(axes: Axes, epochs: NDArray[np.float64], uars: NDArray[np.float64]) -> None:
    best = int(np.nanargmax(uars))
    axes.plot(epochs, uars, "s-", ms=3, color=ORANGE)
    axes.plot(epochs[best], uars[best], "o", ms=10, mfc="none", color="black")
    axes.set_title(f"highest {uars[best]:.3f} at epoch {epochs[best]:.0f}", fontsize=9, loc="right")
    axes.set_ylabel("validation uar")


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> NDArray[np.float64]:
    values = [row.get(key) for row in rows]
    return np.array([np.nan if value is None else value for value in values], np.float64)


def short(name: str) -> str:
    """A name that leaves room for a figure beside it, on one line."""
    line = " ".join(name.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}…"


def heading(report: Report) -> str:
    """What a figure of a report is headed by, before what it shows."""
    return f"{short(report.title)}\n{short(report.protocol)}"


def _title(figure: Figure, report: Report) -> None:
    uar = report.pooled["uar"]
    text = "uar not defined" if uar.value is None else f"uar {uar.value:.3f}"
    if uar.low is not None and uar.high is not None:
        text += f" [{uar.low:.2f}, {uar.high:.2f}]"
    figure.suptitle(f"{heading(report)}: {text}", fontsize=10, parse_math=False)


def ablation_figure(result: Ablation, path: Path) -> None:
    """Draws each condition's `uar` with its interval, and a point for each seed.

    Raises:
        MissingExtraError: matplotlib is not installed.
        WriteError: the file cannot be written.
    """
    figure = new_figure(7.5, 1.6 + 0.55 * len(result.conditions))
    axes = figure.add_subplot()
    for row, one in enumerate(result.conditions):
        interval = one.metrics["uar"]
        if interval.low is not None and interval.high is not None:
            axes.plot([interval.low, interval.high], [row, row], color=BLUE, linewidth=3, zorder=2)
        axes.plot(one.seeds, [row] * len(one.seeds), "o", color=GREY, markersize=4, zorder=3)
        if interval.value is not None:
            axes.plot(interval.value, row, "D", color=ORANGE, markersize=8, zorder=4)
    axes.set_yticks(range(len(result.conditions)), [one.name for one in result.conditions])
    axes.invert_yaxis()
    axes.set_xlabel("uar (diamond: mean over seeds, dots: seeds, line: 95 % over speakers)")
    axes.grid(axis="x", color="lightgrey", zorder=0)
    axes.set_title(f"{result.title}\n{result.protocol}", fontsize=10)
    save(figure, path)


def shares_figure(
    curves: Mapping[str, Sequence[tuple[float, float, float, float]]], path: Path, *, title: str
) -> None:
    """Draws `uar` over the share of the training clips: name -> points (share, uar, low, high).

    Raises:
        MissingExtraError: matplotlib is not installed.
        WriteError: the file cannot be written.
    """
    figure = new_figure(6.5, 4.2)
    axes = figure.add_subplot()
    styles = zip(curves.items(), (GREY, BLUE, ORANGE), ("o--", "s-", "D-"), strict=False)
    for (name, points), colour, style in styles:
        share, value, low, high = (np.array(column) for column in zip(*points, strict=True))
        axes.plot(100 * share, value, style, color=colour, label=name)
        axes.fill_between(100 * share, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel("training clips used, %")
    axes.set_ylabel("uar (band: 95 % over speakers)")
    axes.grid(color="lightgrey")
    axes.legend(frameon=False)
    axes.set_title(title, fontsize=10)
    save(figure, path)


def new_figure(width: float, height: float) -> Figure:
    """A figure of that many inches, on the Agg canvas."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing figures", "train") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Writes the figure as PNG, whole."""
    with atomic(path) as stream:
        figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)
