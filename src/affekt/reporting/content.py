"""Everything that a run's page says, gathered into typed sections; nothing here is HTML but its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from affekt import model_folder
from affekt.config import BASELINE, ModelConfig
from affekt.errors import AffektError, UsageError
from affekt.evaluation import Report, summarise
from affekt.evaluation.scored import ScoredRun, read_run
from affekt.evaluation.sections import (
    Section,
    Table,
    ablation_parts,
    comparison_parts,
    count_text,
    cross_notes,
    cross_parts,
    interval_text,
    number_text,
    report_sections,
)
from affekt.evaluation.stored import read_ablation, read_comparison, read_cross
from affekt.reporting import drawing
from affekt.run_folder import RunFolder
from affekt.training.card import card_sections, how_tested

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

_KEYS_SHOWN = 400


@dataclass
class Content:
    """A page's title, its tiles of headline figures, and its sections.

    Fields:
        heat: the confusion matrix: labels, and for each true one its cells (text, share of the true class).
        figures: of a section, by its name: (picture, caption).
        missing: what this run does not hold, a sentence each.
    """

    title: str
    lead: str
    run: RunFolder
    tiles: list[tuple[str, str]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    figures: dict[str, list[tuple[Markup, str]]] = field(default_factory=dict)
    heat: tuple[tuple[str, ...], list[tuple[str, list[tuple[str, float]]]]] | None = None
    missing: list[str] = field(default_factory=list)
    scored: ScoredRun | None = None


def content(run: RunFolder) -> Content:
    """What there is to say of a run."""
    page = Content(f"{run.path.resolve().name}: {run.kind}", _lead(run), run, missing=list(run.missing))
    if run.state != "finished":
        page.missing.append(f"This run is {run.state}: what it has not done yet cannot be shown.")
    match run.kind:
        case "ablation" | "comparison" | "matrix":
            _add_tables(page)
        case "cross-validation" | "evaluation":
            _add_report(page)
    _add_model(page)
    _add_learning(page)
    _add_origin(page)
    return page


def _lead(run: RunFolder) -> str:
    if run.recipe is None:
        return ""
    data = ", ".join(run.recipe.data) or "no data named"
    start = f", starting from {run.recipe.init}" if run.recipe.init else ""
    return f"{run.recipe.system} trained on {data}{start}."


def _add_tables(page: Content) -> None:
    folder = page.run.path
    try:
        match page.run.kind:
            case "ablation":
                found = read_ablation(folder / "ablation.json")
                page.title = found.title
                page.sections.append(Section("ablation", "Ablation", tuple(ablation_parts(found))))
            case "comparison":
                parts = tuple(comparison_parts(read_comparison(folder / "comparison.json")))
                page.sections.append(Section("comparison", "Comparison", parts))
            case _:
                cross = read_cross(folder / "cross.json")
                notes = (*cross_parts(cross), *cross_notes(cross), *cross.warnings())
                page.sections.append(Section("matrix", "Every model on every corpus: uar", notes))
    except UsageError as error:
        page.missing.append(f"{error}.")


def _add_report(page: Content) -> None:
    run = page.run
    try:
        scored = read_run(run.path)
        report = _summarised(run, scored)
    except AffektError as error:
        page.missing.append(f"No figures: {error}.")
        return
    page.scored, page.title = scored, report.title
    page.tiles = _tiles(report)
    basis = (
        f"Protocol: {report.protocol}. Labels compared: {', '.join(report.labels)}. In brackets: "
        f"{report.level:.0%} intervals, expanded percentile bootstrap over speakers, {report.resamples} "
        f"resamples, seed {report.seed}."
    )
    page.heat = _heat(report)
    before = {"results": (basis, *filter(None, [run.said("statement")]))}
    for one in report_sections(report):
        parts = (_CONFUSION,) if one.name == "confusion" else (*before.get(one.name, ()), *one.parts)
        page.sections.append(Section(one.name, "Confusion" if one.name == "confusion" else one.title, parts))
    page.sections.insert(0, _corpora(scored, run))
    page.sections.insert(2, _folds(page.run, report, scored))
    _add_figures(page, report)


_CONFUSION = "Rows are the truth, columns what was said; in each cell the clips, and their share of the row."


def _summarised(run: RunFolder, scored: ScoredRun) -> Report:
    from affekt import files

    kept = files.read_json(run.path / "report.json")
    title, seed = (kept.get(key) for key in ("title", "seed"))
    return summarise(
        scored.table,
        scored.labels,
        title=title if isinstance(title, str) else run.path.resolve().name,
        protocol=scored.protocol,
        seed=seed if isinstance(seed, int) and seed >= 0 else 0,
        held_out=scored.held_out,
        applied=scored.applied,
    )


def _tiles(report: Report) -> list[tuple[str, str]]:
    tiles = [(name, interval_text(report.pooled[name])) for name in ("uar", "wa", "macro_f1")]
    if report.calibration:
        found = report.calibration.after or report.calibration.before
        kind = ", calibrated" if report.calibration.after else ""
        tiles.append((f"ece{kind}", interval_text(found.figures["ece"])))
    counts = [("clips", report.clips), ("speakers", report.speakers), ("folds", len(report.folds))]
    chance = ("chance (uar)", number_text(1 / len(report.labels)))
    return [*tiles, chance, *((name, f"{count:,}") for name, count in counts)]


def _folds(run: RunFolder, report: Report, scored: ScoredRun) -> Section:
    histories = run.histories()
    rows = []
    for fold in report.folds:
        history = histories.get(fold.name.replace("/", "-"), ())
        epochs = f"{len(history)}" if history else "not recorded"
        rows.append(
            (
                fold.name,
                str(fold.clips),
                number_text(fold.uar),
                number_text(fold.wa),
                epochs,
                _speakers(scored.table, fold.name),
                _speakers(scored.held_out, fold.name),
            )
        )
    head = ("fold", "clips", "uar", "wa", "epochs", "speakers tested", "speakers of validation")
    return Section("folds", "Folds and their speakers", (Table(head, tuple(rows)),))


def _speakers(table: pd.DataFrame | None, fold: str) -> str:
    if table is None:
        return "none"
    rows = table.loc[table["fold"].astype(str) == fold, "speaker"]
    return ", ".join(sorted(set(rows.astype(str)))) or "none"


def _corpora(scored: ScoredRun, run: RunFolder) -> Section:
    """The corpora of the clips that were scored, in cross-validation those it was trained on too."""
    from affekt.training.package import training_corpora

    rows = tuple(
        (one.name, str(one.clips), str(one.speakers), one.licence, one.citation)
        for one in training_corpora(scored.table)
    )
    crossed = run.kind == "cross-validation"
    title = "Trained and tested on" if crossed else "Tested on"
    note = "Each fold is trained on the speakers that it neither tests nor keeps for validation."
    table = Table(("corpus", "clips", "speakers", "licence", "citation"), rows)
    return Section("corpora-used", title, (table, note) if crossed else (table,))


def _heat(report: Report) -> tuple[tuple[str, ...], list[tuple[str, list[tuple[str, float]]]]]:
    rows = []
    for label, counts in zip(report.labels, report.confusion, strict=True):
        total = sum(counts)
        cells = [
            (f"{count} ({count / total:.0%})" if total else str(count), count / total if total else 0.0)
            for count in counts
        ]
        rows.append((label, cells))
    return report.labels, rows


def _add_figures(page: Content, report: Report) -> None:
    chance = 1 / len(report.labels)
    recall = [(label, report.recall[label]) for label in report.labels]
    page.figures["recall"] = [
        (
            drawing.intervals(recall, chance, "recall", "Recall of each class; the table holds the same."),
            "Recall of each class, with its interval over speakers.",
        )
    ]
    speakers = [(f"{one.name} ({one.clips})", one.uar) for one in report.per_speaker]
    alt = "The uar of each speaker; the table holds the same."
    pooled = report.pooled["uar"].value
    page.figures["speakers"] = [
        (drawing.points(speakers, pooled, chance, alt), "The uar of each speaker, and how many clips.")
    ]
    if report.calibration:
        page.figures["calibration"] = [
            (
                drawing.reliability(
                    report.calibration, "Share of right clips over confidence; ece in the table."
                ),
                "Reliability: on the diagonal, confidence is the share that is right.",
            ),
            (
                drawing.risk_coverage(
                    report.calibration, "Errors over the share of clips answered; aurc in the table."
                ),
                "Risk and coverage: errors among the clips that are answered, surest first.",
            ),
        ]


def _add_model(page: Content) -> None:
    place = page.run.model
    if place is None:
        if page.run.kind == "training":
            page.missing.append("No model yet.")
        return
    try:
        opened = model_folder.open_folder(place)
    except AffektError as error:
        page.missing.append(f"The model cannot be shown: {error}.")
        return
    config = opened.config
    page.title = f"{config.system}: {', '.join(config.labels) if config.task == 'emotion' else config.task}"
    tested = how_tested(opened.contents["README.md"].decode()) or "Its card does not say how."
    page.sections += card_sections(config, tested)
    page.tiles += _model_tiles(config)


def _model_tiles(config: ModelConfig) -> list[tuple[str, str]]:
    figures = [
        (name, f"{one.value:.3f}" + ("" if one.low is None else f" [{one.low:.2f}, {one.high:.2f}]"))
        for name, one in list(config.metrics.items())[:4]
    ]
    clips = sum(one.clips or 0 for one in config.training.corpora)
    return [*figures, ("labels", str(len(config.labels))), ("training clips", f"{clips:,}")]


def _add_learning(page: Content) -> None:
    histories = page.run.histories()
    if not histories:
        learns = page.run.recipe is None or page.run.recipe.system != BASELINE
        if learns and page.run.kind in ("cross-validation", "training"):
            page.missing.append("No log.jsonl: there is no learning curve.")
        return
    text = f"{count_text(len(histories), 'network')}, up to {max(map(len, histories.values()))} epochs."
    page.sections.append(Section("learning", "Learning", (text, _last_epochs(histories))))
    alt = "Losses, and validation uar where there is one, over epochs; the table holds where they ended."
    caption = "A line for each network. The loss is cut at twice the highest training loss."
    page.figures["learning"] = [(drawing.learning(histories, alt), caption)]


def _last_epochs(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> Table:
    rows = []
    for name, history in histories.items():
        best = max(history, key=lambda row: (row.get("validation_uar", 0), -row.get("validation_loss", 0)))
        kept = best if "validation_uar" in best else history[-1]
        figures = (number_text(kept.get(key)) for key in ("train_loss", "validation_uar"))
        rows.append((name or "the model", f"{kept['epoch']:.0f}", *figures))
    return Table(("network", "epoch kept", "training loss", "validation uar"), tuple(rows))


def _add_origin(page: Content) -> None:
    run = page.run
    rows = [
        (name, run.said(key))
        for name, key in (
            ("command", "command"),
            ("commit", "commit"),
            ("started (UTC)", "started"),
            ("protocol", "protocol"),
            ("seed", "seed"),
            ("threads", "threads"),
            ("model", "model"),
            ("data", "data"),
        )
        if run.said(key)
    ]
    rows += _flat("machine", run.record.get("machine"))
    rows += _flat("version", run.record.get("versions"))
    if rows:
        parts = (Table(("what", "value"), tuple(rows)),)
        page.sections.append(Section("origin", "Where it comes from", parts))
    if run.recipe is not None:
        table = Table(("key", "value"), tuple(_flat("", run.recipe.model_dump(mode="json"))[:_KEYS_SHOWN]))
        page.sections.append(Section("recipe", "The resolved recipe", (table,)))


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    """Nested settings as rows of dotted keys."""
    if isinstance(value, Mapping):
        return [
            row for key, inner in value.items() for row in _flat(f"{name}.{key}" if name else str(key), inner)
        ]
    if value is None and not name:
        return []
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or "none"
    return [] if value is None and name in ("machine", "version") else [(name, str(value))]
