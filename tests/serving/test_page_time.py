"""The page over time: the picture, the keyboard, playing, what decided, files to keep."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from playwright.sync_api import Page, expect

from affekt import Recognizer
from affekt.recognizer import ASSETS
from tests.fixtures.browser import Visits
from tests.serving.pages import conversation, give, picture, ready, saved, wait_until_drawn

ANGER = ASSETS / "examples" / "anger-03a01Wa.flac"
PAUSE = 3.0


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds: sadness, a pause, anger."""
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    return conversation(path, "sadness-08a02Tb", "anger-03a01Wa", pause=PAUSE)


def value(page: Page) -> str:
    return page.locator("#plot").get_attribute("aria-valuetext") or ""


def test_emotion_over_time_is_that_of_the_recognizer(
    visit: Visits, url: str, talk: Path, tmp_path: Path
) -> None:
    seen = visit(url)
    page = ready(seen.page)
    give(page, talk)
    wait_until_drawn(page)
    timeline = Recognizer.load(threads=1).over_time(talk)
    with saved(page, "#save-csv", tmp_path).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["emotion"] for row in rows] == [window.label for window in timeline.windows]
    assert [float(row["start"]) for row in rows] == pytest.approx([one.start for one in timeline.windows])
    for row, window in zip(rows, timeline.windows, strict=True):
        scores = {label: float(row[f"score_{label}"]) for label in window.scores}
        assert scores == pytest.approx(window.scores, abs=1e-3)
    cues = saved(page, "#save-vtt", tmp_path).read_text(encoding="utf-8").rstrip("\n").split("\n\n")[1:]
    assert len(cues) == len(timeline.segments)
    assert any("no_speech" in cue for cue in cues)
    expect(page.locator("#shares")).to_contain_text("no speech")
    page.locator("#numbers summary").click()
    tables = page.locator("#numbers-tables table")
    expect(tables.nth(0).locator("tbody tr")).to_have_count(len(timeline.segments))
    expect(tables.nth(1).locator("tbody tr")).to_have_count(len(timeline.windows))
    # The level of the pause is that of nothing, the level of speech is not.
    levels = [
        int(text.replace(" dB", "").replace("−", "-"))
        for text in tables.nth(1).locator("tbody td:nth-last-child(2)").all_inner_texts()
    ]
    assert min(levels) < -60
    assert max(levels) > -20
    assert seen.complaints == []


def test_no_emotion_is_claimed_where_nobody_speaks(visit: Visits, url: str, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, 1e-3 * np.random.default_rng(0).standard_normal(32_000), 16_000)
    page = ready(visit(url).page)
    give(page, quiet, ANGER)
    row = page.locator("#recordings-body tr").first
    expect(row).to_contain_text("no speech")
    expect(row).not_to_contain_text("%")
    expect(page.locator("#verdict")).to_have_text("No speech was found in it.")
    assert set(page.locator("#scores .number").all_inner_texts()) == {"–"}
    assert value(page) == "0:00.0: no speech"


def test_the_keyboard_alone_is_enough(visit: Visits, url: str, talk: Path) -> None:
    seen = visit(url, reduced_motion="reduce")
    page = ready(seen.page)
    # Somebody who listens makes Playwright catch the dialog, which takes a moment.
    page.on("filechooser", lambda _: None)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    reach(page, "#record")
    reach(page, "#choose")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(talk)
    wait_until_drawn(page)
    reach(page, "#plot")
    slider = page.locator("#plot")
    expect(slider).to_have_attribute("aria-valuemax", "10.0")
    assert value(page).startswith("0:00.0: ")
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuenow", "10.0")
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    expect(page.locator("#scores-title")).to_have_text("At 0:05.0")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert value(page).startswith("0:01.0: sadness")
    texts = []
    for _ in range(18):
        texts.append(value(page))
        page.keyboard.press("ArrowRight")
    assert any(text.endswith("no speech") for text in texts)
    assert any("anger" in text for text in texts)
    page.keyboard.press("+")
    expect(page.locator("#announcements")).to_contain_text("Shown: ")
    page.keyboard.press("0")
    expect(page.locator("#announcements")).to_have_text("Shown: 0:00.0 to 0:10.0")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(page.locator("#play-word")).to_have_text("Pause")
    page.wait_for_function(
        "() => Number(document.querySelector('#plot').getAttribute('aria-valuenow')) > 0.2"
    )
    page.keyboard.press("Space")
    expect(page.locator("#play-word")).to_have_text("Play")
    reach(page, "#numbers summary")
    page.keyboard.press("Enter")
    expect(page.locator("#numbers-tables table")).to_have_count(2)
    assert seen.faults_of_access() == []
    assert seen.complaints == []


def reach(page: Page, selector: str) -> None:
    """Presses Tab until the element has the focus, as somebody without a mouse would."""
    for _ in range(60):
        if page.evaluate("s => document.activeElement === document.querySelector(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {selector}")


def test_the_pointer_reads_scores_and_plays_from_there(visit: Visits, url: str, talk: Path) -> None:
    page = ready(visit(url).page)
    give(page, talk)
    wait_until_drawn(page)
    box = page.locator("#plot").bounding_box()
    assert box is not None
    middle_of_anger = 92 + (box["width"] - 93) * 0.6
    page.mouse.move(box["x"] + middle_of_anger, box["y"] + 100)
    expect(page.locator("#scores-title")).to_have_text(re.compile("At 0:0(5.9|6.0|6.1)"))
    expect(page.locator("#scores .leads")).to_contain_text("anger")
    page.mouse.click(box["x"] + middle_of_anger, box["y"] + 100)
    page.wait_for_function("() => document.querySelector('#player').currentTime > 5.9")
    expect(page.locator("#play-word")).to_have_text("Pause")
    page.mouse.move(0, 0)
    expect(page.locator("#play-line")).to_be_visible()


def test_what_decided_is_shown_on_a_switch(visit: Visits, url: str, tmp_path: Path) -> None:
    samples, rate = soundfile.read(ANGER)
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, samples[rate // 5 : rate], rate)
    seen = visit(url)
    page = ready(seen.page)
    give(page, clip)
    wait_until_drawn(page)
    before = picture(page)
    switch = page.get_by_role("switch", name="Show what decided")
    switch.click()
    expect(page.locator("#regions")).to_be_visible(timeout=60_000)
    expect(page.locator("#explain-note")).to_contain_text(
        f"Bright is what speaks for {Recognizer.load(threads=1)(clip).label}"
    )
    page.locator("#regions summary").click()
    rows = page.locator("#regions-table tbody tr").all_inner_texts()
    shares = [int(row.split()[-2]) for row in rows]
    assert rows
    assert shares == sorted(shares, reverse=True)
    assert picture(page) != before
    poster = saved(page, "#save-png", tmp_path)
    with Image.open(poster) as image:
        assert image.width > 2000
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 500
    assert seen.faults_of_access() == []
    switch.click()
    expect(page.locator("#regions")).to_be_hidden()
    expect(page.locator("#explain-note")).to_be_empty()
    assert picture(page) == before
    assert seen.complaints == []


def test_what_the_browser_cannot_read_still_has_its_emotions_over_time(
    visit: Visits, url: str, talk: Path, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(talk)
    soundfile.write(tmp_path / "talk.au", samples, rate)
    page = ready(visit(url).page)
    give(page, tmp_path / "talk.au")
    expect(page.locator("#drawing-note")).to_contain_text("cannot read this kind of file")
    expect(page.locator("#play")).to_be_disabled()
    expect(page.locator("#shares")).to_contain_text("no speech")
    page.focus("#plot")
    page.keyboard.press("End")
    assert "anger" in value(page) or "no speech" in value(page)
