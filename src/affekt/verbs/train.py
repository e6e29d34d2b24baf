"""Training: one model on all speakers, or one model for each fold and a report on speakers never heard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from affekt import corpora, files
from affekt.config import Metric
from affekt.errors import CorpusError, SplitError, UsageError
from affekt.evaluation import Report, confusion, summarise, uar
from affekt.evaluation.folder import write_report
from affekt.evaluation.plots import learning_curve_figure
from affekt.evaluation.scored import HELD_OUT, PREFIX, read_run, scored_table
from affekt.models import build
from affekt.recipe import Recipe
from affekt.splits import Fold, Folds, make_folds, train_validation
from affekt.splits.leaks import recordings_of, refuse_copies
from affekt.tracking import tracked
from affekt.training import baseline, calibrate, distributed
from affekt.training.batches import IntArray
from affekt.training.clips import Clips
from affekt.training.copies import same_sound
from affekt.training.examples import labelled, selected, targets
from affekt.training.journal import Watcher
from affekt.training.learner import Fitted, Run
from affekt.training.package import package, training_corpora
from affekt.training.run import Say, decoding, finished, held, record_run
from affekt.training.transfer import inherit, start
from affekt.verbs.sources import open_source
from affekt.verbs.teaching import listen_all, open_teacher
from affekt.verbs.telling import listeners

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrainResult:
    """What a run left: its folder, and a model folder or a report."""

    folder: Path
    model: Path | None = None
    report: Report | None = None


def train(
    recipe: Recipe,
    out: Path,
    *,
    protocol: str | None = None,
    folds: int = 5,
    only: str | None = None,
    speaker_dependent: bool = False,
    resume: bool = False,
    metrics: Mapping[str, Metric] | None = None,
    tested: str = "Not tested on speakers that it has not heard: run `affekt train RECIPE --protocol loso`.",
    calibrate_from: Path | None = None,
    track: Sequence[str] = (),
    say: Say | None = None,
    watcher: Watcher | None = None,
) -> TrainResult:
    """Trains by a recipe, in the folder `out`.

    Args:
        recipe: what to train on what; `recipe.data` names the corpora.
        out: the run's folder; it must be new or empty, unless `resume`.
        protocol: None trains one model on all clips; otherwise cross-validation by this protocol
            (`affekt.splits.PROTOCOLS`).
        folds: how many, for the protocols that let one choose.
        only: the name of one of the protocol's folds, which is trained and tested alone, so that folds can be
            trained at other times or places.
        speaker_dependent: lets `random` put a speaker on both sides, and says so beside every figure.
        resume: goes on where a stopped run left off; it ends exactly as if it had not been stopped.
        metrics: figures measured elsewhere for the model's config and card; `tested` says how.
        calibrate_from: the folder of a cross-validation of this recipe, whose scores set the model's
            temperature and label sets; without it the validation speakers do, where there are some.
        track: where to tell of the run, `tensorboard:DIR` or `mlflow:URI`; one that cannot be reached is a
            warning.
        say: told of what is done, a line at a time; `watcher` of each step.

    Raises:
        UsageError: a wrong recipe, a folder in use, a checkpoint of another run, or one to calibrate from
            that does not fit.
        CorpusError: the data are not as they should be, or a split would leak.
        TrainingError: a loss is not finite.
        KeyboardInterrupt: on Ctrl-C or SIGTERM, after a checkpoint.
    """
    say = say or (lambda text: None)
    if not recipe.data:
        raise UsageError("recipe: no data; name a corpus such as data=emodb:FOLDER, or a table")
    if only is not None and protocol is None:
        raise UsageError("--only is the name of a fold; say of which --protocol")
    if calibrate_from is not None and protocol is not None:
        raise UsageError("--calibrate-from is for a model; a cross-validation (--protocol) calibrates itself")
    told = listeners(track)
    source = open_source(recipe, watcher)
    recipe = inherit(recipe, source) if source is not None else recipe
    with distributed.processes(), held(out, resume), tracked(out, told, say):
        table, left_out = labelled(selected(recipe), recipe.labels)
        plan = _one(_plan(table, recipe, protocol, folds, speaker_dependent), only)
        if recipe.extra:
            table, plan = _with_extra(table, plan, recipe)
        if protocol is not None and resume and finished(out, recipe, plan.title):
            say(f"{out}: finished before; its report is made from its scores")
            kept = read_run(out)
            return TrainResult(out, report=_report(out, recipe, plan, kept.table, kept.held_out))
        learnt = targets(table, recipe.labels)
        say(
            f"{len(table)} clips, {corpora.speaker_key(table).nunique()} speakers, {', '.join(learnt.labels)}"
        )
        if left_out:
            say(f"{left_out} clips have no emotion or another one and are left out")
        calibrated = None
        if calibrate_from is not None:
            names = set(table["corpus"].fillna("unnamed").astype(str))
            calibrated = calibrate.calibrate_from(calibrate_from, recipe, learnt.labels, names)
            say(calibrated.line())
        say(f"seed {recipe.seed}, {torch.get_num_threads()} threads")
        if source is not None:
            say(start(build(recipe, len(learnt.labels)), recipe, learnt.labels, source).line())
        teacher = open_teacher(recipe, table, learnt, tested=protocol is not None, say=say)
        clips = _heard(table, plan, recipe, say, watcher)
        record_run(out, recipe, plan.title, resume)
        values = baseline.features_for(recipe, clips, watcher)
        taught = listen_all(teacher, clips, learnt, watcher) if teacher is not None else None
        run = Run(recipe, out, table, clips, learnt, resume, watcher, source, values, taught)
        if protocol is not None:
            return TrainResult(out, report=_cross_validate(run, plan, say))
        return TrainResult(out, model=_final(run, plan.folds[0], metrics or {}, tested, calibrated, say))


def _plan(
    table: pd.DataFrame, recipe: Recipe, protocol: str | None, count: int, speaker_dependent: bool
) -> Folds:
    aside, chosen = recipe.train.validation_speakers, recipe.train.split_seed
    seed = recipe.seed if chosen is None else chosen
    if protocol is None:
        return Folds("all speakers", False, (train_validation(table, aside, seed),))
    return make_folds(
        table,
        protocol,
        count=count,
        validation_speakers=aside,
        seed=seed,
        speaker_dependent=speaker_dependent,
    )


def _one(plan: Folds, only: str | None) -> Folds:
    """The plan, or one fold of it.

    Raises:
        UsageError: it has no fold of this name.
    """
    if only is None:
        return plan
    names = [fold.name for fold in plan.folds]
    if only not in names:
        raise UsageError(
            f"--only {only}: {plan.protocol} has no such fold; it has {', '.join(names[:10])}"
            + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        )
    title = f"{plan.protocol}, fold {only} of {len(names)}"
    return replace(plan, protocol=title, folds=(plan.folds[names.index(only)],))


def _with_extra(table: pd.DataFrame, plan: Folds, recipe: Recipe) -> tuple[pd.DataFrame, Folds]:
    """The rows of `recipe.extra` behind those of the table, and in the training part of every fold.

    Raises:
        UsageError: not a source.
        CorpusError: a speaker of it is in the table too, and would be heard before the test.
    """
    import pandas as pd

    rows = corpora.load_many(recipe.extra, labels=recipe.merge or None)
    rows, _ = labelled(rows, recipe.labels)
    both = sorted(set(corpora.speaker_key(rows)) & set(corpora.speaker_key(table)))
    if both:
        raise CorpusError(f"extra: {both[0]} speaks in the data too; learn from other speakers")
    added = np.arange(len(table), len(table) + len(rows))
    folds = tuple(replace(fold, train=np.concatenate([fold.train, added])) for fold in plan.folds)
    return pd.concat([table, rows], ignore_index=True), replace(plan, folds=folds)


def _heard(table: pd.DataFrame, plan: Folds, recipe: Recipe, say: Say, watcher: Watcher | None) -> Clips:
    """All clips, decoded, of which none sounds like one in another part of a fold."""
    by_sound = recipe.leak_check == "sound"
    clips = Clips(table, decoding(watcher), prints=by_sound)
    if by_sound:
        folds = [(fold.name, (fold.train, fold.validation, fold.test)) for fold in plan.folds]
        try:
            refuse_copies(folds, same_sound(clips), clips.samples, recordings_of(table))
        except SplitError as error:
            if not plan.speaker_dependent:
                raise
            # Where speakers are in both parts on purpose, so are takes; it is said and goes on.
            say(f"note: {error}")
    return clips


def _final(  # noqa: PLR0917
    run: Run,
    fold: Fold,
    metrics: Mapping[str, Metric],
    tested: str,
    calibrated: calibrate.Calibrated | None,
    say: Say,
) -> Path:
    began = time.monotonic()
    fitted = run.fit(fold.train, fold.validation, run.folder)
    if len(fold.validation):
        # A model is asked of any recording: classes that a clip's corpus lacks are answers as well.
        scored = _scored(run, fold.name, fold.validation, fitted, all_classes=True)
        if distributed.rank() == 0:
            files.write_text(run.folder / HELD_OUT, scored.to_csv(index=False))
        if calibrated is None:
            calibrated = calibrate.calibrate(scored, run.learnt.labels)
            say(calibrated.line())
    model = run.folder / "model"
    if distributed.rank() == 0:
        _draw(fitted, run.folder)
        seconds = time.monotonic() - began
        heard = run.table.iloc[fold.train]
        labels = run.learnt.labels
        others = [one for one in (run.source, run.taught) if one is not None]
        inherited = {corpus.name: corpus for one in others for corpus in one.corpora}
        package(
            model,
            fitted.model,
            run.recipe,
            training_corpora(heard),
            labels,
            seconds=seconds,
            metrics=metrics,
            tested=tested,
            inherited=list(inherited.values()),
            calibrated=calibrated,
        )
        say(f"model: {model}")
    distributed.barrier()
    return model


def _cross_validate(run: Run, plan: Folds, say: Say) -> Report:
    import pandas as pd

    scored, held_out = [], []
    for number, fold in enumerate(plan.folds, 1):
        label = f"fold {number}/{len(plan.folds)} ({fold.name})  "
        folder = run.folder / "folds" / fold.name.replace("/", "-")
        fitted = run.fit(fold.train, fold.validation, folder, label)
        # Where classes that a corpus lacks count in training, they are answers in the test as well.
        open_ended = run.recipe.train.absent_classes > 0
        scored.append(_scored(run, fold.name, fold.test, fitted, all_classes=open_ended))
        if len(fold.validation):
            held_out.append(_scored(run, fold.name, fold.validation, fitted, all_classes=open_ended))
        if distributed.rank() == 0:
            _draw(fitted, folder)
            figure = float(uar(confusion(scored[-1]["emotion"], scored[-1]["predicted"], run.learnt.labels)))
            say(f"{label}{plan.title}: uar {figure:.3f}{_best(fitted.history)}")
    rows = pd.concat(scored, ignore_index=True)
    watched = pd.concat(held_out, ignore_index=True) if held_out else None
    report = _report(run.folder, run.recipe, plan, rows, watched)
    distributed.barrier()
    return report


def _report(
    folder: Path, recipe: Recipe, plan: Folds, rows: pd.DataFrame, watched: pd.DataFrame | None
) -> Report:
    labels = [name.removeprefix(PREFIX) for name in rows.columns if name.startswith(PREFIX)]
    title = f"{recipe.system} on {', '.join(sorted(set(rows['corpus'])))}"
    report = summarise(rows, labels, title=title, protocol=plan.title, seed=recipe.seed, held_out=watched)
    if distributed.rank() == 0:
        write_report(folder, report, rows, held_out=watched)
    return report


def _scored(
    run: Run, fold: str, rows: IntArray, fitted: Fitted, *, all_classes: bool = False
) -> pd.DataFrame:
    logits = torch.from_numpy(fitted.logits(rows))
    if not all_classes:
        logits = logits.masked_fill(~run.learnt.allowed[rows], float("-inf"))
    scores = logits.double().softmax(-1).numpy()
    table = run.table.iloc[rows]
    return scored_table(table, corpora.speaker_key(table).to_numpy(), run.learnt.labels, scores, fold)


def _draw(fitted: Fitted, folder: Path) -> None:
    if fitted.history:
        learning_curve_figure(fitted.history, folder / "learning_curve.png")


def _best(history: list[dict[str, float]]) -> str:
    """The epoch whose weights were kept: the first of those with the best figures, or the last of all."""
    if not history:
        return ""
    best = history[-1]
    if "validation_uar" in best:
        best = max(history, key=lambda row: (row["validation_uar"], -row["validation_loss"]))
    return f", best epoch {int(best['epoch'])}"
