"""`affekt models`: what is known, and whether a folder is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

_EXAMPLES = """
Examples:

    affekt models

    affekt models check ./my-model
"""


_NON_COMMERCIAL = (
    "  for a company: these licences allow no commercial use, and so neither do the weights;\n"
    "  the code (Apache 2.0) does, with a model that learnt from recordings whose terms allow it:\n"
    "  affekt train default data=clips.csv -o run"
)


@app.callback(invoke_without_command=True, epilog=_EXAMPLES)
def models(context: typer.Context) -> None:
    """List the models: name, size, UAR, licence, emotions; and how to build those that do not ship."""
    if context.invoked_subcommand is not None:
        return
    from affekt import recognizer
    from affekt.model_folder import open_folder

    for name, path in recognizer.MODELS.items():
        if not path.is_dir():
            typer.echo(f"{name}: no weights in this copy of affekt")
            continue
        folder = open_folder(path)
        config = folder.config
        typer.echo(f"{name}: {config.system}, {len(folder.onnx) / 1e6:.1f} MB, licence {config.licence}")
        typer.echo(f"  emotions: {', '.join(config.labels)}")
        for key, metric in config.metrics.items():
            interval = (
                "" if metric.low is None or metric.high is None else f" [{metric.low:.3f}, {metric.high:.3f}]"
            )
            typer.echo(f"  {key}: {metric.value:.3f}{interval}")
        for corpus in config.training.corpora:
            typer.echo(f"  trained on {corpus.name} ({corpus.licence})")
        if any(corpus.non_commercial for corpus in config.training.corpora):
            typer.echo(_NON_COMMERCIAL)
    for name, command in recognizer.BUILT.items():
        typer.echo(
            f"{name}: larger, several networks fused; does not ship. Build it, then use ./{name}/model:"
        )
        typer.echo(f"  {command}")
        typer.echo("  its weights come under the licences of the corpora that you build it from")


@app.command(epilog="Example: affekt models check ./my-model")
def check(
    folder: Annotated[Path, typer.Argument(help="A model folder.")],
) -> None:
    """Check every file of a model folder, and the scores of its golden clips."""
    from affekt.recognizer import Recognizer

    recognizer = Recognizer.load(folder)
    typer.echo(f"{folder}: sound, {recognizer.config.system}, {len(recognizer.config.labels)} emotions")
