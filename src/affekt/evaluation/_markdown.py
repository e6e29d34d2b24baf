"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from affekt.evaluation.bootstrap import Interval
from affekt.evaluation.calibration import FIGURES
from affekt.evaluation.metrics import METRICS

if TYPE_CHECKING:
    from affekt.evaluation.calibration_report import Calibration
    from affekt.evaluation.cross import Cell, Cross
    from affekt.evaluation.groups import GroupComparison
    from affekt.evaluation.paired import Comparison
    from affekt.evaluation.report import Group, Report, Spread

_NOT_DEFINED = "–"


def render(report: Report) -> str:
    """All tables of a report; the protocol stands in the heading of each."""
    parts = [
        f"# {report.title}",
        _basis(report),
        _heading("Results", report),
        _results(report),
        _heading("Recall per class", report),
        _recall(report),
        _heading("Confusion, rows true, columns predicted, counts of clips", report),
        _confusion(report),
        _heading("Per speaker", report),
        _groups("speaker", report.per_speaker),
    ]
    if report.per_corpus:
        parts += [_heading("Per corpus", report), _groups("corpus", report.per_corpus)]
    for one in report.by_group:
        parts += [_heading(f"By {one.column}", report), _by_group(one)]
    if report.calibration:
        parts += [_heading("Scores as probabilities", report), *_calibration(report.calibration)]
    return "\n\n".join(parts) + "\n"


def render_comparison(found: Comparison) -> str:
    """The systems best first, and the difference of each pair."""
    systems = [
        [one.name, one.protocol, *(_interval(one.figures[name], digits=3) for name in METRICS)]
        for one in found.systems
    ]
    pairs = [
        [
            f"{one.system} over {one.reference}",
            *(_interval(one.figures[name], digits=3) for name in METRICS),
            _chance(one.p),
            _chance(one.p_holm),
        ]
        for one in found.pairs
    ]
    left_out = f" {_count(found.left_out, 'clip')} not scored by all and left out." if found.left_out else ""
    return "\n\n".join(
        [
            "# Comparison",
            f"{_count(found.clips, 'clip')}, {_count(found.speakers, 'speaker')}. Labels compared: "
            f"{', '.join(found.labels)}.{left_out} In brackets: {found.resampling.level:.0%} intervals, "
            "expanded percentile bootstrap over speakers, the same draws for all.",
            _table(["system", "protocol", *METRICS], systems),
            "p: how often swapping the two within speakers gives a `uar` as far apart, if neither is better; "
            f"corrected by Holm for {_count(len(pairs), 'pair')}.",
            _table(["difference", *METRICS, "p", "p corrected"], pairs),
        ]
    )


def render_cross(found: Cross) -> str:
    """A row for each model, a column for each corpus, and what the figures rest on."""
    by_place = {(cell.model, cell.data): cell for cell in found.cells}
    rows = [[model, *(_cross_cell(by_place[model, data]) for data in found.data)] for model in found.models]
    notes = [
        f"- {cell.model} on {cell.data}: {cell.reason}"
        if cell.uar is None
        else f"- {cell.model} on {cell.data}: {_count(cell.clips, 'clip')}, "
        f"{_count(cell.speakers, 'speaker')}; {', '.join(cell.compared)}; chance {1 / len(cell.compared):.3f}"
        for cell in found.cells
    ]
    parts = [
        "# Every model on every corpus: uar",
        "Each cell compares the emotions that model and corpus share, so cells of different emotions are not "
        "comparable. In brackets: 95% intervals, expanded percentile bootstrap over speakers.",
        _table(["model", *found.data], rows),
        "\n".join(notes),
    ]
    return "\n\n".join([*parts, *found.warnings()]) + "\n"


def _cross_cell(cell: Cell) -> str:
    if cell.uar is None:
        return _NOT_DEFINED
    return f"{_interval(cell.uar)}, {len(cell.compared)} classes{' (heard)' if cell.heard else ''}"


def _chance(p: float | None) -> str:
    return _NOT_DEFINED if p is None else f"{p:.4f}"


def _heading(text: str, report: Report) -> str:
    return f"## {text}: {report.protocol}"


def _basis(report: Report) -> str:
    return (
        f"Protocol: **{report.protocol}**. {_count(report.clips, 'clip')}, "
        f"{_count(report.speakers, 'speaker')}, {_count(len(report.folds), 'fold')}. "
        f"Labels compared: {', '.join(report.labels)}. "
        f"In brackets: {report.level:.0%} intervals, expanded percentile bootstrap over speakers, "
        f"{report.resamples} resamples, seed {report.seed}."
    )


def _results(report: Report) -> str:
    rows = [[f"{report.title}, pooled over folds", *(_interval(report.pooled[name]) for name in METRICS)]]
    if len(report.folds) > 1:
        rows.append(
            [
                f"{report.title}, mean over folds ± sd",
                *(_spread(report.over_folds[name]) for name in METRICS),
            ]
        )
    rows += [[row.name, *(_number(getattr(row, name)) for name in METRICS)] for row in report.baselines]
    return _table(["system", *METRICS], rows)


def _recall(report: Report) -> str:
    rows = [
        [label, str(sum(counts)), _interval(report.recall[label])]
        for label, counts in zip(report.labels, report.confusion, strict=True)
    ]
    return _table(["emotion", "clips", "recall"], rows)


def _confusion(report: Report) -> str:
    rows = [[label, *map(str, counts)] for label, counts in zip(report.labels, report.confusion, strict=True)]
    return _table(["true", *report.labels], rows)


def _groups(kind: str, groups: Sequence[Group]) -> str:
    rows = [[group.name, str(group.clips), _number(group.wa), _number(group.uar)] for group in groups]
    return _table([kind, "clips", "wa", "uar"], rows)


def _by_group(one: GroupComparison) -> str:
    rows = [[group.name, str(group.clips), str(group.speakers), _interval(group.uar)] for group in one.groups]
    table = _table([one.column, "clips", "speakers", "uar"], rows)
    largest = "Gap" if len(one.groups) == 2 else "Largest gap"
    gap = f"{largest}, {one.best} over {one.worst}, over the emotions that all have: {_interval(one.gap)}."
    unknown = f" Not known: {_count(one.unknown, 'clip')}." if one.unknown else ""
    return f"{table}\n\n{gap}{unknown}"


def _calibration(found: Calibration) -> list[str]:
    rows = [["as they are", *_precise(found.before.figures)]]
    if found.after and found.change:
        rows.append([f"with a temperature, {found.fitted}", *_precise(found.after.figures)])
        rows.append(["change", *_precise(found.change)])
    parts = [_table(["scores", *FIGURES], rows), _GUIDE]
    if found.temperatures:
        values = sorted(found.temperatures.values())
        span = f"{median(values):.2f}, {values[0]:.2f} to {values[-1]:.2f} over folds"
        parts.append(f"Temperature {span}, {found.fitted}: {_SOURCE}")
        sets = [[f"{one.asked:.0%}", _interval(one.covered), f"{one.labels:.2f}"] for one in found.coverages]
        parts.append(_table(["coverage asked", "truth in the set", "labels in a set"], sets))
    elif found.fitted:
        parts.append(f"Temperature {found.fitted}.")
    return parts


def _precise(figures: Mapping[str, Interval]) -> list[str]:
    return [_interval(figures[name], digits=3) for name in FIGURES]


_SOURCE = (
    "from speakers that the fold neither trains nor tests on. Sets of labels, with thresholds from the same:"
)
_GUIDE = "Of all of them less is better; `aurc` is the mean error rate as clips are answered surest first."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _interval(interval: Interval, digits: int = 2) -> str:
    if interval.low is None or interval.high is None:
        return f"{_number(interval.value)} ({interval.reason})"
    return f"{_number(interval.value)} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _spread(spread: Spread) -> str:
    return _number(spread.mean) + ("" if spread.sd is None else f" ± {spread.sd:.3f}")


def _number(value: float | None) -> str:
    return _NOT_DEFINED if value is None else f"{value:.3f}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
