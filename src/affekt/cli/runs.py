"""affekt runs: which runs there are, and how right each is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(rich_markup_mode="rich")
_WIDE = 110


@app.command(
    epilog="Examples: affekt runs runs --sort uar | affekt runs runs --where corpus=emodb --where 'uar>0.6'"
    " | affekt runs runs --format csv > runs.csv | affekt runs runs --track mlflow:http://127.0.0.1:5000"
)
def runs(
    folder: Annotated[Path, typer.Argument(help="Every run below it is listed.")] = Path(),
    sort: Annotated[str | None, typer.Option(help="A column, such as uar or when.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help="A condition such as corpus=emodb or uar>0.6; may be repeated."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv, json or jsonl; by default a table on a terminal, else csv."),
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track", help="Send those that are over to tensorboard:DIR or mlflow:URI; may be repeated."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
) -> None:
    """List the runs below a folder: figures with intervals, corpus, protocol, recipe, seed, commit, state."""
    from affekt import writers
    from affekt.verbs.runs import COLUMNS, TRACKED
    from affekt.verbs.runs import runs as run

    found = run(
        folder, sort=sort, where=where or (), track=track or (), say=lambda text: typer.echo(text, err=True)
    )
    columns = [*COLUMNS, TRACKED] if track else list(COLUMNS)
    if output is not None:
        writers.check(form or writers.format_of(output))
        with writers.to_file(output, columns, form or writers.format_of(output)) as write:
            for row in found:
                write(row)
    elif form is None and sys.stdout.isatty():
        _show(found)
    else:
        writers.check(form or "csv")
        with writers.to_stream(sys.stdout, columns, form or "csv") as write:
            for row in found:
                write(row)
    missed = [row for row in found if str(row.get(TRACKED) or "").startswith("error")]
    for row in missed:
        typer.echo(f"affekt: {row['run']}: {row[TRACKED].removeprefix('error: ')}", err=True)
    if missed:
        raise typer.Exit(1)


def _show(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    names: tuple[str, ...] = (
        "run",
        "state",
        "corpus",
        "protocol",
        "recipe",
        "seed",
        "uar",
        "wa",
        "ece",
        "when",
    )
    if console.width < _WIDE:
        names = ("run", "state", "corpus", "uar")
    table = Table()
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name == "uar")
    for row in rows:
        table.add_row(*(Text(_printable(_cell(row, name))) for name in names))
    console.print(table)


def _cell(row: dict[str, Any], name: str) -> str:
    value = row[name]
    if name == "state" and value is None:
        return "damaged"
    if value is None:
        return ""
    if name == "uar" and row["uar_low"] is not None:
        return f"{value:.3f} [{row['uar_low']:.2f}, {row['uar_high']:.2f}]"
    if name == "when":
        return str(value)[:16].replace("T", " ")
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "�" for one in text)
