"""An evaluation as a folder of files for people and programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from affekt import files
from affekt.evaluation.plots import confusion_figure, speakers_figure
from affekt.evaluation.report import Report
from affekt.evaluation.score_plots import reliability_figure, risk_coverage_figure
from affekt.evaluation.scored import HELD_OUT, SCORES

if TYPE_CHECKING:
    import pandas as pd


def write_report(
    folder: Path, report: Report, scored: pd.DataFrame, *, held_out: pd.DataFrame | None = None
) -> None:
    """`scores.csv`, `report.json`, `report.md` and the figures, each written whole.

    Figures are `confusion.png`, `speakers.png`, and where there are scores `reliability.png` and
    `risk_coverage.png`. The scores of validation clips, if given, stand in `validation.csv`.
    """
    if held_out is not None:
        files.write_text(folder / HELD_OUT, held_out.to_csv(index=False))
    files.write_text(folder / SCORES, scored.to_csv(index=False))
    files.write_json(folder / "report.json", report.to_json())
    files.write_text(folder / "report.md", report.to_markdown())
    confusion_figure(report, folder / "confusion.png")
    speakers_figure(report, folder / "speakers.png")
    if report.calibration is not None:
        reliability_figure(report, folder / "reliability.png")
        risk_coverage_figure(report, folder / "risk_coverage.png")
