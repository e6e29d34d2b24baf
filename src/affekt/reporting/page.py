"""`affekt report`: a run's folder in, one HTML file out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from affekt import html
from affekt.errors import AffektError, UsageError
from affekt.evaluation.sections import Table
from affekt.reporting import mistakes as wrong
from affekt.reporting.content import Content, content
from affekt.reporting.mistakes import Mistake
from affekt.reporting.models import Models, Say
from affekt.run_folder import RunFolder, open_run

PAGE_BYTES = 5_000_000
"""A page is never larger: it is to be mailed, and to open at once."""

_WORDS = frozenset({"speakers tested", "speakers of validation", "licence", "citation", "protocol", "value"})


def report(
    run: str | Path,
    out: str | Path,
    *,
    data: Sequence[str] = (),
    root: Path | None = None,
    model: str | Path | None = None,
    mistakes: int = 8,
    audio: bool = True,
    explain: bool = True,
    say: Say | None = None,
) -> Path:
    """Writes one HTML file of a run: figures, folds, calibration, learning, mistakes, origin; works offline.

    Args:
        run: a folder of `train`, `evaluate -o`, `compare -o`, `evaluate --cross -o` or `reproduce`, or a
            model folder.
        out: the HTML file.
        data: where the recordings are now, such as `emodb:FOLDER`; by default where the run had them.
        root: what a table's files are relative to.
        model: explains mistakes with this model; by default the fold's own, or the one that was evaluated.
        mistakes: how many of the worst are shown.
        audio: whether the page holds their recordings; leave them out where they are private.
        explain: whether the page shows what decided.
        say: told of what is done.

    Raises:
        UsageError: no run in the folder.
        MissingExtraError: jinja2, matplotlib or pandas is not installed.
        WriteError: the disk refuses.
    """
    say = say or (lambda text: None)
    opened = open_run(run)
    page = content(opened)
    asked = page.scored is not None and mistakes > 0
    shown: list[Mistake] = []
    if asked:
        shown = _mistakes(page, opened, tuple(data), root, model, mistakes, audio, explain, say)
    text = html.render(
        "affekt.reporting",
        "report.html",
        title=page.title,
        page=page,
        mistakes=shown,
        asked=asked,
        privacy=_PRIVACY if any(one.sound for one in shown) else "",
        numbers=_numbers,
    )
    if (size := len(text.encode())) > PAGE_BYTES:
        raise UsageError(
            f"{out}: {size / 1e6:.1f} MB where {PAGE_BYTES / 1e6:.0f} are allowed; ask for fewer --mistakes"
        )
    html.write(Path(out), text)
    return Path(out)


_PRIVACY = "This page holds recordings of people: pass it on only where they may be."


def _mistakes(  # noqa: PLR0917
    page: Content,
    run: RunFolder,
    data: tuple[str, ...],
    root: Path | None,
    model: str | Path | None,
    most: int,
    audio: bool,
    explain: bool,
    say: Say,
) -> list[Mistake]:
    """The worst mistakes, with sound and picture as far as there are some; what is not there is said."""
    assert page.scored is not None
    found = wrong.worst(page.scored, most)
    if not (audio or explain) or not found:
        return found
    sources = data or (run.recipe.data if run.recipe else ()) or tuple(filter(None, [run.said("data")]))
    given_root = root or (Path(run.said("root")) if run.said("root") else None)
    try:
        if not sources:
            raise UsageError("the run does not say where they are; give --data")
        rows = wrong.places(sources, given_root, run.recipe.merge if run.recipe else None)
    except AffektError as error:
        page.missing.append(f"No recordings of mistakes: {error}.")
        return found
    shown: list[Mistake] = []
    sound_left, picture_left = wrong.AUDIO_BYTES, wrong.PICTURE_BYTES
    with Models(run, page.scored.labels, model or run.said("model") or None, say) as models:
        for one, samples in wrong.heard(found, rows):
            filled = one
            if samples is not None and audio:
                filled = wrong.with_sound(filled, samples, sound_left)
                sound_left -= len(filled.sound)
            if samples is not None and explain:
                say(f"explaining {len(shown) + 1} of {len(found)}")
                filled = wrong.explained(filled, samples, models, picture_left)
                picture_left -= len(filled.picture)
            shown.append(filled)
    return shown


def _numbers(table: Table) -> tuple[int, ...]:
    """The columns of a table that hold figures."""
    return tuple(
        at for at, name in enumerate(table.head) if at and name not in _WORDS and table.head[0] != "key"
    )
