"""affekt train: a recogniser from a recipe, or an honest estimate of one by cross-validation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog="Examples: affekt train data=emodb:EMODB -o run | affekt train --data emodb:EMODB --protocol loso"
    " -o run | affekt train my.yaml train.epochs=20 -o run --resume"
)
def train(
    recipe: Annotated[
        list[str] | None,
        typer.Argument(
            help="A recipe (a shipped name or a YAML file) and overrides such as train.epochs=20."
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder, new or empty.")] = Path(
        "run"
    ),
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="A corpus such as emodb:FOLDER, or a table; may be repeated."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="Cross-validate: loso, speaker-kfold, session, official, fixed or random."),
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of speaker-kfold and random.")] = 5,
    only: Annotated[
        str | None, typer.Option(help="One fold of the protocol, by its name, trained and tested alone.")
    ] = None,
    speaker_dependent: Annotated[
        bool,
        typer.Option("--speaker-dependent", help="Let `random` test on speakers it trained on, and say so."),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    calibrate_from: Annotated[
        Path | None,
        typer.Option("--calibrate-from", help="A cross-validation's folder: its scores calibrate the model."),
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option("--track", help="Tell of the run: tensorboard:DIR or mlflow:URI; may be repeated."),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Train a recogniser; with --protocol, report how right it is on speakers it has never heard."""
    from affekt.cli.running import resolved, running

    settings = resolved(recipe, data, threads)
    from affekt.verbs.train import train as run

    with running(output, quiet=quiet) as (say, watcher, show):
        result = run(
            settings,
            output,
            protocol=protocol,
            folds=folds,
            only=only,
            speaker_dependent=speaker_dependent,
            resume=resume,
            calibrate_from=calibrate_from,
            track=track or (),
            say=say,
            watcher=watcher,
        )
        show(result.report.to_markdown() if result.report else str(result.model))
