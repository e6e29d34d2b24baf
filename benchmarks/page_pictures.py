"""The pictures of the page in docs/pictures: a real `affekt serve` seen in Chromium, with the example clips.

python benchmarks/page_pictures.py
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _record import ROOT
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from affekt import files
from tests.fixtures.browser import ARGUMENTS, required
from tests.fixtures.served import served
from tests.serving.pages import conversation, give, ready, wait_until_drawn

PICTURES = ROOT / "docs" / "pictures"
SPEECH = ("neutral-10a02Na", "anger-03a01Wa", "happiness-03a01Fa", "sadness-08a02Tb")
MOST_BYTES = 300_000


def main() -> None:
    """Makes all of them anew."""
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        served(Path(name) / "log") as url,
        sync_playwright() as started,
    ):
        folder = Path(name)
        talk = conversation(folder / "conversation.wav", *SPEECH, pause=0.8)
        clip = conversation(folder / "anger.wav", "anger-03a01Wa")
        broken = folder / "notes.wav"
        broken.write_bytes(b"no recording")
        browser = started.chromium.launch(
            executable_path=required(), args=[*ARGUMENTS, f"--use-file-for-fake-audio-capture={talk}"]
        )

        def result(page: Page) -> None:
            give(page, talk)
            wait_until_drawn(page)
            box = page.locator("#plot").bounding_box() or {"width": 0}
            page.locator("#plot").hover(position={"x": 0.4 * box["width"], "y": 60})

        def recording(page: Page) -> None:
            page.click("#record")
            page.wait_for_function("() => document.querySelector('#live-clock').textContent === '0:09'")

        def several(page: Page) -> None:
            give(page, talk, clip, broken)
            wait_until_drawn(page)

        def decided(page: Page) -> None:
            give(page, clip)
            wait_until_drawn(page)
            page.click("#explain")
            page.wait_for_selector("#regions:not([hidden])", timeout=120_000)

        take(browser, url, "page", result, size=(1280, 900))
        take(browser, url, "page-recording", recording, size=(1280, 800), dark=True)
        take(browser, url, "page-several", several, size=(820, 1000))
        take(browser, url, "page-decided", decided, size=(1280, 800), dark=True)
        take(browser, url, "page-phone", result, size=(360, 1120))
        browser.close()


def take(
    browser: Browser,
    url: str,
    name: str,
    act: Callable[[Page], None],
    *,
    size: tuple[int, int],
    dark: bool = False,
) -> None:
    """One picture of a window of this size, once somebody has done something in it."""
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page.goto(url)
    act(ready(page))
    page.wait_for_timeout(500)
    path = PICTURES / f"{name}.png"
    with Image.open(io.BytesIO(page.screenshot())) as seen, files.atomic(path, "wb") as stream:
        seen.convert("RGB").save(stream, "PNG", optimize=True)
    page.close()
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path}: {path.stat().st_size} bytes, over {MOST_BYTES}")
    print(path.relative_to(ROOT), path.stat().st_size)


if __name__ == "__main__":
    main()
