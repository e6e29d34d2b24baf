"""The command line: `affekt VERB ...`.

Each verb is a module of this package, `affekt.cli.VERB`, that exposes `app: typer.Typer`: one command makes
a plain verb (`affekt predict FILE`), several make a verb with words of its own (`affekt corpus list`). A
module is imported when its verb is called and not before, so that `affekt --help` is quick; the line that
`affekt --help` shows stands in `VERBS`. A verb holds no logic: it calls a public function and shows what that
gives.

Data goes to standard output, progress and errors to standard error. Exit codes: 0 all well, 1 some rows
failed, 2 usage or another `AffektError`, 130 interrupted.
"""

from __future__ import annotations

import gc
import importlib
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from affekt import __version__
from affekt.errors import AffektError

VERBS = {
    "predict": "The emotion in recordings, as a table.",
    "merge": "The shards of a prediction put together.",
    "train": "Train a recogniser on a labelled corpus.",
    "pretrain": "Train a network to start from, such as on speakers.",
    "reproduce": "Published systems anew, condition by condition.",
    "evaluate": "How right a recogniser is, with intervals.",
    "report": "A run as one page that works offline.",
    "runs": "List runs with their figures.",
    "compare": "Which of several runs is better on the same clips.",
    "fuse": "Several models as one, weighed.",
    "export": "A model in float16 or int8, for other runtimes.",
    "plot": "A recording over time as a picture.",
    "explain": "Which regions of time and frequency decided.",
    "embed": "The vectors behind the decisions, and a map of them.",
    "listen": "The emotion in what the microphone hears.",
    "serve": "Answer requests over HTTP, with a page to try it on.",
    "corpus": "List, scan and check corpora.",
    "models": "List the known models, check a model folder.",
}


_COMPLETION = {"install_completion", "show_completion"}


class LazyGroup(typer.core.TyperGroup):
    """Knows every verb by its line of help, and imports one when it is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for verb, line in VERBS.items():
            self.commands[verb] = typer.core.TyperCommand(verb, help=line)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Puts the called verb in the place of its line of help."""
        if args and args[0] in VERBS:
            command = typer.main.get_command(importlib.import_module(f"affekt.cli.{args[0]}").app)
            command.name = args[0]
            command.params = [one for one in command.params if one.name not in _COMPLETION]
            self.commands[args[0]] = command
        return super().resolve_command(ctx, args)


_EXAMPLES = """
Examples:

    affekt predict call.wav

    affekt predict calls/ -o emotions.csv

    affekt models
"""

app = typer.Typer(cls=LazyGroup, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"affekt {__version__}")
        raise typer.Exit


@app.callback(epilog=_EXAMPLES)
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Speech emotion recognition by transfer learning: predict, train, and know how right it is."""


def main() -> None:
    """Runs the command line; an `AffektError` is one red line and exit code 2."""
    try:
        app(prog_name="affekt")
    except AffektError as error:
        line = " ".join(str(error).split())
        typer.secho(f"affekt: {line}", fg=typer.colors.RED, err=True)
        raise SystemExit(2) from None
    finally:
        # At its end Python looks for garbage in all that was imported, a tenth of a first prediction's time.
        gc.freeze()
