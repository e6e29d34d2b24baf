"""Several models as one model, or several cross-validations as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from affekt import files
from affekt.config import FusionMember, FusionRecord
from affekt.errors import MissingExtraError, UsageError
from affekt.evaluation import summarise
from affekt.evaluation.folder import write_report
from affekt.evaluation.fusion import Weights, equal_weights, fit_weights
from affekt.evaluation.paired import Comparison
from affekt.evaluation.report import Report
from affekt.evaluation.scored import SCORES, TEMPERATURE, WEIGHTS, ScoredRun, read_run
from affekt.verbs.compare import run_names, write_comparison
from affekt.verbs.panel import EQUAL, FITTED, Panel, panel

if TYPE_CHECKING:
    from affekt.verbs.evaluate import Tick

FUSION = "fusion.json"


@dataclass(frozen=True)
class Fused:
    """What fusing left: its folder, the weights by name, and how the members and their sum compare.

    `comparison` is None where no clips were given, `report` where models were fused.
    """

    folder: Path
    names: tuple[str, ...]
    weights: Weights
    comparison: Comparison | None = None
    report: Report | None = None
    notes: tuple[str, ...] = ()

    def to_markdown(self) -> str:
        """The weights, and the comparison."""
        head = "| member | weight | temperature |\n|---|---:|---:|\n"
        rows = "\n".join(
            f"| {name} | {share:.3f} | {temperature:.2f} |"
            for name, share, temperature in zip(
                self.names, self.weights.shares, self.weights.temperatures, strict=True
            )
        )
        parts = [f"# Fusion\n\n{head}{rows}", *self.notes]
        if self.comparison is not None:
            parts.append(self.comparison.to_markdown())
        return "\n\n".join(parts)


def fuse(
    members: Sequence[str | Path],
    out: Path,
    *,
    data: str | None = None,
    root: Path | None = None,
    weights_from: Path | None = None,
    equal: bool = False,
    intersection: bool = False,
    names: Sequence[str] | None = None,
    seed: int = 0,
    threads: int | None = None,
    say: Callable[[str], None] | None = None,
    tick: Tick | None = None,
) -> Fused:
    """Fuses models into a model folder, or cross-validations into one, by weighed log-probabilities.

    Weights are fitted on speakers that no member has heard: of models on the clips of `data`, of
    cross-validations on the other folds' clips, for each fold anew (`evaluation.fusion`). The labels are
    those that all members know.

    Args:
        members: known models and model folders, or folders of `affekt train --protocol`; two or more.
        out: the model folder, or a new folder for the fused cross-validation.
        data: for models, a source such as `emodb:FOLDER` or `clips.csv`: speakers that no member has heard.
        root: the folder that a table's files are relative to.
        weights_from: for models, the folder of fused cross-validations of the same systems, in this order.
        equal: takes equal weights and fits nothing; `data`, if given, only measures.
        intersection: for cross-validations, takes the clips that all scored.
        names: what to call runs in tables; their folders' names if not given.
        say: told of what is done, a line at a time; `tick` of clips scored.

    Raises:
        UsageError: fewer than two members, models among runs, nothing to fit weights on, or no shared labels.
        ModelFolderError: a member is damaged or not to be trusted.
        MissingExtraError: models are fused by what comes with `affekt[train]`.
    """
    say = say or (lambda text: None)
    if len(members) < 2:
        raise UsageError(f"{len(members)} member to fuse; give two or more")
    runs = [one for one in members if (Path(one) / SCORES).is_file()]
    if not runs:
        try:
            from affekt.verbs.fuse_models import fuse_models
        except ImportError:
            raise MissingExtraError("fusing models", "train") from None
        return fuse_models(
            members, out, data=data, root=root, weights_from=weights_from, equal=equal, seed=seed,
            threads=threads, say=say, tick=tick,
        )  # fmt: skip
    if len(runs) < len(members):
        raise UsageError(f"{runs[0]} is a run and not all members are; fuse models, or runs")
    if data is not None or weights_from is not None:
        raise UsageError("--data and --weights-from are for models; runs bring their own clips")
    found = [read_run(Path(one)) for one in members]
    called = list(names) if names is not None else run_names(found)
    if len(set(called)) != len(found):
        raise UsageError(f"names {', '.join(called)}: give one of its own for each of {len(found)} runs")
    return _fuse_runs(called, found, out, equal, intersection, seed, say)


def read_record(folder: Path) -> FusionRecord:
    """What fusing cross-validations into this folder found.

    Raises:
        UsageError: the folder holds no `fusion.json`, or a damaged one.
    """
    path = folder / FUSION
    if not path.is_file():
        raise UsageError(f"{folder}: no {FUSION}; give the folder of fused cross-validations")
    try:
        return FusionRecord.model_validate(files.read_json(path))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise UsageError(f"{path}: {problem:.120}; fuse the cross-validations anew") from None


def _fuse_runs(  # noqa: PLR0917
    names: Sequence[str],
    runs: Sequence[ScoredRun],
    out: Path,
    equal: bool,
    intersection: bool,
    seed: int,
    say: Callable[[str], None],
) -> Fused:
    from affekt.training.calibrate import calibrate

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: not an empty folder; choose another one")
    side = panel(names, runs, intersection=intersection)
    say(side.statement())
    fused, by_fold, temperatures = (None, {}, {}) if equal else side.fused("fold")
    weights = equal_weights(len(runs)) if equal else fit_weights(side.scores, side.truth)
    every = weights.apply(side.scores)
    table = side.table(every if fused is None else fused)
    title = f"{' + '.join(side.names)}, {EQUAL if equal else FITTED}"
    protocol = " / ".join(dict.fromkeys(side.protocols))
    report = summarise(
        table, side.labels, title=title, protocol=protocol, seed=seed, applied=temperatures or None
    )
    comparison = side.compare(fused, seed)
    source = f"out-of-fold scores of {', '.join(side.names)} ({protocol})"
    calibrated = calibrate(side.table(every), side.labels, source)
    record = FusionRecord(
        format=1,
        labels=list(side.labels),
        members=[
            FusionMember(name=name, system=_system(run.path), weight=share, temperature=temperature)
            for name, run, share, temperature in zip(
                side.names, runs, weights.shares, weights.temperatures, strict=True
            )
        ],
        temperature=calibrated.temperature,
        calibration=calibrated.record,
    )
    write_report(out, report, table)
    write_comparison(out, comparison)
    files.write_json(out / FUSION, record.model_dump(mode="json"))
    told = {name: one.to_json() | {TEMPERATURE: temperatures[name]} for name, one in by_fold.items()}
    files.write_json(out / WEIGHTS, told)
    return Fused(out, side.names, weights, comparison, report, (side.statement(),))


def _system(run: Path) -> str:
    """The system that a run trained; `fusion` for a fused one, `unknown` where nothing tells."""
    from affekt import recipe as recipes

    if (run / FUSION).is_file():
        return "fusion"
    path = run / "recipe.yaml"
    return recipes.load(str(path)).system if path.is_file() else "unknown"


__all__ = ["Fused", "Panel", "fuse", "read_record"]
