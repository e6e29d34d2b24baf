"""affekt corpus: what Affekt knows of corpora, their tables, and their health."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from affekt.corpora import Finding

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Corpora: list, scan, check.")

_SHOWN_FILES = 3

Root = Annotated[str, typer.Argument(help="The corpus's folder; for `check` also a table (.csv, .parquet).")]
As = Annotated[
    str | None,
    typer.Option(
        "--as", help="The corpus, as in `affekt corpus list`; or `folder` for a folder per emotion."
    ),
]


@app.command("list")
def list_corpora(
    json: Annotated[bool, typer.Option("--json", help="All that is declared of each, as JSON.")] = False,
) -> None:
    """The corpora Affekt can read: size, language, licence, and where to get them.

    Example: affekt corpus list
    """
    from affekt import corpora, files

    specs = [corpora.spec(name) for name in corpora.names()]
    if json:
        typer.echo(files.dump_json([declared.model_dump(mode="json") for declared in specs]), nl=False)
        return
    for declared in specs:
        size = f"{declared.expected.clips:,} clips, {declared.expected.speakers:,} speakers"
        terms = declared.licence.text + (" (non-commercial)" if declared.licence.non_commercial else "")
        typer.echo(f"{declared.name}: {declared.title}")
        typer.echo(f"  {size}, {declared.language}; licence: {terms}")
        typer.echo(f"  {declared.url}")
    typer.echo("folder: recordings in folders named by emotion")


@app.command()
def scan(
    root: Root,
    corpus: As = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .csv, .tsv or .parquet file; stdout if not given."),
    ] = None,
) -> None:
    """The table of a corpus: file, speaker, emotion and what else its names tell.

    Example: affekt corpus scan recordings/emodb --as emodb -o emodb.csv
    """
    from affekt import corpora

    table = corpora.load(_source(root, corpus))
    if output is None:
        typer.echo(corpora.to_csv(table), nl=False)
    else:
        corpora.write(table, output)
        typer.echo(f"{output}: {len(table)} rows, files relative to {root}", err=True)


@app.command()
def check(
    root: Root,
    corpus: As = None,
    audio_root: Annotated[
        Path | None, typer.Option("--root", help="For a table: the folder its files are relative to.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Do not decode the recordings.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The findings as JSON, with all files.")] = False,
) -> None:
    """What stands in the way of honest work: counts, labels, copies, unreadable files. Exit code 1 on errors.

    Examples:

    affekt corpus check recordings/ravdess --as ravdess

    affekt corpus check calls.csv --root recordings --quick
    """
    from rich.console import Console
    from rich.progress import Progress

    from affekt import corpora, files

    with Progress(console=Console(stderr=True), transient=True, disable=quick) as bar:
        task = bar.add_task("decoding", total=None)
        findings = corpora.check(
            _source(root, corpus),
            audio_root,
            quick=quick,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json:
        typer.echo(files.dump_json([dataclasses.asdict(finding) for finding in findings]), nl=False)
    else:
        for finding in findings:
            typer.echo(_line(finding))
        if not findings:
            typer.echo("nothing found")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _source(root: str, corpus: str | None) -> str:
    return root if corpus is None else f"{corpus}:{root}"


def _line(finding: Finding) -> str:
    shown = ", ".join(finding.files[:_SHOWN_FILES])
    more = len(finding.files) - _SHOWN_FILES
    listed = f" [{shown}{f' and {more} more' if more > 0 else ''}]" if shown else ""
    return f"{finding.severity}: {finding.code}: {finding.message}{listed}"
