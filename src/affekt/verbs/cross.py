"""Every model on every corpus: how far what was learnt on one carries to others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from affekt.corpora.source import parse_source
from affekt.errors import CorpusError, UsageError
from affekt.evaluation.cross import Cell, Cross
from affekt.recognizer import Recognizer
from affekt.verbs.evaluate import Tick, evaluate


def evaluate_cross(
    models: Sequence[str | Path],
    data: Sequence[str],
    *,
    root: Path | None = None,
    seed: int = 0,
    threads: int | None = None,
    tick: Tick | None = None,
) -> Cross:
    """Evaluates each model on each corpus, over the emotions that both have.

    Args:
        models: known models or model folders.
        data: sources such as `emodb:FOLDER` or `clips.csv`; for tables, files are relative to `root`.
        tick: told (done, total) within each cell.

    Raises:
        UsageError: no such model or source, or one is named twice.
    """
    names = [_model_name(model) for model in models]
    places = [_data_name(source, root) for source in data]
    for kind, given in (("model", names), ("--data", places)):
        if not given or len(set(given)) < len(given):
            raise UsageError(f"{kind} {', '.join(given) or 'none'}: name at least one, and each once")
    cells = []
    for name, model in zip(names, models, strict=True):
        recognizer = Recognizer.load(model, threads=threads)
        cells += [
            _cell(name, place, recognizer, source, root, seed, tick)
            for place, source in zip(places, data, strict=True)
        ]
    return Cross(tuple(names), tuple(places), tuple(cells))


def _cell(  # noqa: PLR0917
    name: str,
    place: str,
    recognizer: Recognizer,
    source: str,
    root: Path | None,
    seed: int,
    tick: Tick | None,
) -> Cell:
    try:
        found = evaluate(recognizer, source, root=root, seed=seed, tick=tick)
    except CorpusError as error:
        # What one pair does not share must not cost the others their figures.
        return Cell(name, place, None, reason=str(error))
    trained_on = {one.name for one in recognizer.config.training.corpora}
    heard = sorted(trained_on & set(found.scored["corpus"]) - {"unnamed"})
    report = found.report
    return Cell(
        name,
        place,
        report.pooled["uar"],
        found.compared,
        report.clips,
        report.speakers,
        tuple(heard),
        found.failures,
    )


def _model_name(model: str | Path) -> str:
    """A known name, or the folder with its parent: `run/model`."""
    parts = Path(model).expanduser().parts
    return "/".join(parts[-2:]) if len(parts) > 1 else str(model)


def _data_name(source: str, root: Path | None) -> str:
    kind, place = parse_source(source, root)
    return place.name if kind in {"table", "folder"} else kind
