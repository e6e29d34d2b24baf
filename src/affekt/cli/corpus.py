"""affekt corpus: what Affekt knows of corpora, where they come from, their tables, and their health."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from affekt.corpora import Overview

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Corpora: list, fetch, scan, check.")

_TABLE_COLUMNS = 180
"""A terminal as wide as this, or wider, is shown a table."""

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
    """The corpora Affekt can read: size, language, emotions, licence, official split, and where to get them.

    Example: affekt corpus list
    """
    from rich.console import Console

    from affekt import corpora, files

    specs = [corpora.spec(name) for name in corpora.names()]
    if json:
        typer.echo(files.dump_json([declared.model_dump(mode="json") for declared in specs]), nl=False)
        return
    known = [corpora.overview(declared) for declared in specs]
    console = Console()
    if console.is_terminal and console.width >= _TABLE_COLUMNS:
        console.print(_table(known))
    else:
        for one in known:
            for line in _lines(one, console.width if console.is_terminal else None):
                typer.echo(line)
    typer.echo("folder: recordings in folders named by emotion")


def _table(known: list[Overview]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("corpus", "language"):
        table.add_column(heading, no_wrap=True)
    for heading in ("speakers", "clips"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("emotions", max_width=30)
    table.add_column("official split", max_width=24)
    # Addresses are to be copied, and must not be folded.
    table.add_column("licence, and where to get it", min_width=max(len(one.url) for one in known))
    for one in known:
        source = "\n".join(
            [one.licence, one.url, *([f"affekt corpus fetch {one.name}"] if one.fetched else [])]
        )
        table.add_row(one.name, one.language, one.speakers or "?", one.clips, one.emotions, one.split, source)
    return table


def _lines(one: Overview, width: int | None) -> list[str]:
    """A corpus in a few lines, folded to the width of the terminal where there is one."""
    speakers = f"{one.speakers} speakers, " if one.speakers else ""
    lines = [
        f"{one.name}: {one.title}",
        f"  {one.clips} clips, {speakers}{one.language}; licence: {one.licence}",
        *([f"  numbers: {one.caution}"] if one.caution else []),
        *([f"  {one.emotions}"] if one.emotions else []),
        *([f"  official split: {one.split}"] if one.split else []),
        f"  {one.url}",
        *([f"  affekt corpus fetch {one.name}"] if one.fetched else []),
    ]
    if width is None:
        return lines
    return [
        folded
        for line in lines
        for folded in textwrap.wrap(
            line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
    ]


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A corpus, as in `affekt corpus list`.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder it is to be in; it must be new or empty.")
    ],
) -> None:
    """A corpus from its publisher, where it is open and its checksum known; else where to get it by hand.

    Example: affekt corpus fetch ravdess -o recordings/ravdess
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from affekt import corpora

    declared = corpora.spec(name)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    if declared.archives:
        size = sum(archive.size for archive in declared.archives) / 1e6
        typer.echo(f"{declared.title}: {size:,.0f} MB; licence: {declared.licence.text}", err=True)
        typer.echo(f"cite: {declared.citation}", err=True)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        count = corpora.fetch(
            name, output, tick=lambda done, total: bar.update(task, completed=done, total=total)
        )
    typer.echo(f"{output}: {count} files; affekt corpus check {output} --as {name}", err=True)


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
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Do not decode the recordings: names, tables and equal bytes alone."),
    ] = False,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Look for leaks in the folds of this protocol, such as loso; else in column `split`."
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(help="A folder of `affekt train --protocol` on this corpus; its scores doubt labels."),
    ] = None,
    speaker_model: Annotated[
        str | None,
        typer.Option(help="A model folder that tells speakers apart: looks for one voice under two names."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Findings and measures as JSON, with all files.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a report with figures: one file, no network, no script."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 on warnings too.")] = False,
    seed: Annotated[int, typer.Option(help="Of cross-validations and intervals.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """What makes results on a corpus untrue: damage, copies, leaks, give-aways, labels in doubt.

    Exit code 1 on errors.

    Examples:

    affekt corpus check recordings/ravdess --as ravdess --html ravdess.html

    affekt corpus check clips.csv --root recordings --protocol speaker-kfold --strict

    affekt corpus check calls.csv --quick
    """
    from affekt import files
    from affekt.cli.findings import show
    from affekt.cli.progress import progress
    from affekt.doctor import check_corpus, write_page

    with progress(show=not quiet) as (_, watcher):
        checkup = check_corpus(
            _source(root, corpus),
            audio_root,
            quick=quick,
            protocol=protocol,
            scores=scores,
            speaker_model=speaker_model,
            seed=seed,
            progress=watcher,
        )
    if html is not None:
        write_page(checkup, html)
    if json:
        typer.echo(files.dump_json(checkup.to_json()), nl=False)
    else:
        show(checkup)
    if checkup.failed(strict=strict):
        raise typer.Exit(1)


def _source(root: str, corpus: str | None) -> str:
    return root if corpus is None else f"{corpus}:{root}"
