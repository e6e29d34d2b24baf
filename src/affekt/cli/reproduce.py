"""affekt reproduce: the published systems, their conditions side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Published systems anew.")


@app.callback(
    epilog="Example: affekt reproduce padi2021 --data emodb:EMODB --speakers librispeech:LIBRISPEECH -o out"
)
def reproduce() -> None:
    """Run a published system under all its conditions, on the same folds and seeds."""


@app.command(
    epilog="Examples: affekt reproduce padi2021 --data iemocap:IEMOCAP --speakers librispeech:LIBRI -o out"
    " | affekt reproduce padi2021 thin train.epochs=20 --data emodb:EMODB --init speakers/model -o out"
)
def padi2021(
    recipe: Annotated[
        list[str] | None,
        typer.Argument(help="A recipe (`padi2021`, if none is named) and overrides such as train.epochs=20."),
    ] = None,
    data: Annotated[str, typer.Option("--data", help="The corpus, such as iemocap:FOLDER.")] = "",
    init: Annotated[
        str | None, typer.Option("--init", help="A model folder that is pre-trained on speakers.")
    ] = None,
    speakers: Annotated[
        list[str] | None,
        typer.Option("--speakers", help="Or a corpus to pre-train on, such as librispeech:FOLDER."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of all runs.")] = Path(
        "padi2021"
    ),
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 3,
    protocol: Annotated[
        str | None, typer.Option(help="The folds; the corpus's usual ones, if not given.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of speaker-kfold.")] = 5,
    variant: Annotated[
        Literal["all", "improvised", "scripted"], typer.Option(help="The part of IEMOCAP.")
    ] = "all",
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """ResNet + statistics pooling: {speaker pre-training} x {SpecAugment} (Padi et al., 2021)."""
    from affekt.cli.running import resolved, running
    from affekt.errors import UsageError

    if not data:
        raise UsageError("data: no corpus; say --data CORPUS:FOLDER")
    settings = resolved(recipe, [data], threads, default="padi2021")
    if (init is None) == (not speakers):
        raise UsageError("give --init MODEL_FOLDER or --speakers CORPUS:FOLDER, one of the two")
    from affekt.verbs.pretrain import pretrain_speakers
    from affekt.verbs.reproduce import reproduce_padi2021

    with running(output, quiet=quiet) as (say, watcher, show):
        if speakers:
            first = resolved(["speakers"], speakers, threads).model_copy(update={"network": settings.network})
            found = pretrain_speakers(first, output / "speakers", resume=True, say=say, watcher=watcher)
            init = str(found.model)
        assert init is not None
        result = reproduce_padi2021(
            settings,
            output,
            init=init,
            protocol=protocol,
            folds=folds,
            seeds=range(seeds),
            variant=variant,
            say=say,
            watcher=watcher,
        )
        show(result.to_markdown())


@app.command(
    epilog="Examples: affekt reproduce liu2021 --source casia:CASIA --target iemocap:IEMOCAP -o out"
    " | affekt reproduce liu2021 facenet train.epochs=20 --source nemo:NEMO --target emodb:EMODB -o out"
)
def liu2021(
    recipe: Annotated[
        list[str] | None,
        typer.Argument(help="A recipe (`liu2021`, if none is named) and overrides such as train.epochs=20."),
    ] = None,
    source: Annotated[str, typer.Option("--source", help="The corpus to pre-train on.")] = "",
    target: Annotated[str, typer.Option("--target", help="The corpus to tune on and test on.")] = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of all runs.")] = Path("liu2021"),
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 3,
    protocol: Annotated[
        str | None, typer.Option(help="The folds of both; each corpus's usual ones, if not given.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of speaker-kfold and of the random split.")] = 5,
    one_way: Annotated[
        bool,
        typer.Option("--one-way", help="Leave out what is tested on the source."),
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """FaceNet on spectrograms and waveforms: scratch, transferred, both corpora (Liu et al., 2021)."""
    from affekt.cli.running import resolved, running
    from affekt.errors import UsageError

    if not (source and target):
        raise UsageError("give --source CORPUS:FOLDER and --target CORPUS:FOLDER")
    settings = resolved(recipe, None, threads, default="liu2021")
    from affekt.verbs.liu2021 import reproduce_liu2021

    with running(output, quiet=quiet) as (say, watcher, show):
        result = reproduce_liu2021(
            settings,
            output,
            source=source,
            target=target,
            protocol=protocol,
            folds=folds,
            seeds=range(seeds),
            one_way=one_way,
            say=say,
            watcher=watcher,
        )
        show(result.to_markdown())


@app.command(
    epilog="Examples: affekt reproduce zhang2018 --data iemocap:IEMOCAP --init imagenet-alexnet -o out"
    " | affekt reproduce zhang2018 attention-fcn train.epochs=20 --data emodb:EMODB --init images/model"
)
def zhang2018(
    recipe: Annotated[
        list[str] | None,
        typer.Argument(
            help="A recipe (`zhang2018`, if none is named) and overrides such as train.epochs=20."
        ),
    ] = None,
    data: Annotated[str, typer.Option("--data", help="The corpus, such as iemocap:FOLDER.")] = "",
    init: Annotated[
        str, typer.Option("--init", help="A model folder that is pre-trained on images, or imagenet-alexnet.")
    ] = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of all runs.")] = Path(
        "zhang2018"
    ),
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 3,
    protocol: Annotated[
        str | None, typer.Option(help="The folds; the corpus's usual ones, if not given.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of speaker-kfold.")] = 5,
    variant: Annotated[
        Literal["all", "improvised", "scripted"], typer.Option(help="The part of IEMOCAP.")
    ] = "improvised",
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Attention over a fully convolutional network: {image pre-training} x {lambda} (Zhang et al., 2018)."""
    from affekt.cli.running import resolved, running
    from affekt.errors import UsageError

    if not data:
        raise UsageError("data: no corpus; say --data CORPUS:FOLDER")
    if not init:
        raise UsageError("init: give --init MODEL_FOLDER, of `affekt pretrain images`")
    settings = resolved(recipe, [data], threads, default="zhang2018")
    from affekt.verbs.zhang2018 import reproduce_zhang2018

    with running(output, quiet=quiet) as (say, watcher, show):
        result = reproduce_zhang2018(
            settings,
            output,
            init=init,
            protocol=protocol,
            folds=folds,
            seeds=range(seeds),
            variant=variant,
            say=say,
            watcher=watcher,
        )
        show(result.to_markdown())


@app.command(
    epilog="Examples: affekt reproduce best --data emodb:EMODB --data nemo:NEMO --speakers librispeech:LIBRI"
    " -o best | affekt reproduce best default --data clips.csv --init speakers/model --seeds 2 -o best"
)
def best(
    recipe: Annotated[
        list[str] | None,
        typer.Argument(help="A recipe (`best`, if none is named) and overrides such as train.epochs=20."),
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option("--data", help="A corpus such as emodb:FOLDER; may be repeated.")
    ] = None,
    init: Annotated[
        str | None, typer.Option("--init", help="A model folder that is pre-trained on speakers.")
    ] = None,
    speakers: Annotated[
        list[str] | None,
        typer.Option("--speakers", help="Or a corpus to pre-train on, such as librispeech:FOLDER."),
    ] = None,
    pretrain: Annotated[
        list[str] | None,
        typer.Option("--pretrain", help="An override of the pre-training, such as train.epochs=20."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", help="One more member by another recipe, such as attention-fcn."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Members of the recipe, each with its seed.")] = 3,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of all runs.")] = Path("best"),
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """The larger model: speakers, then all corpora with several seeds, fused into OUTPUT/model."""
    from affekt import recipe as recipes
    from affekt.cli.running import resolved, running

    settings = resolved(recipe, data, threads, default="best")
    from affekt.verbs.best import pretraining, reproduce_best

    with running(output, quiet=quiet) as (say, watcher, show):
        result = reproduce_best(
            settings,
            output,
            init=init,
            speakers=pretraining(speakers, pretrain or ()) if speakers else None,
            also=[recipes.load(one) for one in also or ()],
            seeds=range(seeds),
            say=say,
            watcher=watcher,
        )
        show(result.to_markdown())
