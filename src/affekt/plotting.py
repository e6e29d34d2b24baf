"""A recording over time as one picture: waveform, spectrogram, segments, and the scores of all emotions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affekt import audio
from affekt.errors import AffektError, AudioError
from affekt.explanation.overview import Overview, joined, overview
from affekt.explanation.picture import (
    DOTS_PER_INCH,
    draw_spectrogram,
    draw_wave,
    figure_or_reason,
    label_time,
)
from affekt.explanation.result import printable
from affekt.files import atomic
from affekt.inputs import expand
from affekt.labels import EMOTIONS, NO_SPEECH
from affekt.recognizer import ANY_LENGTH, Recognizer
from affekt.timeline import SMOOTHING, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 1500
PIECE_SECONDS = 60
"""So much of a recording is held at a time."""

LETTER_SHARE = 0.008
"""A letter's share of the picture's width: a segment that is shorter than its name goes without."""

_MANY = 200
"""So many segments or windows would be all edge."""

# Paul Tol's muted palette, which every kind of colour vision tells apart, and three of his others.
_PALETTE = (
    "#CC6677", "#DDCC77", "#88CCEE", "#882255", "#117733", "#EE8866",
    "#332288", "#AA4499", "#E69F00", "#BBBBBB", "#4477AA", "#66CCBB",
)  # fmt: skip
COLOURS = dict(zip(EMOTIONS, _PALETTE, strict=True))


class Drawn:
    """A recording that was drawn, and where; or why it could not be: `error` is None where all is well."""

    def __init__(self, file: str, picture: Path | None, timeline: Timeline | None, error: AffektError | None):
        self.file, self.picture, self.timeline, self.error = file, picture, timeline, error


def plot(
    source: audio.Source,
    path: str | os.PathLike[str],
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    window: float = 2.0,
    hop: float | None = 1.0,
    smoothing: float = SMOOTHING,
    speech: bool = True,
    threads: int | None = None,
) -> Timeline:
    """Draws a recording over time into a PNG file, and returns what is drawn.

    From above: the waveform, the spectrogram in grey, the segments as a ribbon, and the scores of all
    emotions, which sum to 1. Where nobody speaks it is hatched. Of any length in the same memory.

    Args:
        source: a path, an address, or the bytes of a file; it is read twice.
        path: the PNG file.
        model: a known name, the path of a model folder, or a recogniser that is already loaded.
        window, hop, smoothing, speech: as in `Recognizer.over_time`.
        threads: processor threads; the usable cores, at most four, if not given.

    Raises:
        MissingExtraError: matplotlib is not installed.
        AudioError: the recording cannot be used.
        UsageError: windows that leave gaps, or no such model.
        WriteError: the picture cannot be written.
    """
    figure_or_reason()
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model, threads=threads)
    timeline = recognizer.over_time(source, window=window, hop=hop, smoothing=smoothing, speech=speech)
    draw(timeline, _overview(source, timeline.duration), list(recognizer.config.labels), Path(path))
    return timeline


def plot_each(
    paths: Iterable[str | os.PathLike[str]],
    place: Callable[[str], Path],
    model: str | os.PathLike[str] | Recognizer = "default",
    **asked: Any,
) -> Iterator[Drawn]:
    """`plot` of each recording that `paths` stand for; `place` says where the picture of one goes."""
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model)
    for item in expand(paths):
        name = item.name if isinstance(item, AudioError) else item
        try:
            if isinstance(item, AudioError):
                raise item
            picture = place(item)
            yield Drawn(name, picture, plot(item, picture, recognizer, **asked), None)
        except AudioError as error:
            yield Drawn(name, None, None, error)


def draw(timeline: Timeline, behind: Overview, labels: list[str], path: Path) -> None:
    """Draws a timeline and what lies behind it; `labels` are the model's, in its order."""
    figure = figure_or_reason()
    figure.set_size_inches(11, 7.5)
    grid = figure.add_gridspec(4, 1, height_ratios=(1, 2, 0.45, 1.8))
    wave = figure.add_subplot(grid[0])
    spectrogram, ribbon, scores = (figure.add_subplot(grid[at], sharex=wave) for at in (1, 2, 3))
    draw_wave(wave, behind)
    draw_spectrogram(spectrogram, behind)
    spectrogram.tick_params(labelbottom=False)
    _draw_ribbon(ribbon, timeline)
    _draw_scores(scores, timeline, labels)
    wave.set_xlim(0, timeline.duration)
    label_time(scores, timeline.duration)
    told = timeline.summary
    name = printable(Path(timeline.file).name)
    share = f"{told.shares[told.dominant]:.0%} of the time"
    warned = f"   warning: {', '.join(timeline.warnings)}" if timeline.warnings else ""
    title = f"{name if len(name) < 90 else name[:89] + '…'}\n{told.dominant}, {share}{warned}"
    figure.suptitle(title, fontsize=11, parse_math=False)
    with atomic(path) as stream:
        figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)


def _draw_ribbon(axes: Axes, timeline: Timeline) -> None:
    edge = 0.6 if len(timeline.segments) < _MANY else 0.0
    for label in timeline.summary.shares:
        spans = [(one.start, one.end - one.start) for one in timeline.segments if one.label == label]
        colour = COLOURS.get(label, "white")
        hatch = "////" if label == NO_SPEECH else None
        axes.broken_barh(
            spans, (-0.5, 1), facecolors=colour, edgecolor="#666666", linewidth=edge, hatch=hatch
        )
        for start, length in spans:
            if length >= LETTER_SHARE * len(label) * timeline.duration and label != NO_SPEECH:
                axes.text(
                    start + length / 2, 0, label, ha="center", va="center", fontsize=8, clip_on=True,
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.2},
                )  # fmt: skip
    axes.set_ylim(-0.5, 0.5)
    axes.set_yticks([])
    axes.set_ylabel("emotion", fontsize=9)
    axes.tick_params(labelbottom=False)


def _draw_scores(axes: Axes, timeline: Timeline, labels: list[str]) -> None:
    """The scores stacked up to 1, each window over the time that is its own."""
    from matplotlib.patches import Patch

    borders = np.array(timeline.borders)
    values = np.array([[one.scores.get(label, 0.0) for label in labels] for one in timeline.windows]).T
    heights = np.repeat(values, 2, axis=1)
    times = np.repeat(borders, 2)[1:-1]
    base = np.zeros(len(times))
    edge = 0.3 if len(timeline.windows) < _MANY else 0.0
    for label, height in zip(labels, heights, strict=True):
        axes.fill_between(times, base, base + height, color=COLOURS[label], linewidth=edge, edgecolor="white")
        base = base + height
    silent = np.repeat([one.label == NO_SPEECH for one in timeline.windows], 2)
    axes.fill_between(
        times, 0, 1, where=silent.tolist(), facecolor="none", hatch="////", edgecolor="#666666", linewidth=0
    )
    handles = [Patch(facecolor=COLOURS[label], label=label) for label in reversed(labels)]
    if silent.any():
        handles.append(Patch(facecolor="white", edgecolor="#666666", hatch="////", label="no speech"))
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.005, 0.5), fontsize=8, frameon=False)
    axes.set_ylim(0, 1)
    axes.set_ylabel("score (they sum to 1)", fontsize=9)
    axes.tick_params(labelsize=8)


def _overview(source: audio.Source, seconds: float) -> Overview:
    """A recording of so many seconds in at most `COLUMNS` columns or so, a minute in memory at a time."""
    parts: list[Overview] = []
    held: list[NDArray[np.float32]] = []
    count = done = 0

    def flush() -> None:
        nonlocal count, done
        samples = np.concatenate(held)
        share = len(samples) / audio.SAMPLE_RATE / seconds
        parts.append(overview(samples, max(1, round(COLUMNS * share))).shifted(done / audio.SAMPLE_RATE))
        done += count
        held.clear()
        count = 0

    with audio.stream(source, limits=ANY_LENGTH) as heard:
        for block in heard:
            held.append(block)
            count += len(block)
            if count >= PIECE_SECONDS * audio.SAMPLE_RATE:
                flush()
    if held:
        flush()
    return joined(parts)
