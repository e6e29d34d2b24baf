"""The microphone, fed with a real voice."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import expect

from affekt import Recognizer
from tests.fixtures.browser import Visits
from tests.serving.pages import conversation, ready, saved, wait_until_drawn


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sad voice, again and again."""
    return conversation(tmp_path_factory.mktemp("microphone") / "voice.wav", "sadness-08a02Tb")


def test_scores_come_while_recording_and_the_whole_is_heard_after(
    visit: Visits, url: str, tmp_path: Path
) -> None:
    seen = visit(url)
    page = ready(seen.page)
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator("#live")).to_be_visible()
    expect(page.locator("#live-scores .leads")).to_have_count(1, timeout=20_000)
    expect(page.locator("#announcements")).not_to_have_text("Recording.")
    assert seen.faults_of_access() == []
    shades = page.evaluate(
        "() => { const c = document.querySelector('#live-canvas'), d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; return d.reduce((n, v) => n + (v > 0), 0); }"
    )
    assert shades > 1000
    page.get_by_role("button", name="Stop").click()
    wait_until_drawn(page)
    expect(page.locator("#live")).to_be_hidden()
    expect(page.locator("#result-title")).to_contain_text("recording ")
    kept = saved(page, "#save-recording", tmp_path)
    heard, rate = soundfile.read(kept)
    assert len(heard) / rate > 1.5
    assert abs(heard).max() > 0.1
    prediction = Recognizer.load(threads=1)(kept)
    expect(page.locator("#verdict")).to_contain_text(prediction.label)
    assert seen.complaints == []
    assert seen.outside(url) == []
    assert any(request.startswith("ws://") for request in seen.requests)


def test_a_microphone_that_is_refused_is_said_in_plain_words(visit: Visits, url: str) -> None:
    page = ready(visit(url).page)
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia ="
        " () => Promise.reject(new DOMException('', 'NotAllowedError')); }"
    )
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The browser may not use the microphone.")
    expect(page.locator("#live")).to_be_hidden()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_enabled()
