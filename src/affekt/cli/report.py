"""affekt report: a run as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog="Examples: affekt report cv -o report.html | affekt report cv -o report.html --no-audio"
    " | affekt report cv -o report.html --data emodb:EMODB"
)
def report(
    run: Annotated[
        Path,
        typer.Argument(help="A folder of train, evaluate -o, compare -o or reproduce, or a model folder."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file.")] = Path("report.html"),
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="Where the recordings are now, such as emodb:FOLDER; may be repeated."),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The folder that a table's files are relative to.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Explain mistakes by this model, not the run's own.")
    ] = None,
    mistakes: Annotated[int, typer.Option(min=0, max=100, help="How many of the worst are shown.")] = 8,
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="Put their recordings into the page.")
    ] = True,
    explain: Annotated[bool, typer.Option("--explain/--no-explain", help="Show what decided.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Figures with intervals, folds, calibration, learning, the worst mistakes to listen to: one file."""
    from affekt.cli.progress import progress
    from affekt.reporting import report as run_report

    with progress(show=not quiet) as (say, _):
        written = run_report(
            run,
            output,
            data=data or (),
            root=root,
            model=model,
            mistakes=mistakes,
            audio=audio,
            explain=explain,
            say=say,
        )
    typer.echo(str(written))
