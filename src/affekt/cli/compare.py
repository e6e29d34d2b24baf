"""affekt compare: which of several runs is better on the same clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog="Examples: affekt compare cv-thin cv-padi | affekt compare a b c --intersection -o comparison"
)
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Folders that `train --protocol` or `evaluate -o` wrote, two or more."),
    ],
    intersection: Annotated[
        bool, typer.Option("--intersection", help="Take the clips that all runs scored.")
    ] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the comparison as JSON.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write tables and a figure to this folder.")
    ] = None,
) -> None:
    """Differences with intervals over speakers, and p of each pair, corrected for their number."""
    from affekt import files
    from affekt.verbs.compare import compare as run
    from affekt.verbs.compare import write_comparison

    found = run(runs, intersection=intersection)
    if json is not None:
        files.write_json(json, found.to_json())
    if output is not None:
        write_comparison(output, found)
    typer.echo(found.to_markdown())
