"""`affekt explain`: recordings in, what decided out."""

from __future__ import annotations

import json as to_json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

_EXAMPLES = """
Examples:

    affekt explain call.wav

    affekt explain call.wav -o call.png

    affekt explain calls/ -o pictures --json > maps.jsonl

    affekt explain call.wav --emotion anger --method occlusion
"""


@app.command(epilog=_EXAMPLES)
def explain(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Files, folders, patterns, or - for a list on standard input."
        ),
    ],
    *,
    model: Annotated[
        str, typer.Option("--model", "-m", help="A known model, or a model folder as ./NAME or /PATH/NAME.")
    ] = "default",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A picture: F.png, or a folder for several.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Maps, regions and scores as JSON, a line for each recording.")
    ] = False,
    method: Annotated[
        str | None,
        typer.Option(help="attention, hirescam, gradcam or occlusion; the first that there is if not given."),
    ] = None,
    emotion: Annotated[
        str | None, typer.Option(help="The emotion to explain; the predicted one if not given.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Measure how far the map is to be trusted.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the random regions of the check.")] = 0,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Processor threads; up to four cores if not given.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Which regions of time and frequency speak for the emotion, and how far to trust that.

    Exit code 0 if every recording was explained, 1 if some could not be, 2 if nothing could start.
    """
    from affekt.cli.progress import progress
    from affekt.explanation import Failure, Pictures, explain_each

    pictures = None if output is None else Pictures(output, paths)
    failed = False
    with progress(show=not quiet) as (say, watch):

        def tick(done: int, total: int) -> None:
            watch(done, total, "explain")

        for found in explain_each(
            paths, model, method=method, emotion=emotion, check=check, seed=seed, threads=threads, tick=tick
        ):
            row = found.to_dict()
            if isinstance(found, Failure):
                failed = True
                if not json and quiet:
                    typer.echo(row["message"], err=True)
                elif not json:
                    say(row["message"])
            elif pictures is not None:
                row["picture"] = str(pictures.path(found.prediction.file))
                found.save(row["picture"])
            if json:
                typer.echo(to_json.dumps(row, ensure_ascii=False, allow_nan=False))
            elif not isinstance(found, Failure):
                typer.echo("\n".join(found.lines()))
    raise typer.Exit(1 if failed else 0)
