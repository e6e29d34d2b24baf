"""Which of several runs is better on the same clips, and whether chance could have made it so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from affekt import files
from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Resampling
from affekt.evaluation.paired import Comparison, compare_systems
from affekt.evaluation.score_plots import comparison_figure
from affekt.evaluation.scored import ScoredRun, clip_keys, read_run

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3

Key = tuple[str, str, str, str]


def compare(
    runs: Sequence[str | Path], *, intersection: bool = False, seed: int = 0, resamples: int = 2000
) -> Comparison:
    """Compares what runs said of the same clips: their figures, the differences, and p of each pair.

    Args:
        runs: folders that `affekt train --protocol` or `affekt evaluate -o` wrote, two or more.
        intersection: takes the clips that all runs scored; otherwise they must all have the same.

    Raises:
        UsageError: a folder is no such run, or clips, speakers or emotions differ.
    """
    found = [read_run(folder) for folder in runs]
    if len(found) < 2:
        raise UsageError(f"{len(found)} run to compare; give two or more folders")
    called = run_names(found)
    tables = [by_clip(run) for run in found]
    shared, left_out = shared_clips(called, tables, intersection)
    rows = [table.loc[shared] for table in tables]
    for column in ("emotion", "speaker"):
        agree(column, called, rows, shared)
    labels = tuple(dict.fromkeys(label for run in found for label in run.labels))
    predicted = {
        name: (run.protocol, one["predicted"].tolist())
        for name, run, one in zip(called, found, rows, strict=True)
    }
    return compare_systems(
        rows[0]["emotion"].tolist(),
        rows[0]["speaker"].tolist(),
        predicted,
        labels,
        Resampling(resamples=resamples, seed=seed),
        left_out=left_out,
    )


def write_comparison(folder: Path, found: Comparison) -> None:
    """`comparison.json`, `comparison.md` and `comparison.png`, each written whole."""
    files.write_json(folder / "comparison.json", found.to_json())
    files.write_text(folder / "comparison.md", found.to_markdown())
    comparison_figure(found, folder / "comparison.png")


def run_names(runs: Sequence[ScoredRun]) -> list[str]:
    """The folders' own names; with their parents' where two are called the same."""
    short = [run.path.resolve().name for run in runs]
    names = [
        name if short.count(name) == 1 else f"{run.path.resolve().parent.name}/{name}"
        for name, run in zip(short, runs, strict=True)
    ]
    for at, name in enumerate(names):
        if names.index(name) != at:
            raise UsageError(f"{runs[at].path}: given twice, or another run has the same name and parent")
    return names


def by_clip(run: ScoredRun) -> pd.DataFrame:
    """A run's table by clip.

    Raises:
        UsageError: a clip stands in it twice.
    """
    import pandas as pd

    keys = clip_keys(run.table)
    table = run.table.set_axis(pd.Index(keys, tupleize_cols=False), axis=0)
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UsageError(
            f"{run.path}: scores {_clip(twice)} more than once; one score for each clip is needed"
        )
    return table


def shared_clips(
    names: Sequence[str], tables: Sequence[pd.DataFrame], intersection: bool
) -> tuple[list[Key], int]:
    """The clips to compare in the first run's order, and how many others there are.

    Raises:
        UsageError: there are others and that is not allowed, or none are shared.
    """
    sets = [set(table.index) for table in tables]
    common = set.intersection(*sets)
    others = set.union(*sets) - common
    if others and not intersection:
        some = "; ".join(
            f"{name} lacks {len(others - own)}: {', '.join(map(_clip, sorted(others - own)[:_NAMED]))}"
            for name, own in zip(names, sets, strict=True)
            if others - own
        )
        raise UsageError(f"the runs did not score the same clips: {some}; --intersection takes what all have")
    if not common:
        raise UsageError(f"{', '.join(names)}: no clip was scored by all of them; nothing can be compared")
    return [key for key in tables[0].index if key in common], len(others)


def agree(column: str, names: Sequence[str], rows: Sequence[pd.DataFrame], shared: Sequence[Key]) -> None:
    """Refuses runs that do not say the same of the same clips.

    Raises:
        UsageError: a value of `column` differs.
    """
    for name, one in zip(names[1:], rows[1:], strict=True):
        differ = (one[column].to_numpy() != rows[0][column].to_numpy()).nonzero()[0]
        if len(differ):
            first = int(differ[0])
            raise UsageError(
                f"{column} of {len(differ)} clips differs, first of {_clip(shared[first])}: "
                f"{rows[0][column].iloc[first]} in {names[0]}, {one[column].iloc[first]} in {name}; "
                "score them by the same table"
            )


def _clip(key: Key) -> str:
    corpus, file, start, end = key
    return f"{corpus}/{file}" + (f" {start}-{end}" if start or end else "")
