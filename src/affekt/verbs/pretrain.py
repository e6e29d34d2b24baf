"""Pre-training: what a network can learn before it learns emotion."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from affekt import corpora, files
from affekt.config import NETWORKS, Metric
from affekt.errors import CorpusError, UsageError
from affekt.evaluation import Interval, Trial, eer_interval, make_trials, min_dcf, write_trials
from affekt.evaluation.plots import learning_curve_figure
from affekt.models import build
from affekt.recipe import Recipe
from affekt.tracking import tracked
from affekt.training import distributed
from affekt.training.clips import Clips
from affekt.training.examples import selected
from affekt.training.fit import Fit
from affekt.training.journal import Journal, Watcher
from affekt.training.package import package, training_corpora
from affekt.training.run import Say, decoding, held, record_run
from affekt.training.scoring import score_rows
from affekt.training.speakers import SpeakerTask
from affekt.training.transfer import inherit, start
from affekt.verbs.sources import open_source
from affekt.verbs.telling import listeners

if TYPE_CHECKING:
    import pandas as pd

TRIALS = "trials.txt"
VERIFICATION = "verification.json"


@dataclass(frozen=True)
class Verification:
    """How well embeddings tell speakers apart that the network has never heard."""

    eer: Interval
    min_dcf: float
    speakers: int
    trials: int

    def line(self) -> str:
        """The figures for a person to read."""
        return f"eer {self.eer.value:.3f}, min_dcf {self.min_dcf:.3f} on {self.trials} trials"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "eer": self.eer.to_json(),
            "min_dcf": self.min_dcf,
            "p_target": P_TARGET,
            "speakers": self.speakers,
            "trials": self.trials,
        }


P_TARGET = 0.01


@dataclass(frozen=True)
class PretrainResult:
    """What a run left: its folder, the model folder in it, and how well it does on unseen speakers."""

    folder: Path
    model: Path
    verification: Verification


def pretrain_speakers(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    track: Sequence[str] = (),
    say: Say | None = None,
    watcher: Watcher | None = None,
) -> PretrainResult:
    """Trains a network to tell speakers apart, and tests it on speakers it has never heard.

    The speakers tested on are those of the table's `split` whose name starts with `test`; where there is
    none, `speakers.test_speakers` are drawn. They choose nothing: the last epoch is kept.

    Args:
        recipe: what to train on what; `recipe.data` names the corpora, which need no emotions.
        out: the run's folder; it must be new or empty, unless `resume`.
        resume: goes on where a stopped run left off.
        track: where to tell of the run, as `affekt.train` has it.
        say: told of what is done, a line at a time; `watcher` of each step.

    Raises:
        UsageError: a wrong recipe, a folder in use, or a checkpoint of another run.
        CorpusError: the data are not as they should be.
        TrainingError: a loss is not finite.
        KeyboardInterrupt: on Ctrl-C or SIGTERM, after a checkpoint.
    """
    say = say or (lambda text: None)
    if not recipe.data:
        raise UsageError("recipe: no data; name a corpus such as data=librispeech:FOLDER, or a table")
    if recipe.system not in NETWORKS:
        raise UsageError(f"system: {recipe.system} is no network; take one of {', '.join(NETWORKS)}")
    told = listeners(track)
    source = open_source(recipe, watcher)
    recipe = recipe.model_copy(update={"task": "speakers", "labels": None})
    recipe = inherit(recipe, source) if source is not None else recipe
    with distributed.processes(), held(out, resume), tracked(out, told, say):
        train, test = speaker_parts(selected(recipe), recipe)
        say(f"{len(train)} clips of {corpora.speaker_key(train).nunique()} speakers to learn from")
        say(f"{len(test)} clips of {corpora.speaker_key(test).nunique()} speakers to test on")
        say(f"seed {recipe.seed}, {torch.get_num_threads()} threads")
        record_run(out, recipe, "speakers", resume)
        trials = trials_of(test, recipe)
        if distributed.rank() == 0:
            names = list(test["file"])
            write_trials(out / TRIALS, ((one.same, names[one.first], names[one.second]) for one in trials))
        task = SpeakerTask(Clips(train, decoding(watcher)), list(corpora.speaker_key(train)), recipe)
        network = build(recipe, len(task.labels))
        if source is not None:
            say(start(network, recipe, task.labels, source).line())
        began = time.monotonic()
        fit = Fit(network, task, recipe, out)
        fit.run(Journal(out / "log.jsonl" if distributed.rank() == 0 else None, watcher), resume=resume)
        seconds = time.monotonic() - began
        heard = Clips(test, decoding(watcher))
        found = verify(score_rows(network, heard, np.arange(len(test)), output="embedding"), trials, test)
        model = out / "model"
        if distributed.rank() == 0:
            assert found.eer.value is not None
            learning_curve_figure(fit.position.history, out / "learning_curve.png")
            files.write_json(out / VERIFICATION, found.to_json())
            package(
                model,
                network,
                recipe,
                training_corpora(train),
                task.labels,
                seconds=seconds,
                metrics={
                    "speakers.eer": Metric(value=found.eer.value, low=found.eer.low, high=found.eer.high)
                },
                tested=f"Told {found.speakers} unheard speakers apart, in {found.trials} trials.",
                inherited=source.corpora if source else (),
            )
            say(f"{found.line()}; model: {model}")
        distributed.barrier()
        return PretrainResult(out, model, found)


def speaker_parts(table: pd.DataFrame, recipe: Recipe) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The clips to learn from and those to test on, without a speaker in both.

    Raises:
        CorpusError: a clip has no speaker, a speaker is in both parts, or a part has fewer than two speakers.
    """
    keys = corpora.speaker_key(table)
    named = table["split"].fillna("").str.startswith("test")
    if named.any():
        both = sorted(set(keys[named]) & set(keys[~named]))
        if both:
            raise CorpusError(
                f"speakers stand in test and in other splits, such as {both[0]}; give each one split"
            )
        held_out = named
    else:
        names = sorted(set(keys))
        share = recipe.speakers.test_speakers
        count = round(share * len(names)) if share < 1 else int(share)
        drawn = np.random.default_rng([recipe.seed, len(names)]).permutation(len(names))[: max(2, count)]
        held_out = keys.isin([names[at] for at in drawn])
    parts = table[~held_out].reset_index(drop=True), table[held_out].reset_index(drop=True)
    for part, purpose in zip(parts, ("learn from", "test on"), strict=True):
        speakers = corpora.speaker_key(part).nunique() if len(part) else 0
        if speakers < 2:
            raise CorpusError(f"{speakers} speakers to {purpose}; at least two are needed")
    return parts


def trials_of(table: pd.DataFrame, recipe: Recipe) -> list[Trial]:
    """Trials within a table, the same for the same recipe."""
    column = next(
        (name for name in ("session", "chapter") if name in table and table[name].notna().all()), None
    )
    known = [str(one) for one in table[column]] if column else None
    return make_trials(
        list(corpora.speaker_key(table)), known, per_speaker=recipe.speakers.trials, seed=recipe.seed
    )


def verify(embeddings: NDArray[np.float32], trials: Sequence[Trial], table: pd.DataFrame) -> Verification:
    """Cosine scoring of trials: embeddings [clips, dimensions] in the order of the table."""
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    first, second = (np.array([getattr(one, side) for one in trials]) for side in ("first", "second"))
    scores = np.einsum("td,td->t", unit[first], unit[second])
    speakers = corpora.speaker_key(table).to_numpy()
    return Verification(
        eer=eer_interval(scores, speakers[first], speakers[second]),
        min_dcf=min_dcf(scores, [one.same for one in trials], p_target=P_TARGET),
        speakers=len(set(speakers)),
        trials=len(trials),
    )
