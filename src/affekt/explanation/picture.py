"""An explanation as one picture: waveform, spectrogram with the map over it, regions, scores. PNG.

Drawn on `matplotlib.figure.Figure` with the Agg canvas, without pyplot: no global state, so any thread may
draw.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from affekt.errors import MissingExtraError
from affekt.explanation.maps import Map, mel
from affekt.explanation.overview import Overview
from affekt.explanation.regions import Mask, outlined
from affekt.explanation.result import Explanation, printable
from affekt.files import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150
SMALL_DOTS_PER_INCH = 110
"""Of a picture that stands in a page, beside many others."""
DYNAMIC_DB = 70
"""The quietest of the spectrogram that is drawn, below its loudest."""

_QUIET_DB = -50
"""A recording that is never louder than this is drawn as faint as it is."""
_TICKS_HZ = (125, 250, 500, 1000, 2000, 4000, 8000)
# Okabe & Ito's palette: told apart with any kind of colour vision.
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"
_NAME_WIDTH = 90
_MANY = 25


def draw(explanation: Explanation, path: Path) -> None:
    """Draws an explanation; a file that is called `.webp` becomes a small one of a tenth of the bytes.

    Raises:
        MissingExtraError: matplotlib is not installed.
        WriteError: the file cannot be written.
    """
    figure = figure_or_reason()
    grid = figure.add_gridspec(2, 2, width_ratios=(4.6, 1), height_ratios=(1, 3.2))
    wave = figure.add_subplot(grid[0, 0])
    spectrogram = figure.add_subplot(grid[1, 0], sharex=wave)
    draw_wave(wave, explanation.overview)
    _draw_map(figure, spectrogram, explanation)
    _draw_scores(figure.add_subplot(grid[1, 1]), explanation)
    _write_trust(figure.add_subplot(grid[0, 1]), explanation)
    figure.suptitle(_title(explanation), fontsize=11, parse_math=False)
    with atomic(path) as stream:
        if path.suffix.lower() == ".webp":
            figure.savefig(stream, format="webp", dpi=SMALL_DOTS_PER_INCH, pil_kwargs={"quality": 75})
        else:
            figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)


def draw_wave(axes: Axes, overview: Overview) -> None:
    """Draws the envelope of the samples over time."""
    low, high = (np.append(edge, edge[-1]) for edge in (overview.low, overview.high))
    axes.fill_between(overview.grid.times, low, high, color=_GREY, linewidth=0.4, step="post")
    reach = max(float(-overview.low.min()), float(overview.high.max()), 1e-4)
    axes.set_ylim(-1.05 * reach, 1.05 * reach)
    axes.set_xlim(overview.grid.times[0], overview.grid.times[-1])
    axes.set_ylabel("amplitude\n(full scale 1)", fontsize=8)
    axes.tick_params(labelbottom=False, labelsize=8)
    axes.grid(axis="x", alpha=0.3)


def draw_spectrogram(axes: Axes, overview: Overview) -> None:
    """Draws the spectrogram in grey over time, its frequencies on the mel scale."""
    times, heights = overview.grid.times, mel(overview.grid.hertz)
    loudest = max(float(overview.decibels.max()), _QUIET_DB)
    axes.pcolormesh(
        times, heights, overview.decibels, cmap="Greys", vmin=loudest - DYNAMIC_DB, vmax=loudest + 10,
        rasterized=True,
    )  # fmt: skip
    axes.set_yticks(mel(np.array(_TICKS_HZ)), [_hertz(one) for one in _TICKS_HZ], fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_ylabel("frequency (Hz, mel scale)", fontsize=9)


def _draw_map(figure: Figure, axes: Axes, explanation: Explanation) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    draw_spectrogram(axes, explanation.overview)
    heights = mel(explanation.overview.grid.hertz)
    drawn, mask = outlined(explanation.map, explanation.prediction.end)
    positive = np.maximum(drawn.values, 0)
    largest = float(positive.max())
    shown = positive / largest if largest > 0 else positive
    colours = _colours()
    axes.imshow(
        shown, cmap=colours, vmin=0, vmax=1, extent=(0, explanation.prediction.end, 0, float(heights[-1])),
        origin="lower", aspect="auto", interpolation="bilinear", zorder=1.5,
    )  # fmt: skip
    _outline(axes, drawn, mask, 1.3 if len(explanation.regions) < _MANY else 0.7)
    label_time(axes, explanation.prediction.end)
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), colours), ax=axes, fraction=0.03, pad=0.015)
    bar.set_label(f"{explanation.meaning} ({explanation.unit}, 1 = most)", fontsize=8)
    bar.ax.tick_params(labelsize=7)


def _colours() -> Colormap:
    """viridis, the fainter the less: where nothing speaks for the emotion the grey spectrogram stays."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    strength = np.linspace(0, 1, 256)
    colours = colormaps["viridis"](strength)
    colours[:, 3] = 0.8 * strength**0.8
    return ListedColormap(colours)


def _outline(axes: Axes, drawn: Map, mask: Mask, thickness: float) -> None:
    """The top tenth, in orange on black, so that it stands out on any ground."""
    if not mask.any():
        axes.text(
            0.5, 0.5, "nothing in this recording speaks for it", transform=axes.transAxes, ha="center",
            color=_ORANGE, fontsize=10,
        )  # fmt: skip
        return
    # A margin of nothing closes the outline at the edges of the map.
    padded = np.pad(mask.astype(float), 1)
    columns, bands = drawn.grid.moments, drawn.grid.mels
    xs = np.concatenate([[drawn.grid.times[0]], columns, [drawn.grid.times[-1]]])
    ys = np.concatenate([[0.0], bands, [float(mel(drawn.grid.hertz[-1]))]])
    for colour, width in (("black", 2 * thickness), (_ORANGE, thickness)):
        axes.contour(xs, ys, padded, levels=[0.5], colors=colour, linewidths=width)


def _draw_scores(axes: Axes, explanation: Explanation) -> None:
    scores = explanation.prediction.scores
    places = range(len(scores))
    colours = [_ORANGE if label == explanation.emotion else _BLUE for label in scores]
    axes.barh(places, list(scores.values()), color=colours, height=0.65)
    for place, score in zip(places, scores.values(), strict=True):
        inside = score > 0.7
        at, side, colour = (score - 0.03, "right", "white") if inside else (score + 0.03, "left", "black")
        axes.text(at, place, f"{score:.2f}", va="center", ha=side, color=colour, fontsize=8)
    axes.set_yticks(places, list(scores), fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("score", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _write_trust(axes: Axes, explanation: Explanation) -> None:
    axes.set_axis_off()
    axes.text(0, 1, "\n".join(_trust_lines(explanation)), va="top", fontsize=7.5, linespacing=1.5)


def _trust_lines(explanation: Explanation) -> list[str]:
    pieces = f", {explanation.pieces} pieces" if explanation.pieces > 1 else ""
    return [f"method: {explanation.method}{pieces}", *explanation.trust()]


def _title(explanation: Explanation) -> str:
    said = explanation.prediction
    name = printable(Path(said.file).name)
    lines = textwrap.wrap(name, _NAME_WIDTH) or [name]
    if len(lines) > 2:
        lines = [lines[0], f"…{name[1 - _NAME_WIDTH :]}"]
    answer = f"{said.label} {said.confidence:.0%}"
    if explanation.emotion != said.label:
        answer += f" (explained: {explanation.emotion} {said.scores[explanation.emotion]:.0%})"
    if said.warnings:
        answer += f"   warning: {', '.join(said.warnings)}"
    return "\n".join([*lines, answer])


def label_time(axes: Axes, seconds: float) -> None:
    """Names the axis of time: seconds, or a clock for long recordings."""
    if seconds < 120:
        axes.set_xlabel("time (s)", fontsize=9)
        return
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    unit, name = (3600, "h:min") if seconds >= 7200 else (60, "min:s")
    steps = [1, 1.5, 2, 3, 6, 10] if seconds >= 7200 else [1, 1.5, 2, 3, 4.5, 6, 10]

    def clock(value: float, _: Any) -> str:
        whole, part = divmod(round(value), unit)
        return f"{whole}:{part * 60 // unit:02d}"

    axes.xaxis.set_major_locator(MaxNLocator(8, steps=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(clock))
    axes.set_xlabel(f"time ({name})", fontsize=9)


def _hertz(value: int) -> str:
    return str(value) if value < 1000 else f"{value // 1000}k"


def figure_or_reason() -> Figure:
    """An empty figure; asked for before long work, so that a missing extra is told at once.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing pictures", "train") from error
    figure = Figure(figsize=(11, 6), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
