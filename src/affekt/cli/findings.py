"""A check's findings on a terminal, in colour and folded; as plain lines where they are piped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from affekt.corpora import Finding
    from affekt.doctor import Checkup

_SHOWN_FILES = 3
_STYLES = {"error": "bold red", "warning": "yellow", "info": "blue"}


def show(checkup: Checkup) -> None:
    """Findings on standard output, the gravest first, and a last line that counts them."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from affekt.html import printable

    console = Console()
    for finding in checkup.findings:
        if not console.is_terminal:
            typer.echo(printable(line(finding)))
            continue
        head = Text.assemble(
            (f"{finding.severity:<8}", _STYLES[finding.severity]),
            (finding.code, "bold"),
            "  ",
            printable(finding.message),
        )
        console.print(head)
        if finding.remedy:
            console.print(Padding(Text(finding.remedy, style="dim"), (0, 0, 0, 8)))
        if finding.files:
            console.print(Padding(Text(printable(_files(finding)), style="cyan"), (0, 0, 0, 8)))
    errors, warnings = checkup.count("error"), checkup.count("warning")
    typer.echo(f"{errors} errors, {warnings} warnings" if checkup.findings else "nothing found")


def line(finding: Finding) -> str:
    """A finding in one line."""
    listed = f" [{_files(finding)}]" if finding.files else ""
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{finding.severity}: {finding.code}: {finding.message}{remedy}{listed}"


def _files(finding: Finding) -> str:
    more = len(finding.files) - _SHOWN_FILES
    return ", ".join(finding.files[:_SHOWN_FILES]) + (f" and {more} more" if more > 0 else "")
