"""How right a model is on a labelled table that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affekt import audio, corpora, files, provenance
from affekt.errors import AudioError, CorpusError
from affekt.evaluation import Report, restrict_scores, shared_labels, summarise
from affekt.evaluation.folder import write_report
from affekt.evaluation.scored import scored_table
from affekt.model_folder import probabilities
from affekt.provenance import RECORD
from affekt.recognizer import Recognizer

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Evaluation:
    """A report and what it leaves out: labels that only one side has, clips that could not be read."""

    report: Report
    scored: pd.DataFrame
    compared: tuple[str, ...]
    only_model: tuple[str, ...]
    only_table: tuple[str, ...]
    left_out: int
    """Clips without an emotion, or with one that the model does not know."""
    failures: tuple[str, ...]
    """A line for each clip that could not be read."""
    model: str = ""
    """The folder of the model."""
    data: str = ""
    root: str = ""
    """What the source's files are relative to, where it was given."""

    def statement(self) -> str:
        """What was compared, in a sentence or two."""
        parts = [f"Compared: {', '.join(self.compared)}."]
        if self.only_model:
            parts.append(f"The model also knows {', '.join(self.only_model)}; these scores are left aside.")
        if self.left_out:
            names = f" ({', '.join(self.only_table)})" if self.only_table else ""
            parts.append(f"{self.left_out} clips have another or no emotion{names} and are left out.")
        if self.failures:
            parts.append(f"{len(self.failures)} clips could not be read and are left out.")
        return " ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The report with what it leaves out."""
        return {
            **self.report.to_json(),
            "compared": list(self.compared),
            "only_model": list(self.only_model),
            "only_table": list(self.only_table),
            "left_out": self.left_out,
            "failures": list(self.failures),
        }


Tick = Callable[[int, int], None]
"""Told how many clips are done, and of how many."""


def evaluate(
    model: str | Path | Recognizer,
    data: str,
    *,
    root: Path | None = None,
    seed: int = 0,
    threads: int | None = None,
    tick: Tick | None = None,
) -> Evaluation:
    """Scores every labelled clip of `data` and reports on them, with intervals over speakers.

    Args:
        model: a known model, a model folder, or a recogniser that is already loaded.
        data: a source such as `emodb:FOLDER` or `clips.csv`; for a table, files are relative to `root`.
        tick: told (done, total).

    Raises:
        UsageError: no such model or source.
        CorpusError: the table is not as it should be, or shares fewer than two labels with the model.
    """
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model, threads=threads)
    table = corpora.load(data, root)
    labels = recognizer.config.labels
    compared, only_model, only_table = shared_labels(labels, [str(one) for one in table["emotion"].dropna()])
    if len(compared) < 2:
        raise CorpusError(
            f"{data}: shares {compared or 'no label'} with the model, which knows {', '.join(labels)}"
        )
    rows = table[table["emotion"].isin(compared)].reset_index(drop=True)
    scores, kept, failures = [], [], []
    for position, row in enumerate(rows.to_dict("records")):
        try:
            scores.append(_score(recognizer, row))
            kept.append(position)
        except AudioError as error:
            failures.append(str(error))
        if tick:
            tick(position + 1, len(rows))
    if not kept:
        raise CorpusError(f"{data}: no clip could be read; the first: {failures[0]}")
    read = rows.iloc[kept]
    speakers = corpora.speaker_key(read, allow_unknown=True).to_numpy()
    scored = scored_table(read, speakers, compared, restrict_scores(scores, labels, compared), "all")
    title = f"{recognizer.path.name} on {data.partition(':')[0] if ':' in data else Path(data).name}"
    report = summarise(scored, compared, title=title, protocol="fixed model", seed=seed)
    left_out = len(table) - len(rows)
    return Evaluation(
        report,
        scored,
        tuple(compared),
        tuple(only_model),
        tuple(only_table),
        left_out,
        tuple(failures),
        model=str(recognizer.path),
        data=data,
        root="" if root is None else str(root),
    )


def write_evaluation(folder: Path, found: Evaluation) -> None:
    """What `write_report` writes, and `run.json`: model, data, command and versions."""
    record = provenance.record() | {
        "protocol": found.report.protocol,
        "seed": found.report.seed,
        "model": found.model,
        "data": found.data,
        "root": found.root,
        "statement": found.statement(),
    }
    files.write_json(folder / RECORD, record)
    write_report(folder, found.report, found.scored)


def _score(recognizer: Recognizer, row: Mapping[Hashable, Any]) -> NDArray[np.float64]:
    waveform = recognizer.listen(row["path"])
    piece = audio.cut(waveform.samples, row["start"], row["end"], waveform.name)
    return probabilities(recognizer.logits([piece])[0], recognizer.config.temperature)
