"""Tables of scored clips: a row for each clip, its truth, and a probability for each emotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from affekt import files
from affekt.errors import UsageError
from affekt.evaluation.calibration import Places
from affekt.evaluation.metrics import Values, positions
from affekt.evaluation.temperature import BOUNDS

if TYPE_CHECKING:
    import pandas as pd

SCORES = "scores.csv"
HELD_OUT = "validation.csv"
WEIGHTS, TEMPERATURE = "weights.json", "temperature"
"""What each fold of fused scores was made with; in it, the temperature of their sum."""
PREFIX = "score_"
GROUP_COLUMNS = ("gender", "language", "age")
"""Columns of a corpus's table that are kept where they say something, to compare groups of speakers."""

_KEY = ("corpus", "file", "start", "end")
_DIGITS = 6


@dataclass(frozen=True)
class ScoredRun:
    """What a cross-validation or an evaluation left: its table, the emotions scored, and its protocol.

    `held_out` is the table of the validation clips, where the folds had some; `applied` the temperature that
    each fold's scores have already, where they are fused.
    """

    path: Path
    table: pd.DataFrame
    labels: tuple[str, ...]
    protocol: str
    held_out: pd.DataFrame | None = None
    applied: Mapping[str, float] | None = None


def scored_table(
    rows: pd.DataFrame, speakers: ArrayLike, labels: Sequence[str], scores: Values, fold: str
) -> pd.DataFrame:
    """Rows of a corpus's table with `scores` [clips, labels], as `scores.csv` holds them.

    `speakers` are keys that are unique over corpora. Scores keep six digits, however small they are: their
    logarithm is as good as they are.
    """
    kept = [name for name in GROUP_COLUMNS if name in rows and rows[name].notna().any()]
    scored = rows[["file", "start", "end", "corpus", "emotion", *kept]].copy()
    scored["corpus"] = scored["corpus"].fillna("unnamed")
    scored.insert(0, "fold", fold)
    scored["speaker"] = np.asarray(speakers)
    scored["predicted"] = [labels[at] for at in scores.argmax(1)]
    for at, label in enumerate(labels):
        scored[f"{PREFIX}{label}"] = [float(f"{score:.{_DIGITS}g}") for score in scores[:, at]]
    return scored


def score_matrix(scored: pd.DataFrame, labels: Sequence[str]) -> tuple[Values, Places]:
    """The scores [clips, labels] of a table, and the truth as positions in `labels` [clips].

    Raises:
        UsageError: a score is missing or none, or the truth is not among `labels`.
    """
    names = [f"{PREFIX}{label}" for label in labels]
    if missing := [name for name in names if name not in scored]:
        raise UsageError(f"scored table: no column {missing[0]}; score these clips anew")
    values = scored[names].to_numpy(np.float64)
    if not np.isfinite(values).all():
        raise UsageError("scored table: a score is empty or no number; score these clips anew")
    return values, positions(scored["emotion"], labels, "emotion")


def clip_keys(scored: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """Corpus, file, start and end of each clip as text, `""` where there is no time."""
    columns = [_texts(scored[name]) if name in scored else [""] * len(scored) for name in _KEY]
    return list(zip(*columns, strict=True))


def read_run(folder: Path | str) -> ScoredRun:
    """Reads what `affekt train --protocol` or `affekt evaluate -o` wrote into a folder.

    Raises:
        UsageError: the folder holds no `scores.csv` and `report.json`, or they are damaged.
    """
    folder = Path(folder)
    path = folder / SCORES
    if not path.is_file():
        raise UsageError(
            f"{folder}: no {SCORES}; give a folder of `affekt train --protocol` or `affekt evaluate -o`"
        )
    table, labels = read_scored(path)
    report = files.read_json(folder / "report.json")
    protocol = report.get("protocol") if isinstance(report, dict) else None
    if not isinstance(protocol, str):
        raise UsageError(f"{folder / 'report.json'}: names no protocol; run it again")
    aside = folder / HELD_OUT
    held_out = read_scored(aside)[0] if aside.is_file() else None
    applied = _applied(folder / WEIGHTS, set(table["fold"].astype(str)))
    return ScoredRun(folder, table, labels, protocol, held_out, applied)


def _applied(path: Path, folds: set[str]) -> dict[str, float] | None:
    """The temperature of each fold of fused scores; none where there are no weights, or other ones."""
    plain = files.read_json(path) if path.is_file() else None
    if not isinstance(plain, dict) or set(plain) != folds:
        return None
    found = {fold: one.get(TEMPERATURE) if isinstance(one, dict) else None for fold, one in plain.items()}
    if not all(isinstance(one, float) and BOUNDS[0] <= one <= BOUNDS[1] for one in found.values()):
        return None
    return cast(dict[str, float], found)


def read_scored(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A table of scored clips as it was written, and the emotions scored.

    Raises:
        UsageError: it is not there, or damaged.
    """
    import pandas as pd

    try:
        texts = {"fold": str, "file": str, "speaker": str, "corpus": str, "emotion": str, "predicted": str}
        table = pd.read_csv(path, dtype=texts, keep_default_na=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({' '.join(str(error).split())}); run it again") from None
    missing = [name for name in (*texts, "start", "end") if name not in table]
    labels = tuple(name.removeprefix(PREFIX) for name in table.columns if name.startswith(PREFIX))
    if missing or not labels or table.empty:
        raise UsageError(f"{path}: no {missing[0] if missing else 'scores'} in it; run it again")
    return table, labels


def _texts(column: Any) -> list[str]:
    return ["" if value is None or value != value else str(value) for value in column.tolist()]  # noqa: PLR0124
