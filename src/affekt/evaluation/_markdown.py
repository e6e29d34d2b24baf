"""Reports as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from affekt.evaluation.sections import (
    Table,
    ablation_parts,
    comparison_parts,
    count_text,
    cross_notes,
    cross_parts,
    report_sections,
)

if TYPE_CHECKING:
    from affekt.evaluation.ablation import Ablation
    from affekt.evaluation.cross import Cross
    from affekt.evaluation.paired import Comparison
    from affekt.evaluation.report import Report


def render(report: Report) -> str:
    """All tables of a report; the protocol stands in the heading of each."""
    parts: list[str | Table] = [f"# {report.title}", _basis(report)]
    for section in report_sections(report):
        parts += [f"## {section.title}: {report.protocol}", *section.parts]
    return f"{_joined(parts)}\n"


def render_comparison(found: Comparison) -> str:
    """The systems best first, and the difference of each pair."""
    return _joined(["# Comparison", *comparison_parts(found)])


def render_cross(found: Cross) -> str:
    """A row for each model, a column for each corpus, and what the figures rest on."""
    notes = "\n".join(f"- {note}" for note in cross_notes(found))
    title = "# Every model on every corpus: uar"
    return f"{_joined([title, *cross_parts(found), notes, *found.warnings()])}\n"


def render_ablation(found: Ablation) -> str:
    """The conditions, and what differs between them."""
    return f"{_joined([f'## {found.title}', *ablation_parts(found)])}\n"


def _basis(report: Report) -> str:
    return (
        f"Protocol: **{report.protocol}**. {count_text(report.clips, 'clip')}, "
        f"{count_text(report.speakers, 'speaker')}, {count_text(len(report.folds), 'fold')}. "
        f"Labels compared: {', '.join(report.labels)}. "
        f"In brackets: {report.level:.0%} intervals, expanded percentile bootstrap over speakers, "
        f"{report.resamples} resamples, seed {report.seed}."
    )


def _joined(parts: Iterable[str | Table]) -> str:
    return "\n\n".join(part if isinstance(part, str) else _table(part) for part in parts)


def _table(table: Table) -> str:
    lines = [table.head, ["---", *["---:"] * (len(table.head) - 1)], *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
