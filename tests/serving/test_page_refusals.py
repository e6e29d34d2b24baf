"""The page where a real server says no."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Page, expect

from affekt.serving import Settings
from affekt.serving.settings import Limits
from tests.fixtures import toy
from tests.fixtures.browser import Visits
from tests.serving.conftest import running
from tests.serving.pages import give, ready

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.wav"
    soundfile.write(path, toy.clip("anger", 1, 0.5), toy.RATE)
    return path


def test_a_token_is_asked_for_and_kept_in_the_tab_alone(
    visit: Visits, tiny_model_folder: Path, clip: Path
) -> None:
    with running([f"tiny={tiny_model_folder}"], Settings(port=0, token=TOKEN)) as url:
        seen = visit(url)
        page = seen.page
        frames = listened(page)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        assert seen.faults_of_access() == []
        dialog.get_by_label("Token").fill("not the token")
        page.keyboard.press("Enter")
        expect(page.get_by_text("That was not the server's token.")).to_be_visible()
        dialog.get_by_label("Token").fill(TOKEN)
        dialog.get_by_role("button", name="Go on").click()
        ready(page)
        give(page, clip)
        expect(page.locator("#result-title")).to_have_text(clip.name)
        assert page.evaluate("JSON.stringify(localStorage)") == "{}"
        assert TOKEN in page.evaluate("JSON.stringify(sessionStorage)")
        page.get_by_role("button", name="Record", exact=True).click()
        waited_for(page, lambda: any('"window"' in frame for frame in frames))
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#recordings-body tr.done")).to_have_count(2)
        assert all("401" in complaint for complaint in seen.complaints)


def listened(page: Page) -> list[str]:
    """What the server says on the page's WebSockets, as it comes."""
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    return frames


def waited_for(page: Page, met: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until
        page.wait_for_timeout(50)


def test_another_model_hears_all_again(visit: Visits, tiny_model_folder: Path, clip: Path) -> None:
    with running([f"one={tiny_model_folder}", f"other={tiny_model_folder}"]) as url:
        seen = visit(url)
        page = ready(seen.page)
        give(page, clip)
        with page.expect_response("**/v1/predict?model=other**"):
            page.select_option("#model", "other")
        expect(page.locator("#model-line")).to_contain_text("other (")
        expect(page.locator("#result-title")).to_have_text(clip.name)
        assert seen.complaints == []


def test_recordings_can_be_dropped_anywhere(visit: Visits, tiny_model_folder: Path, clip: Path) -> None:
    with running([f"tiny={tiny_model_folder}"]) as url:
        page = ready(visit(url).page)
        page.evaluate(
            """bytes => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], "dropped.wav"));
                for (const type of ["dragenter", "drop"])
                    document.querySelector(".about").dispatchEvent(
                        new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
            }""",
            list(clip.read_bytes()),
        )
        expect(page.locator("#result-title")).to_have_text("dropped.wav")
        expect(page.locator("#veil")).to_be_hidden()


def test_without_a_token_the_page_says_so(visit: Visits, tiny_model_folder: Path) -> None:
    with running([f"tiny={tiny_model_folder}"], Settings(port=0, token=TOKEN)) as url:
        page = visit(url).page
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert").first).to_contain_text("asks for a token")
        expect(page.get_by_role("button", name="Record", exact=True)).to_be_disabled()


def test_a_file_that_is_too_large_is_a_row(visit: Visits, tiny_model_folder: Path, clip: Path) -> None:
    settings = Settings(port=0, limits=Limits(body_bytes=4096))
    with running([f"tiny={tiny_model_folder}"], settings) as url:
        page = ready(visit(url).page)
        give(page, clip)
        expect(page.locator(".failure")).to_contain_text("4096 bytes")


def test_a_busy_server_is_waited_for(visit: Visits, tiny_model_folder: Path, clip: Path) -> None:
    settings = Settings(port=0, limits=Limits(rate=0.5))
    with running([f"tiny={tiny_model_folder}"], settings) as url:
        page = ready(visit(url).page)
        page.set_input_files("#choose", [clip, clip])
        expect(page.locator("#recordings-body tr").nth(1)).to_contain_text("the server is busy")
        expect(page.locator("#recordings-body tr.done")).to_have_count(2, timeout=20_000)


def test_a_server_that_has_stopped_is_said(visit: Visits, tiny_model_folder: Path, clip: Path) -> None:
    with running([f"tiny={tiny_model_folder}"]) as url:
        page = ready(visit(url).page)
    give(page, clip)
    expect(page.locator(".failure")).to_contain_text("The server did not answer.")
