"""What the verbs that train share: recipe and data from the command line, progress, Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from affekt.cli.progress import Say, Watcher, progress

if TYPE_CHECKING:
    from affekt.recipe import Recipe


def resolved(
    words: list[str] | None, data: list[str] | None, threads: int | None, default: str | None = None
) -> Recipe:
    """The recipe that the words of a command line mean; `default` where they name none.

    Raises:
        MissingExtraError: torch is not installed.
        UsageError: no such recipe, or a bad override.
    """
    from affekt import recipe as recipes
    from affekt.errors import MissingExtraError

    try:
        import torch
    except ImportError:
        raise MissingExtraError("training", "train") from None
    if threads is not None:
        torch.set_num_threads(threads)
    words = words or []
    source = words[0] if words and "=" not in words[0] else None
    # Quoted, so that a place is taken as it stands whatever characters YAML knows.
    places = [f"data={dumps(data, ensure_ascii=False)}"] if data else []
    return recipes.load(source or default, [*words[1 if source else 0 :], *places])


@contextmanager
def running(output: Path, *, quiet: bool) -> Iterator[tuple[Say, Watcher, Callable[[str], None]]]:
    """Progress and a way to print the result, both of the first process alone; Ctrl-C is one line."""
    from affekt.training import distributed

    talks = distributed.launched_rank() == 0
    results: list[str] = []
    try:
        with progress(show=talks and not quiet) as (say, watcher):
            yield say, watcher, results.append
    except KeyboardInterrupt:
        if talks:
            typer.echo(f"affekt: {output}: stopped; the same command with --resume goes on", err=True)
        raise typer.Exit(130) from None
    if talks:
        for text in results:
            typer.echo(text)
