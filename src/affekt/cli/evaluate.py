"""affekt evaluate: how right a model is on a labelled table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog="Examples: affekt evaluate default --data clips.csv --root recordings --json report.json"
    " | affekt evaluate run/model --data ravdess:RAVDESS -o report"
)
def evaluate(
    model: Annotated[str, typer.Argument(help="A known model such as `default`, or a model folder.")],
    data: Annotated[str, typer.Option("--data", help="A table, or a corpus such as emodb:FOLDER.")],
    root: Annotated[
        Path | None, typer.Option(help="The folder that a table's files are relative to.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write report, scores and figures to this folder.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """wa, uar, macro_f1 with intervals over speakers; recall per class and speaker; confusion matrix."""
    from affekt import files
    from affekt.cli.progress import progress
    from affekt.verbs.evaluate import evaluate as run

    with progress(show=not quiet) as (_, watcher):

        def tick(done: int, total: int) -> None:
            watcher(done, total, "scoring clips")

        found = run(model, data, root=root, threads=threads, tick=tick)
    for line in found.failures:
        typer.echo(line, err=True)
    if json is not None:
        files.write_json(json, found.to_json())
    if output is not None:
        from affekt.evaluation.folder import write_report

        write_report(output, found.report, found.scored)
    typer.echo(f"{found.report.to_markdown()}\n{found.statement()}")
    if found.failures:
        raise typer.Exit(1)
