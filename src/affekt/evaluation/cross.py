"""Models across corpora: a matrix of figures, each over the emotions that a model and a corpus share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from affekt.evaluation.bootstrap import Interval


@dataclass(frozen=True)
class Cell:
    """One model on one corpus; `uar` is None, and `reason` says why, where they cannot be compared."""

    model: str
    data: str
    uar: Interval | None
    compared: tuple[str, ...] = ()
    clips: int = 0
    speakers: int = 0
    heard: tuple[str, ...] = ()
    """Corpora of these data that the model was trained on."""
    failures: tuple[str, ...] = ()
    """A line for each clip that could not be read."""
    reason: str = ""


@dataclass(frozen=True)
class Cross:
    """Every model on every corpus; `cells` in the order of `models`, then of `data`."""

    models: tuple[str, ...]
    data: tuple[str, ...]
    cells: tuple[Cell, ...]

    def warnings(self) -> list[str]:
        """A line for each cell whose figure is not of unseen speakers."""
        return [
            f"Warning: {cell.model} was trained on {', '.join(cell.heard)}: its figure on {cell.data} is not "
            "of unseen speakers, and better than it would be; cross-validate instead."
            for cell in self.cells
            if cell.heard
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values in full precision."""
        return {
            "models": list(self.models),
            "data": list(self.data),
            "cells": [
                {
                    "model": cell.model,
                    "data": cell.data,
                    "uar": cell.uar.to_json() if cell.uar else None,
                    "compared": list(cell.compared),
                    "clips": cell.clips,
                    "speakers": cell.speakers,
                    "heard": list(cell.heard),
                    "failures": list(cell.failures),
                    "reason": cell.reason,
                }
                for cell in self.cells
            ],
        }

    def to_markdown(self) -> str:
        """The matrix, what each cell compares, and warnings."""
        from affekt.evaluation._markdown import render_cross

        return render_cross(self)
