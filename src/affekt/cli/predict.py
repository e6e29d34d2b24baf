"""`affekt predict`: recordings in, a table out."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from affekt import inputs, writers
from affekt.errors import UsageError
from affekt.labels import nearest
from affekt.sandbox.process import start_early

if TYPE_CHECKING:
    from affekt.verbs.predict import Rows

app = typer.Typer()

_EXAMPLES = """
Examples:

    affekt predict call.wav --window 2 --hop 1

    affekt predict calls/ --segments -f textgrid -o labels

    affekt predict calls.zip --summary --channels split -o summary.csv

    affekt predict call.wav

    affekt predict calls/ "more/**/*.mp3" -o emotions.csv

    find calls -name '*.flac' | affekt predict - --format jsonl

    affekt predict clip.wav --model ./my-model --scores

    affekt predict clip.wav --model ./my-model --min-confidence 0.6 --coverage 0.9

    affekt predict calls/ -o emotions.parquet --resume --max-failures 5%

    affekt predict calls/ -o emotions/ -f parquet --resume    (partitions, for Spark and others)

    affekt predict calls/ -o emotions.parquet --shard 0/8    (then 1/8 to 7/8, and affekt merge)

    affekt predict calls/ -o emotions.parquet --engine ray --ray-address auto
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
        str | None,
        typer.Option("--output", "-o", help="A .csv, .json, .jsonl or .parquet file; or a folder, as NAME/."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help="csv, json, jsonl or parquet (in a folder: partitions); or audacity, eaf, textgrid, vtt.",
        ),
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
    window: Annotated[
        float | None, typer.Option(metavar="S", help="A row for each window of so many seconds.")
    ] = None,
    hop: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds between windows; half a window if not given.")
    ] = None,
    smoothing: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds over which windows lean on those before.")
    ] = None,
    segments: Annotated[
        bool, typer.Option("--segments", help="A row for each stretch of one emotion.")
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="A row for each recording, with shares of its time.")
    ] = False,
    vad: Annotated[bool, typer.Option(help="Say no_speech where nobody speaks, in windows.")] = True,
    channels: Annotated[
        str, typer.Option(metavar="mix|split", help="Channels mixed, or each for itself, as in calls.")
    ] = "mix",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Processor threads; the usable cores if not given.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, or cuda with onnxruntime-gpu.")] = "cpu",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped; needs --output.")
    ] = False,
    max_failures: Annotated[
        str | None,
        typer.Option("--max-failures", metavar="N|P%", help="Stop once more recordings failed."),
    ] = None,
    file_seconds: Annotated[
        float, typer.Option("--file-seconds", min=0.1, help="What decoding one recording may take.")
    ] = 30.0,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Every N-th recording, from the I-th, counted from 0."),
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="local, or ray for many machines.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", help="A running cluster, such as auto; here if not given.")
    ] = None,
) -> None:
    """The emotion in recordings, one row for each, also for those that cannot be read.

    Exit code 0 if every recording has an emotion, 1 if some have an error, 2 if nothing could start.
    """
    if form is not None and form not in writers.FORMATS:
        raise UsageError(f"--format {form}: unknown{nearest(form, writers.FORMATS)}")
    if channels not in ("mix", "split"):
        raise UsageError(f"--channels {channels}: unknown{nearest(channels, ('mix', 'split'))}")
    if output is None and (resume or shard is not None or engine != "local"):
        raise UsageError("--resume, --shard and --engine: are of a table; name it with --output")
    if engine == "local":
        # A decoder comes up while the rest is imported, which takes as long.
        start_early(file_seconds)
    from affekt import batch
    from affekt.verbs import predict as verb

    asked: verb.Asked = {
        "scores": scores,
        "min_confidence": min_confidence,
        "coverage": coverage,
        "threads": threads,
        "device": device,
        "file_seconds": file_seconds,
        "max_failures": max_failures,
        "window": window,
        "hop": hop,
        "smoothing": smoothing,
        "segments": segments,
        "summary": summary,
        "speech": vad,
        "split": channels == "split",
    }
    try:
        if output is None:
            failed = _show(verb.predict(paths, model, **asked), paths, form)
        else:
            with _progress(paths, shown=False) as step, _stopped_by_sigterm():
                done = verb.predict_to(
                    output,
                    paths,
                    model,
                    form=form,
                    resume=resume,
                    shard=shard,
                    engine=engine,
                    ray_address=ray_address,
                    watch=step,
                    warn=_warn,
                    **asked,
                )
            failed = done.failed > 0
    except batch.TooManyFailuresError as error:
        typer.secho(f"affekt: {error}", fg=typer.colors.RED, err=True)
        failed = True
    raise typer.Exit(1 if failed else 0)


def _show(rows: Rows, paths: list[str], form: str | None) -> bool:
    """Rows on standard output; whether one of them failed."""
    from affekt.verbs.predict import lopsided

    for_people = form is None and sys.stdout.isatty()
    failed = False
    sink = (
        _on_terminal(rows.columns, timed=rows.timed)
        if for_people
        else writers.to_stream(sys.stdout, rows.columns, form or "csv")
    )
    with rows, sink as write, _progress(paths, shown=for_people) as step:
        for row in rows:
            write(row)
            step(rows.done)
            failed = failed or row["error"] is not None
    if line := lopsided(rows.scoring.labels):
        _warn(line)
    return failed


def _warn(line: str) -> None:
    typer.secho(f"affekt: {line}", fg=typer.colors.YELLOW, err=True)


@contextlib.contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """A scheduler's first signal ends the run as Ctrl-C does: what is done is written first."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _on_terminal(columns: list[str], *, timed: bool) -> Iterator[writers.Write]:
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
            if timed:
                line.append(f"{row['start']:8.2f}–{row['end']:.2f} s  ", "dim")
            if row.get("channel"):
                line.append(f"channel {row['channel']}  ", "dim")
            filled = round(_BAR_WIDTH * (row["confidence"] or 0))
            line.append(f"{row['emotion']:<12}", "bold")
            line.append("━" * filled, "green").append("━" * (_BAR_WIDTH - filled), "dim")
            line.append("" if row["confidence"] is None else f" {row['confidence']:4.0%}")
            if row.get("labels"):
                line.append(f"  {row['labels']}", "cyan")
            for column in scored:
                if row[column] is not None:
                    line.append(f"  {column.removeprefix('score_')} {row[column]:.2f}", "dim")
            if row["status"] not in ("ok", row["emotion"]):
                line.append(f"  {row['status']}", "yellow")
        console.print(line)

    yield write


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)


@contextlib.contextmanager
def _progress(paths: list[str], *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Gives a function to tell how many are done; shows them and the time left once the run takes long.

    `shown`: the rows themselves are on the screen, and nothing else should be.
    """
    if shown or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    total = None if inputs.STDIN in paths else sum(1 for _ in inputs.expand(paths, tables=True))
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    task = bar.add_task("predict", total=total)
    started = time.monotonic()

    def step(done: int) -> None:
        bar.update(task, completed=done)
        if not bar.live.is_started and time.monotonic() - started > _QUIET_SECONDS:
            bar.start()

    try:
        yield step
    finally:
        bar.stop()
