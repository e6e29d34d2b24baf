"""What several systems said of the same clips, side by side: what fusion is fitted on and measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from affekt.errors import UsageError
from affekt.evaluation import restrict_scores
from affekt.evaluation.bootstrap import Resampling
from affekt.evaluation.fusion import Weights, cross_fitted, equal_weights
from affekt.evaluation.paired import Comparison, compare_systems
from affekt.evaluation.scored import ScoredRun, score_matrix, scored_table
from affekt.verbs.compare import agree, by_clip, shared_clips

if TYPE_CHECKING:
    import pandas as pd

EQUAL, FITTED = "equal weights", "fitted weights"


@dataclass(frozen=True)
class Panel:
    """Members' scores [members, clips, labels] over the labels that all have, and the truth of the clips.

    `rows` are the first member's; `left_out` are clips that not all scored, `other_labels` emotions that not
    all know, which are left aside with their clips.
    """

    names: tuple[str, ...]
    protocols: tuple[str, ...]
    labels: tuple[str, ...]
    rows: pd.DataFrame
    scores: NDArray[np.float64]
    truth: NDArray[np.int64]
    left_out: int
    other_labels: tuple[str, ...]

    def statement(self) -> str:
        """What was compared, and what was left out."""
        parts = [f"{len(self.rows)} clips, {', '.join(self.labels)}"]
        if self.other_labels:
            parts.append(f"not known to all and left aside: {', '.join(self.other_labels)}")
        if self.left_out:
            parts.append(f"{self.left_out} clips not scored by all and left out")
        return "; ".join(parts)

    def table(self, scores: NDArray[np.float64]) -> pd.DataFrame:
        """The clips with these scores [clips, labels], as `scores.csv` holds them."""
        return scored_table(self.rows, self.rows["speaker"], self.labels, scores, "all").assign(
            fold=self.rows["fold"].to_numpy()
        )

    def fused(self, by: str) -> tuple[NDArray[np.float64], dict[str, Weights], dict[str, float]]:
        """All clips, with weights and temperatures from others: `by` is the column that parts them."""
        folds, speakers = self.rows[by].astype(str), self.rows["speaker"].astype(str)
        return cross_fitted(self.scores, self.truth, folds.tolist(), speakers.tolist())

    def compare(self, fused: NDArray[np.float64] | None, seed: int = 0) -> Comparison:
        """Each member, equal weights, and those fitted on other speakers, where there are such."""
        said = {
            name: (of, one) for name, of, one in zip(self.names, self.protocols, self.scores, strict=True)
        }
        protocol = " / ".join(dict.fromkeys(self.protocols))
        said[EQUAL] = protocol, equal_weights(len(self.names)).apply(self.scores)
        if fused is not None:
            said[FITTED] = f"{protocol}, cross-fitted", fused
        return compare_systems(
            self.rows["emotion"].tolist(),
            self.rows["speaker"].astype(str).tolist(),
            {name: (of, [self.labels[at] for at in one.argmax(axis=1)]) for name, (of, one) in said.items()},
            self.labels,
            Resampling(seed=seed),
            left_out=self.left_out,
        )


def panel(names: Sequence[str], runs: Sequence[ScoredRun], *, intersection: bool) -> Panel:
    """The runs side by side.

    Raises:
        UsageError: they did not score the same clips, do not agree on their truth, or share too few labels.
    """
    labels = tuple(one for one in runs[0].labels if all(one in run.labels for run in runs))
    if len(labels) < 2:
        raise UsageError(f"{', '.join(names)}: share {', '.join(labels) or 'no label'}; fusing needs two")
    others = tuple(dict.fromkeys(one for run in runs for one in run.labels if one not in labels))
    tables = [by_clip(run) for run in runs]
    tables = [table[table["emotion"].isin(labels)] for table in tables]
    shared, left_out = shared_clips(names, tables, intersection)
    rows = [table.loc[shared] for table in tables]
    for column in ("emotion", "speaker"):
        agree(column, names, rows, shared)
    scores = [
        restrict_scores(score_matrix(one, run.labels)[0], run.labels, labels)
        for one, run in zip(rows, runs, strict=True)
    ]
    truth = score_matrix(rows[0], labels)[1]
    kept = rows[0].reset_index(drop=True)
    protocols = tuple(run.protocol for run in runs)
    return Panel(tuple(names), protocols, labels, kept, np.stack(scores), truth, left_out, others)
