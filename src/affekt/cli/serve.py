"""`affekt serve`: answers over HTTP, and a page."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

_EXAMPLES = """
Examples:

    affekt serve

    affekt serve --model ./my-model --model default --port 9000

    curl -F file=@call.wav http://127.0.0.1:8080/v1/predict

    affekt serve --host 0.0.0.0 --token-file token.txt --allow-host emotions.example.org
"""


@app.command(epilog=_EXAMPLES)
def serve(
    *,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A known model, a folder, or NAME=FOLDER; may be repeated."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at; others than this machine's need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8080,
    token_file: Annotated[
        Path | None, typer.Option(help="Holds the token that requests must bring; or set AFFEKT_TOKEN.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name under which the server may be called; may be repeated.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="A web page elsewhere that may call it (CORS); may be repeated.")
    ] = None,
    max_seconds: Annotated[float, typer.Option(min=1, help="Of one recording.")] = 600.0,
    max_megabytes: Annotated[float, typer.Option(min=0.01, help="Of one request's body.")] = 32.0,
    max_rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Requests per second and address; any number if not given."),
    ] = None,
    max_queue: Annotated[
        int, typer.Option(min=1, help="Recordings in work; beyond them the answer is 429.")
    ] = 256,
    max_streams: Annotated[int, typer.Option(min=1, help="Live streams at once.")] = 32,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Processor threads; up to four cores if not given.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each request.")] = False,
) -> None:
    """Answer requests for predictions, with a page to try it on; Ctrl-C stops it.

    Nothing that is sent is kept. Exit code 0 once it was told to stop, 2 if it could not start.
    """
    from affekt import serving
    from affekt.serving.settings import read_token

    settings = serving.Settings(
        host=host,
        port=port,
        token=read_token(token_file),
        hosts=tuple(allow_host or ()),
        origins=tuple(allow_origin or ()),
        limits=serving.Limits(
            seconds=max_seconds,
            body_bytes=round(max_megabytes * 2**20),
            rate=max_rate,
            queue=max_queue,
            streams=max_streams,
        ),
    )
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    serving.serve(
        model or "default",
        settings,
        threads=threads,
        started=lambda address: typer.echo(f"affekt: listening at {address}, Ctrl-C stops", err=True),
    )
