"""Figures within a page: matplotlib's, once for light and once for dark, as data."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from affekt.errors import MissingExtraError

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

DOTS_PER_INCH = 160
_CSS_DOTS_PER_INCH = 96


@dataclass(frozen=True)
class Theme:
    """The colours of a figure; the hues are Okabe and Ito's, told apart with any kind of colour vision.

    `ink` is for text and axes, `faint` for grids; `heat` names a matplotlib colour map from little to much.
    """

    name: str
    ink: str
    faint: str
    blue: str
    orange: str
    green: str
    grey: str
    heat: str


LIGHT = Theme("light", "#1b1b1b", "#d9d9d9", "#0072B2", "#D55E00", "#009E73", "#666666", "cividis")
DARK = Theme("dark", "#ececec", "#444444", "#56B4E9", "#E69F00", "#2BC29A", "#A0A0A0", "cividis")

Draw = Callable[["Figure", Theme], None]


def picture(draw: Draw, alt: str, size: tuple[float, float] = (5.0, 3.0)) -> Markup:
    """A figure as an element of a page, in the reader's light or dark colours.

    Args:
        draw: draws on an empty figure, with the colours of the theme; text and axes get `ink` by themselves.
        alt: what the figure shows, for those who cannot see it.
        size: inches, width and height; 5 inches are as wide as a telephone and keep their text readable.

    Raises:
        MissingExtraError: matplotlib or jinja2 is not installed.
    """
    try:
        from markupsafe import Markup
    except ImportError as error:
        raise MissingExtraError("writing a page", "train") from error
    light, dark = (_drawn(draw, size, theme) for theme in (LIGHT, DARK))
    width, height = (round(side * _CSS_DOTS_PER_INCH) for side in size)
    return Markup(
        '<picture><source media="(prefers-color-scheme: dark)" srcset="{}">'
        '<img src="{}" alt="{}" width="{}" height="{}"></picture>'
    ).format(dark, light, alt, width, height)


def figure_uri(figure: Figure) -> str:
    """A matplotlib figure as a `data:` address, PNG, without background."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, transparent=True, metadata={"Software": None})
    return png_uri(stream.getvalue())


def png_uri(data: bytes) -> str:
    """A PNG as a `data:` address."""
    return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"


def _drawn(draw: Draw, size: tuple[float, float], theme: Theme) -> str:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing figures", "train") from error
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure, theme)
    _colour(figure, theme)
    return figure_uri(figure)


def _colour(figure: Figure, theme: Theme) -> None:
    """Text that was left black, axes and ticks get the theme's ink; file names are no formulas."""
    from matplotlib.text import Text

    for axes in figure.axes:
        axes.tick_params(colors=theme.ink)
        for side, spine in axes.spines.items():
            spine.set_color(theme.ink)
            spine.set_visible(side in ("left", "bottom"))
        if (legend := axes.get_legend()) is not None:
            legend.set_frame_on(False)
    for text in figure.findobj(Text):
        text.set_parse_math(False)
        if text.get_color() == "black":
            text.set_color(theme.ink)
