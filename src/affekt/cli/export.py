"""affekt export: a model in other number formats, each usable and compared with the original."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    epilog="Examples: affekt export default -o exported --data emodb:EMODB"
    " | affekt export run/model -o exported --to onnx-int8 --data clips.csv"
    " | affekt predict calls/ -m exported/onnx-int8"
)
def export(
    model: Annotated[str, typer.Argument(help="A known model such as `default`, or a model folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder that gets a folder for each.")],
    to: Annotated[
        str, typer.Option("--to", help="Which, with commas between: onnx-float32, onnx-float16, onnx-int8.")
    ] = "onnx-float32,onnx-float16,onnx-int8",
    data: Annotated[
        str | None, typer.Option("--data", help="Clips for the ranges of int8, and to measure on.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The folder that a table's files are relative to.")
    ] = None,
    bound: Annotated[
        float | None,
        typer.Option(
            "--bound",
            help="How far a score may be from float32; 0.15 for int8, 0.02 for float16 if not given.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Write a model in float32, float16 and int8, and say what each costs and gains."""
    from affekt.cli.progress import progress
    from affekt.errors import MissingExtraError

    try:
        import onnx  # noqa: F401
        import pandas  # noqa: F401
    except ImportError:
        raise MissingExtraError("exporting a model", "train") from None
    from affekt.verbs.export import export as run

    with progress(show=not quiet) as (say, watcher):
        found = run(
            model,
            output,
            to=[one.strip() for one in to.split(",") if one.strip()],
            data=data,
            root=root,
            bound=bound,
            say=say,
            tick=lambda done, total: watcher(done, total, "scoring clips"),
        )
    typer.echo(found.to_markdown())
