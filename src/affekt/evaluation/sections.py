"""What reports say, as headed paragraphs and tables of text: Markdown and pages are made of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from affekt.evaluation.bootstrap import Interval
from affekt.evaluation.calibration import FIGURES
from affekt.evaluation.metrics import METRICS

if TYPE_CHECKING:
    from affekt.evaluation.ablation import Ablation
    from affekt.evaluation.calibration_report import Calibration
    from affekt.evaluation.cross import Cell, Cross
    from affekt.evaluation.groups import GroupComparison
    from affekt.evaluation.paired import Comparison
    from affekt.evaluation.report import Group, Report, Spread

NOT_DEFINED = "–"


@dataclass(frozen=True)
class Table:
    """A table of text: a column that names the rows, and others that hold their figures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """Paragraphs and tables under a heading; `name` is what a link calls it."""

    name: str
    title: str
    parts: tuple[str | Table, ...]


def report_sections(report: Report) -> list[Section]:
    """All tables of a report."""
    sections = [
        Section("results", "Results", (_results(report),)),
        Section("recall", "Recall per class", (_recall(report),)),
        Section(
            "confusion", "Confusion, rows true, columns predicted, counts of clips", (_confusion(report),)
        ),
        Section("speakers", "Per speaker", (_groups("speaker", report.per_speaker),)),
    ]
    if report.per_corpus:
        sections.append(Section("corpora", "Per corpus", (_groups("corpus", report.per_corpus),)))
    sections += [
        Section(f"by-{one.column}", f"By {one.column}", tuple(_by_group(one))) for one in report.by_group
    ]
    if report.calibration:
        sections.append(
            Section("calibration", "Scores as probabilities", tuple(_calibration(report.calibration)))
        )
    return sections


def comparison_parts(found: Comparison) -> list[str | Table]:
    """The systems best first, and the difference of each pair."""
    systems = [
        (one.name, one.protocol, *(interval_text(one.figures[name], digits=3) for name in METRICS))
        for one in found.systems
    ]
    pairs = [
        (
            f"{one.system} over {one.reference}",
            *(interval_text(one.figures[name], digits=3) for name in METRICS),
            _chance(one.p),
            _chance(one.p_holm),
        )
        for one in found.pairs
    ]
    left_out = (
        f" {count_text(found.left_out, 'clip')} not scored by all and left out." if found.left_out else ""
    )
    return [
        f"{count_text(found.clips, 'clip')}, {count_text(found.speakers, 'speaker')}. Labels compared: "
        f"{', '.join(found.labels)}.{left_out} In brackets: {found.resampling.level:.0%} intervals, "
        "expanded percentile bootstrap over speakers, the same draws for all.",
        _table(["system", "protocol", *METRICS], systems),
        "p: how often swapping the two within speakers gives a `uar` as far apart, if neither is better; "
        f"corrected by Holm for {count_text(len(pairs), 'pair')}.",
        _table(["difference", *METRICS, "p", "p corrected"], pairs),
    ]


def cross_parts(found: Cross) -> list[str | Table]:
    """A row for each model, a column for each corpus, and what the figures rest on."""
    by_place = {(cell.model, cell.data): cell for cell in found.cells}
    rows = [(model, *(_cross_cell(by_place[model, data]) for data in found.data)) for model in found.models]
    return [
        "Each cell compares the emotions that model and corpus share, so cells of different emotions are not "
        "comparable. In brackets: 95% intervals, expanded percentile bootstrap over speakers.",
        _table(["model", *found.data], rows),
    ]


def cross_notes(found: Cross) -> list[str]:
    """What each cell of the matrix compares, or why it is empty."""
    return [
        f"{cell.model} on {cell.data}: {cell.reason}"
        if cell.uar is None
        else f"{cell.model} on {cell.data}: {count_text(cell.clips, 'clip')}, "
        f"{count_text(cell.speakers, 'speaker')}; {', '.join(cell.compared)}; "
        f"chance {1 / len(cell.compared):.3f}"
        for cell in found.cells
    ]


def ablation_parts(found: Ablation) -> list[str | Table]:
    """The conditions, and what differs between them."""
    cells = [
        (
            one.name,
            *(interval_text(one.metrics[key], digits=3) for key in ("uar", "wa")),
            ", ".join(f"{value:.3f}" for value in one.seeds),
        )
        for one in found.conditions
    ]
    gaps = [
        (f"{one.condition} over {one.reference}", interval_text(one.uar, digits=3, sign="+"))
        for one in found.differences
    ]
    return [
        f"{found.protocol}; {count_text(found.clips, 'clip')}, {count_text(found.speakers, 'speaker')}. "
        "Intervals: 95 %, speakers resampled.",
        _table(["condition", "uar", "wa", "uar of each seed"], cells),
        _table(["difference", "uar"], gaps),
    ]


def interval_text(interval: Interval, digits: int = 2, sign: str = "") -> str:
    """`0.733 [0.67, 0.80]`, or why there is no interval."""
    value = number_text(interval.value, sign)
    if interval.low is None or interval.high is None:
        return f"{value} ({interval.reason})"
    return f"{value} [{interval.low:{sign}.{digits}f}, {interval.high:{sign}.{digits}f}]"


def number_text(value: float | None, sign: str = "") -> str:
    """Three digits behind the point."""
    return NOT_DEFINED if value is None else f"{value:{sign}.3f}"


def count_text(number: int, noun: str) -> str:
    """`1 clip`, `1,440 clips`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _cross_cell(cell: Cell) -> str:
    if cell.uar is None:
        return NOT_DEFINED
    return f"{interval_text(cell.uar)}, {len(cell.compared)} classes{' (heard)' if cell.heard else ''}"


def _chance(p: float | None) -> str:
    return NOT_DEFINED if p is None else f"{p:.4f}"


def _results(report: Report) -> Table:
    rows = [(f"{report.title}, pooled over folds", *(interval_text(report.pooled[name]) for name in METRICS))]
    if len(report.folds) > 1:
        spread = (_spread(report.over_folds[name]) for name in METRICS)
        rows.append((f"{report.title}, mean over folds ± sd", *spread))
    rows += [(row.name, *(number_text(getattr(row, name)) for name in METRICS)) for row in report.baselines]
    return _table(["system", *METRICS], rows)


def _recall(report: Report) -> Table:
    rows = [
        (label, str(sum(counts)), interval_text(report.recall[label]))
        for label, counts in zip(report.labels, report.confusion, strict=True)
    ]
    return _table(["emotion", "clips", "recall"], rows)


def _confusion(report: Report) -> Table:
    rows = [(label, *map(str, counts)) for label, counts in zip(report.labels, report.confusion, strict=True)]
    return _table(["true", *report.labels], rows)


def _groups(kind: str, groups: Sequence[Group]) -> Table:
    rows = [(group.name, str(group.clips), number_text(group.wa), number_text(group.uar)) for group in groups]
    return _table([kind, "clips", "wa", "uar"], rows)


def _by_group(one: GroupComparison) -> list[str | Table]:
    rows = [
        (group.name, str(group.clips), str(group.speakers), interval_text(group.uar)) for group in one.groups
    ]
    largest = "Gap" if len(one.groups) == 2 else "Largest gap"
    gap = (
        f"{largest}, {one.best} over {one.worst}, over the emotions that all have: {interval_text(one.gap)}."
    )
    unknown = f" Not known: {count_text(one.unknown, 'clip')}." if one.unknown else ""
    return [_table([one.column, "clips", "speakers", "uar"], rows), f"{gap}{unknown}"]


def _calibration(found: Calibration) -> list[str | Table]:
    rows = [("as they are", *_precise(found.before.figures))]
    if found.after and found.change:
        rows.append((f"with a temperature, {found.fitted}", *_precise(found.after.figures)))
        rows.append(("change", *_precise(found.change)))
    parts: list[str | Table] = [_table(["scores", *FIGURES], rows), _GUIDE]
    if found.temperatures:
        values = sorted(found.temperatures.values())
        span = f"{median(values):.2f}, {values[0]:.2f} to {values[-1]:.2f} over folds"
        parts.append(f"Temperature {span}, {found.fitted}: {_SOURCE}")
        sets = [
            (f"{one.asked:.0%}", interval_text(one.covered), f"{one.labels:.2f}") for one in found.coverages
        ]
        parts.append(_table(["coverage asked", "truth in the set", "labels in a set"], sets))
    elif found.fitted:
        parts.append(f"Temperature {found.fitted}.")
    return parts


_SOURCE = (
    "from speakers that the fold neither trains nor tests on. Sets of labels, with thresholds from the same:"
)
_GUIDE = "Of all of them less is better; `aurc` is the mean error rate as clips are answered surest first."


def _precise(figures: Mapping[str, Interval]) -> list[str]:
    return [interval_text(figures[name], digits=3) for name in FIGURES]


def _spread(spread: Spread) -> str:
    return number_text(spread.mean) + ("" if spread.sd is None else f" ± {spread.sd:.3f}")


def _table(head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(tuple(head), tuple(rows))
