"""affekt embed: the vectors behind the decisions, and a map of them."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog="Examples: affekt embed calls/ -o vectors.parquet | affekt embed call.wav --window 2 --hop 1"
    " | affekt embed emodb:EMODB --plot map.png -o vectors.csv"
)
def embed(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Files, folders, patterns, - for a list on standard input, or sources such as emodb:FOLDER.",
        ),
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", help="A known model, or a model folder as ./NAME or /PATH/NAME.")
    ] = "default",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .csv, .json, .jsonl or .parquet file.")
    ] = None,
    window: Annotated[
        float | None, typer.Option("--window", help="Seconds of a window; whole clips, if not given.")
    ] = None,
    hop: Annotated[
        float | None, typer.Option("--hop", help="Seconds between windows; half a window, if not given.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="A .png with a map, of sources with emotions and speakers.")
    ] = None,
    method: Annotated[
        Literal["pca", "tsne"], typer.Option(help="How the map is made of many dimensions.")
    ] = "pca",
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Processor threads.")] = None,
) -> None:
    """The embedding of recordings, one row for each or for each window, also for those that cannot be read.

    Exit code 0 if every recording has an embedding, 1 if some have an error, 2 if nothing could start.
    """
    from affekt import writers
    from affekt.verbs import embed as verb

    embedder = verb.Embedder(model, threads)
    form = writers.format_of(output) if output is not None else "csv"
    rows = verb.embed(paths, embedder, window=window, hop=hop)
    kept: list[dict[str, Any]] = []
    failed = False
    with contextlib.ExitStack() as stack:
        write: writers.Write = lambda row: None  # noqa: E731
        if output is not None:
            write = stack.enter_context(writers.to_file(output, verb.columns(embedder), form))
        elif plot is None:
            write = stack.enter_context(writers.to_stream(sys.stdout, verb.columns(embedder), form))
        for row in rows:
            write(row)
            failed = failed or row["error"] is not None
            if plot is not None and row["error"] is None:
                kept.append(row)
    if plot is not None:
        for line in verb.plot(kept, plot, method=method, title=embedder.path.name):
            typer.echo(line)
    raise typer.Exit(1 if failed else 0)
