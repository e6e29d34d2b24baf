"""`affekt listen`: the emotion in what the microphone hears."""

from __future__ import annotations

import contextlib
import csv
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Group

    from affekt.timeline import Window

app = typer.Typer()

_EXAMPLES = """
Examples:

    affekt listen

    affekt listen --window 3 --hop 1 --model ./my-model

    affekt listen --seconds 60 > minute.csv
"""
_BAR_WIDTH = 40
_COLUMNS = ("start", "end", "emotion", "confidence")


@app.command(epilog=_EXAMPLES)
def listen(
    *,
    model: Annotated[
        str, typer.Option("--model", "-m", help="A known model, or a model folder as ./NAME or /PATH/NAME.")
    ] = "default",
    window: Annotated[float, typer.Option(min=0.1, help="Seconds that are heard together.")] = 2.0,
    hop: Annotated[float, typer.Option(min=0.1, help="Seconds from one score to the next.")] = 0.5,
    device: Annotated[
        str | None,
        typer.Option(help="A microphone's number or part of its name; the default one if not given."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="How long to listen; until Ctrl-C if not given.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Processor threads; up to four cores if not given.")
    ] = None,
) -> None:
    """Listen to a microphone and show the emotion as it changes; Ctrl-C ends it.

    In a terminal a bar for each emotion moves; otherwise each window is a row of CSV. Nothing is recorded.
    """
    from affekt.verbs.listen import listen as verb

    number = int(device) if device is not None and device.isdigit() else device
    windows = verb(model, window=window, hop=hop, device=number, seconds=seconds, threads=threads)
    with contextlib.suppress(KeyboardInterrupt), _shown() as show:
        for one in windows:
            show(one)


@contextlib.contextmanager
def _shown() -> Iterator[Callable[[Window], None]]:
    if not sys.stdout.isatty():
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(_COLUMNS)

        def write(one: Window) -> None:
            sure = None if one.confidence is None else round(one.confidence, 6)
            table.writerow([one.start, one.end, one.label, sure])
            sys.stdout.flush()

        yield write
        return
    from rich.live import Live

    with Live("listening …", auto_refresh=False) as live:
        labels: list[str] = []

        def draw(one: Window) -> None:
            labels.extend(sorted(set(one.scores) - set(labels)))
            live.update(picture(one, labels), refresh=True)

        yield draw


def picture(one: Window, labels: list[str]) -> Group:
    """The bars of a window, in a fixed order so that they do not jump."""
    from rich.console import Group
    from rich.text import Text

    lines = [Text(f"{one.start:7.1f} to {one.end:.1f} s   ").append(one.label, "bold")]
    for label in labels:
        score = one.scores.get(label, 0.0)
        filled = round(_BAR_WIDTH * score)
        line = Text(f"{label:<12}", "bold" if label == one.label else "")
        line.append("━" * filled, "green").append("━" * (_BAR_WIDTH - filled), "dim")
        lines.append(line.append(f" {score:4.0%}"))
    return Group(*lines)
