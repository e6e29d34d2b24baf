"""affekt pretrain: a network that has learnt something else before it learns emotion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Pre-training.")


@app.callback(epilog="Example: affekt pretrain speakers --data librispeech:LIBRISPEECH -o speakers")
def pretrain() -> None:
    """Train a network on something of which there is more than of emotion."""


@app.command(
    epilog="Examples: affekt pretrain speakers --data librispeech:LIBRISPEECH -o speakers | affekt pretrain"
    " speakers --data clips.csv speakers.loss=am train.epochs=20 -o speakers --resume"
)
def speakers(
    recipe: Annotated[
        list[str] | None,
        typer.Argument(
            help="A recipe (`speakers`, if none is named) and overrides such as speakers.margin=0.3."
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder, new or empty.")] = Path(
        "speakers"
    ),
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="A corpus such as librispeech:FOLDER, or a table; may be repeated."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    track: Annotated[
        list[str] | None,
        typer.Option("--track", help="Tell of the run: tensorboard:DIR or mlflow:URI; may be repeated."),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Teach a network to tell speakers apart; `affekt train init=FOLDER` starts from it."""
    from affekt.cli.running import resolved, running

    settings = resolved(recipe, data, threads, default="speakers")
    from affekt.verbs.pretrain import pretrain_speakers

    with running(output, quiet=quiet) as (say, watcher, show):
        result = pretrain_speakers(
            settings, output, resume=resume, track=track or (), say=say, watcher=watcher
        )
        show(str(result.model))


@app.command(
    epilog="Examples: affekt pretrain images --data cifar10.tar.gz -o images | affekt pretrain images"
    " --data ROOT network.width=1.0 train.epochs=10 -o images --resume"
)
def images(
    recipe: Annotated[
        list[str] | None,
        typer.Argument(help="A recipe (`images`, if none is named) and overrides such as images.size=96."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder, new or empty.")] = Path(
        "images"
    ),
    data: Annotated[
        str | None,
        typer.Option(
            "--data", help="A folder for each class, maybe below train/ and test/; or a .tar.gz of it."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    track: Annotated[
        list[str] | None,
        typer.Option("--track", help="Tell of the run: tensorboard:DIR or mlflow:URI; may be repeated."),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Teach the trunk of attention-fcn to tell pictures apart; `affekt train init=FOLDER` starts from it."""
    from affekt.cli.running import resolved, running

    settings = resolved(recipe, [data] if data else None, threads, default="images")
    from affekt.verbs.pretrain_images import pretrain_images

    with running(output, quiet=quiet) as (say, watcher, show):
        result = pretrain_images(settings, output, resume=resume, track=track or (), say=say, watcher=watcher)
        show(str(result.model))
