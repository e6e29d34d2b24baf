"""What the tests of the page share: the example clips, and the page with results in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import Page

from affekt import audio
from affekt.recognizer import ASSETS

EXAMPLES = sorted((ASSETS / "examples").glob("*.flac"))
PATIENCE_MS = 30_000


def conversation(path: Path, *names: str, pause: float = 0.0) -> Path:
    """Example clips one after the other, with `pause` seconds of nothing between them, as a WAV file."""
    parts = []
    for name in names:
        parts += [
            audio.read(ASSETS / "examples" / f"{name}.flac"),
            np.zeros(round(pause * 16_000), np.float32),
        ]
    soundfile.write(path, np.concatenate(parts), 16_000)
    return path


def ready(page: Page) -> Page:
    """The page once its models are there."""
    page.set_default_timeout(PATIENCE_MS)
    page.wait_for_selector("body[data-ready]")
    return page


def give(page: Page, *files: Path) -> None:
    """Chooses files, and waits until each is heard or refused."""
    page.set_input_files("#choose", list(files))
    page.wait_for_function(
        """count => {
            const rows = [...document.querySelectorAll("#recordings-body tr")];
            return rows.length === count && rows.every(row => /done|failed/.test(row.className));
        }""",
        arg=len(files),
    )


def wait_until_drawn(page: Page) -> None:
    """Waits for the waveform and the spectrogram."""
    page.wait_for_selector("#picture[data-drawn=sound]")


def picture(page: Page) -> str:
    """The waveform, spectrogram and emotions over time as they are drawn now."""
    return str(page.evaluate("document.querySelector('#picture').toDataURL()"))


def saved(page: Page, button: str, folder: Path) -> Path:
    """The file that a button gives."""
    with page.expect_download() as download:
        page.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path
