"""`affekt plot`: recordings in, a picture of each over time out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

_EXAMPLES = """
Examples:

    affekt plot call.wav -o call.png

    affekt plot calls/ -o pictures --window 3 --hop 0.5
"""


@app.command(epilog=_EXAMPLES)
def plot(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Files, folders, patterns, or - for a list on standard input."
        ),
    ],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A picture: F.png, or a folder for several.")
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", help="A known model, or a model folder as ./NAME or /PATH/NAME.")
    ] = "default",
    window: Annotated[float, typer.Option(metavar="S", help="Seconds of a window.")] = 2.0,
    hop: Annotated[float, typer.Option(metavar="S", help="Seconds between windows.")] = 1.0,
    smoothing: Annotated[
        float, typer.Option(metavar="S", help="Seconds over which windows lean on those before.")
    ] = 0.0,
    vad: Annotated[bool, typer.Option(help="Say no_speech where nobody speaks.")] = True,
) -> None:
    """Waveform, spectrogram and the emotion over time, as a PNG picture of each recording.

    Exit code 0 if every recording was drawn, 1 if some could not be, 2 if nothing could start.
    """
    from affekt.cli.progress import progress
    from affekt.explanation import Pictures
    from affekt.plotting import plot_each

    pictures = Pictures(output, paths)
    failed = False
    with progress(show=True) as (say, _):
        for drawn in plot_each(
            paths, pictures.path, model, window=window, hop=hop, smoothing=smoothing, speech=vad
        ):
            if drawn.error is not None:
                failed = True
                say(str(drawn.error))
            else:
                typer.echo(str(drawn.picture))
    raise typer.Exit(1 if failed else 0)
