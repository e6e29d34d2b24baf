"""`affekt predict`: recordings in, a table out."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from affekt import inputs, writers
from affekt.errors import UsageError
from affekt.labels import nearest

app = typer.Typer()

_EXAMPLES = """
Examples:

    affekt predict call.wav

    affekt predict calls/ "more/**/*.mp3" -o emotions.csv

    find calls -name '*.flac' | affekt predict - --format jsonl

    affekt predict clip.wav --model ./my-model --scores

    affekt predict clip.wav --model ./my-model --min-confidence 0.6 --coverage 0.9
"""
_NAME_WIDTH = 40
_BAR_WIDTH = 20
_QUIET_SECONDS = 2.0


@app.command(epilog=_EXAMPLES)
def predict(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Files, folders, patterns, or - for a list on standard input."
        ),
    ],
    *,
    model: Annotated[
        str, typer.Option("--model", "-m", help="A known model, or a model folder as ./NAME or /PATH/NAME.")
    ] = "default",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .csv, .json, .jsonl or .parquet file.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", "-f", help="csv, json, jsonl or parquet, whatever the suffix.")
    ] = None,
    scores: Annotated[bool, typer.Option("--scores", help="Add the score of every emotion.")] = False,
    min_confidence: Annotated[
        float,
        typer.Option("--min-confidence", min=0, max=1, help="Answer `unknown` below this confidence."),
    ] = 0.0,
    coverage: Annotated[
        float | None,
        typer.Option("--coverage", help="Add a set of labels that holds the emotion in this share of clips."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Processor threads; up to four cores if not given.")
    ] = None,
) -> None:
    """The emotion in recordings, one row for each, also for those that cannot be read.

    Exit code 0 if every recording has an emotion, 1 if some have an error, 2 if nothing could start.
    """
    from affekt.recognizer import Recognizer
    from affekt.verbs import predict as verb

    if form is not None and form not in writers.FORMATS:
        raise UsageError(f"--format {form}: unknown{nearest(form, writers.FORMATS)}")
    if output is not None and form is None:
        form = writers.format_of(output)
    recognizer = Recognizer.load(model, threads=threads)
    columns = verb.columns(recognizer, scores=scores, coverage=coverage)
    rows = verb.predict(
        paths,
        recognizer,
        scores=scores,
        min_confidence=min_confidence,
        coverage=coverage,
        threads=threads,
    )
    failed = False
    with _sink(output, form, columns) as write, _progress(paths, output, form) as step:
        for row in rows:
            write(row)
            step()
            failed = failed or row["error"] is not None
    raise typer.Exit(1 if failed else 0)


def _sink(
    output: Path | None, form: str | None, columns: list[str]
) -> contextlib.AbstractContextManager[writers.Write]:
    if output is not None:
        return writers.to_file(output, columns, form or "csv")
    if form is None and sys.stdout.isatty():
        return _on_terminal(columns)
    return writers.to_stream(sys.stdout, columns, form or "csv")


@contextlib.contextmanager
def _on_terminal(columns: list[str]) -> Iterator[writers.Write]:
    """Lines for people, each printed as soon as it is known."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    scored = [name for name in columns if name.startswith("score_")]

    def write(row: dict[str, Any]) -> None:
        name = row["file"]
        shown = name if len(name) <= _NAME_WIDTH else f"…{name[1 - _NAME_WIDTH :]}"
        line = Text(f"{_printable(shown):<{_NAME_WIDTH}}  ")
        if row["error"] is not None:
            line.append(_printable(row["message"].removeprefix(f"{name}: ")), "red")
        else:
            filled = round(_BAR_WIDTH * row["confidence"])
            line.append(f"{row['emotion']:<12}", "bold")
            line.append("━" * filled, "green").append("━" * (_BAR_WIDTH - filled), "dim")
            line.append(f" {row['confidence']:4.0%}")
            if row.get("labels"):
                line.append(f"  {row['labels']}", "cyan")
            for column in scored:
                line.append(f"  {column.removeprefix('score_')} {row[column]:.2f}", "dim")
            if row["status"] != "ok":
                line.append(f"  {row['status']}", "yellow")
        console.print(line)

    yield write


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)


@contextlib.contextmanager
def _progress(paths: list[str], output: Path | None, form: str | None) -> Iterator[Any]:
    """Gives a function to call after each row; shows rows done and time left once the run takes long."""
    rows_on_screen = output is None and sys.stdout.isatty()
    if rows_on_screen or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    total = None if inputs.STDIN in paths else sum(1 for _ in inputs.expand(paths))
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    task = bar.add_task("predict", total=total)
    started = time.monotonic()

    def step() -> None:
        bar.advance(task)
        if not bar.live.is_started and time.monotonic() - started > _QUIET_SECONDS:
            bar.start()

    try:
        yield step
    finally:
        bar.stop()
