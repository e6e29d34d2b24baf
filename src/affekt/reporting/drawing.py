"""The figures of a page, in the reader's light or dark colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from affekt import html
from affekt.evaluation.plots import short
from affekt.evaluation.score_plots import draw_reliability, draw_risk

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from affekt.evaluation.bootstrap import Interval
    from affekt.evaluation.calibration_report import Calibration
    from affekt.run_folder import History

_MOST_NAMED = 40


def intervals(rows: Sequence[tuple[str, Interval]], chance: float, axis: str, alt: str) -> Markup:
    """A point and an interval for each row, and a line at chance."""

    def draw(figure: Figure, theme: html.Theme) -> None:
        axes = figure.add_subplot()
        for at, (_, one) in enumerate(rows):
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [at, at], color=theme.blue, linewidth=3)
            if one.value is not None:
                axes.plot(one.value, at, "D", color=theme.orange, markersize=7)
        axes.axvline(chance, color=theme.grey, linestyle="--", label="chance")
        _name_rows(axes, [name for name, _ in rows])
        _share(axes, axis, theme)

    return html.picture(draw, alt, (5.0, 1.3 + 0.32 * len(rows)))


def points(rows: Sequence[tuple[str, float]], pooled: float | None, chance: float, alt: str) -> Markup:
    """A point for each row, best on top, and lines at chance and at the figure of all."""
    ordered = sorted(rows, key=lambda row: -row[1])
    named = len(ordered) <= _MOST_NAMED

    def draw(figure: Figure, theme: html.Theme) -> None:
        axes = figure.add_subplot()
        axes.axvline(chance, color=theme.grey, linestyle="--", label="chance")
        if pooled is not None:
            axes.axvline(pooled, color=theme.orange, label="all clips pooled")
        axes.plot([value for _, value in ordered], range(len(ordered)), "o", color=theme.blue)
        _name_rows(axes, [name for name, _ in ordered] if named else [])
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        _share(axes, "uar", theme)

    return html.picture(draw, alt, (5.0, 1.3 + 0.26 * len(ordered) if named else 5.0))


def reliability(found: Calibration, alt: str) -> Markup:
    """Confidence against the share that is right, before and after."""
    panels = [("as they are", found.before)]
    if found.after is not None:
        panels.append((f"with a temperature, {found.fitted}", found.after))

    def draw(figure: Figure, theme: html.Theme) -> None:
        axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for one, (name, scores), colour in zip(axes, panels, (theme.orange, theme.blue), strict=False):
            draw_reliability(one, scores, colour, theme.faint)
            one.set_title(name, fontsize=9)

    return html.picture(draw, alt, (5.0, 4.4 * len(panels)))


def risk_coverage(found: Calibration, alt: str) -> Markup:
    """Errors among the surest clips by how many are answered."""

    def draw(figure: Figure, theme: html.Theme) -> None:
        draw_risk(figure.add_subplot(), found, (theme.orange, theme.blue), theme.faint)

    return html.picture(draw, alt, (5.0, 4.0))


def learning(histories: Mapping[str, History], alt: str) -> Markup:
    """Losses, and the validation uar where it was watched: a line for each network."""
    watched = any("validation_uar" in row for rows in histories.values() for row in rows)
    strength = max(0.25, 1.0 / len(histories) ** 0.5)

    def draw(figure: Figure, theme: html.Theme) -> None:
        panels = figure.subplots(2 if watched else 1, 1, sharex=True, squeeze=False)[:, 0]
        lines = [("train_loss", panels[0], theme.blue, "training", "-")]
        if watched:
            lines += [
                ("validation_loss", panels[0], theme.orange, "validation", "--"),
                ("validation_uar", panels[1], theme.orange, "", "--"),
            ]
        for key, axes, colour, label, style in lines:
            for at, rows in enumerate(histories.values()):
                values = [row.get(key, np.nan) for row in rows]
                epochs = [row["epoch"] for row in rows]
                axes.plot(
                    epochs, values, style, marker=".", ms=4, color=colour, alpha=strength,
                    label=label if at == 0 and label else None,
                )  # fmt: skip
        losses = [
            row["train_loss"] for rows in histories.values() for row in rows if "train_loss" in row
        ] or [1.0]
        # A validation loss that jumps in the first epochs would flatten all else.
        panels[0].set_ylim(0, 2.0 * max(losses))
        panels[0].set_ylabel("loss")
        if panels[0].get_legend_handles_labels()[0]:
            panels[0].legend(fontsize=8)
        if watched:
            panels[1].set_ylabel("validation uar")
            panels[1].set_ylim(0, 1)
        panels[-1].set_xlabel("epoch")
        panels[-1].xaxis.get_major_locator().set_params(integer=True)
        for axes in panels:
            axes.grid(color=theme.faint)

    return html.picture(draw, alt, (5.0, 5.0 if watched else 3.2))


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [short(html.printable(name)) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)


def _share(axes: Axes, name: str, theme: html.Theme) -> None:
    axes.set_xlim(0, 1)
    axes.set_xlabel(name)
    axes.grid(axis="x", color=theme.faint)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3, fontsize=8)
