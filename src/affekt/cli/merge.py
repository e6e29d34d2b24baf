"""`affekt merge`: the shards of a run put together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

_EXAMPLES = """
Examples:

    affekt merge emotions.parquet.shards -o emotions.parquet

    affekt merge emotions.shards -o emotions/ -f parquet    (partitions)

    affekt merge node1/0-of-2 node2/1-of-2 -o emotions.csv
"""


@app.command(epilog=_EXAMPLES)
def merge(
    shards: Annotated[
        list[Path], typer.Argument(metavar="SHARD...", help="Folders of shards, or folders that hold some.")
    ],
    *,
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="A .csv, .json, .jsonl or .parquet file; or a folder, as NAME/."),
    ],
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", help="csv, json, jsonl, or parquet (in a folder: partitions)."),
    ] = None,
) -> None:
    """One table of what `affekt predict --shard I/N` wrote; the shards stay.

    Refused are shards that are missing, unfinished, there twice, or of another model, options or recordings.
    Exit code 0 if every recording has an emotion, 1 if some have an error.
    """
    from affekt.verbs import predict as verb

    done = verb.merge(shards, output, form=form)
    raise typer.Exit(1 if done.failed else 0)
