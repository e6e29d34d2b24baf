"""affekt fuse: several models as one, or several cross-validations as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog="Examples: affekt fuse cv-thin cv-baseline -o cv-fused"
    " | affekt fuse a/model b/model --data ravdess:RAVDESS -o fused"
    " | affekt fuse a/model b/model --weights-from cv-fused -o fused"
)
def fuse(
    members: Annotated[
        list[str],
        typer.Argument(metavar="MEMBER", help="Model folders, or folders of `train --protocol`."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The fused model's or run's folder.")],
    data: Annotated[
        str | None, typer.Option("--data", help="For models: clips of speakers that no member has heard.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The folder that a table's files are relative to.")
    ] = None,
    weights_from: Annotated[
        Path | None, typer.Option("--weights-from", help="For models: the folder of a fused run.")
    ] = None,
    equal: Annotated[bool, typer.Option("--equal", help="Equal weights; nothing is fitted.")] = False,
    intersection: Annotated[
        bool, typer.Option("--intersection", help="For runs: take the clips that all scored.")
    ] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the comparison as JSON.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Weigh and add what several models say; weights from speakers that none of them has heard."""
    from affekt import files
    from affekt.cli.progress import progress
    from affekt.verbs.fuse import fuse as run

    with progress(show=not quiet) as (say, watcher):
        found = run(
            members,
            output,
            data=data,
            root=root,
            weights_from=weights_from,
            equal=equal,
            intersection=intersection,
            threads=threads,
            say=say,
            tick=lambda done, total: watcher(done, total, "scoring clips"),
        )
    if json is not None and found.comparison is not None:
        files.write_json(json, found.comparison.to_json())
    typer.echo(found.to_markdown())
