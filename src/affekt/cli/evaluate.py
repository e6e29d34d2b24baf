"""affekt evaluate: how right a model is on a labelled table, or every model on every table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from affekt.evaluation.cross import Cross

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog="Examples: affekt evaluate default --data clips.csv --root recordings --json report.json"
    " | affekt evaluate run/model --data ravdess:RAVDESS -o report"
    " | affekt evaluate a/model b/model --cross --data emodb:EMODB --data nemo:NEMO"
)
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="A known model such as `default`, or a model folder."),
    ],
    data: Annotated[
        list[str],
        typer.Option("--data", help="A table, or a corpus such as emodb:FOLDER; with --cross several."),
    ],
    cross: Annotated[bool, typer.Option("--cross", help="Every model on every corpus, as a matrix.")] = False,
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
    from affekt.errors import UsageError
    from affekt.verbs.cross import evaluate_cross
    from affekt.verbs.evaluate import evaluate as run
    from affekt.verbs.evaluate import write_evaluation

    if not cross and (len(models) > 1 or len(data) > 1):
        raise UsageError(
            f"{len(models)} models and {len(data)} --data; give one of each, or --cross for a matrix"
        )
    with progress(show=not quiet) as (_, watcher):

        def tick(done: int, total: int) -> None:
            watcher(done, total, "scoring clips")

        if cross:
            matrix = evaluate_cross(models, data, root=root, threads=threads, tick=tick)
        else:
            found = run(models[0], data[0], root=root, threads=threads, tick=tick)
    if cross:
        _show_matrix(matrix, json, output)
        return
    for line in found.failures:
        typer.echo(line, err=True)
    if json is not None:
        files.write_json(json, found.to_json())
    if output is not None:
        write_evaluation(output, found)
    typer.echo(f"{found.report.to_markdown()}\n{found.statement()}")
    if found.failures:
        raise typer.Exit(1)


def _show_matrix(matrix: Cross, json: Path | None, output: Path | None) -> None:
    from affekt import files

    failures = [line for cell in matrix.cells for line in cell.failures]
    for line in failures:
        typer.echo(line, err=True)
    if output is not None:
        files.write_json(output / "cross.json", matrix.to_json())
        files.write_text(output / "cross.md", matrix.to_markdown())
    if json is not None:
        files.write_json(json, matrix.to_json())
    typer.echo(matrix.to_markdown())
    if failures:
        raise typer.Exit(1)
