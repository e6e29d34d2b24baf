"""One line on stderr with what is done and the time left, once a task takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

Say = Callable[[str], None]
Watcher = Callable[[int, int, str], None]
PATIENCE_SECONDS = 2.0


@contextmanager
def progress(*, show: bool) -> Iterator[tuple[Say, Watcher]]:
    """A way to say a line and a way to show a step, both on stderr; steps only where that is a terminal."""
    if not (show and sys.stderr.isatty()):
        yield (lambda text: typer.echo(text, err=True) if show else None), (lambda done, total, text: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    began = time.monotonic()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", visible=False)

        def watch(done: int, total: int, text: str) -> None:
            if bar.tasks[0].total != total or done < bar.tasks[0].completed:
                bar.reset(task, total=total)
            late = time.monotonic() - began > PATIENCE_SECONDS
            bar.update(task, completed=done, total=total, description=text, visible=late)

        yield (lambda text: console.print(text, highlight=False, markup=False)), watch
