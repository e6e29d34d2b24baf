"""The page of a real `affekt serve`, in a real browser."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from affekt import Recognizer
from tests.fixtures.browser import Visits
from tests.serving.pages import EXAMPLES, give, picture, ready, saved, wait_until_drawn

ANGER, HAPPINESS, NEUTRAL, SADNESS = EXAMPLES
SCREENS = {"phone": (360, 740), "tablet": (820, 1180), "desktop": (1440, 900)}
"""Width and height."""


@pytest.mark.parametrize("screen", SCREENS)
def test_a_recording_is_shown_on_every_screen(visit: Visits, url: str, screen: str) -> None:
    width, height = SCREENS[screen]
    seen = visit(url, width=width, height=height, color_scheme="light", reduced_motion="reduce")
    page = ready(seen.page)
    give(page, ANGER)
    wait_until_drawn(page)
    expect(page.locator("#result-title")).to_have_text(ANGER.name)
    expect(page.locator("#verdict")).to_contain_text("anger")
    page.locator("#numbers summary").click()
    page.locator("#card-details summary").click()
    expect(page.locator("#numbers-tables table")).to_have_count(2)
    expect(page.locator("#card h3").first).to_contain_text("anger")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.faults_of_access() == []
    light = picture(page)
    page.emulate_media(color_scheme="dark")
    assert seen.faults_of_access() == []
    page.wait_for_function("light => document.querySelector('#picture').toDataURL() !== light", arg=light)
    assert seen.complaints == []
    assert seen.outside(url) == []
    assert len(seen.requests) > 10


def test_several_recordings_are_a_table_with_a_row_for_each_bad_one(
    visit: Visits, url: str, tmp_path: Path
) -> None:
    hostile = tmp_path / "<img src=x onerror=alert(1)>.wav"
    hostile.write_bytes(b"no recording")
    empty = tmp_path / "empty.wav"
    empty.touch()
    seen = visit(url)
    page = ready(seen.page)
    give(page, SADNESS, hostile, empty, ANGER)
    rows = page.locator("#recordings-body tr")
    expect(rows.nth(1)).to_contain_text(hostile.name)
    expect(rows.nth(1).locator(".failure")).to_contain_text("Not a recording in a known format")
    expect(rows.nth(2).locator(".failure")).to_have_text("The file is empty.")
    assert page.locator("#recordings img").count() == 0
    page.get_by_role("button", name=ANGER.name).click()
    expect(page.locator("#result-title")).to_have_text(ANGER.name)
    page.get_by_role("button", name="file", exact=True).click()
    expect(rows.first).to_contain_text(hostile.name)
    page.get_by_role("button", name="file", exact=True).click()
    expect(rows.last).to_contain_text(hostile.name)
    assert seen.faults_of_access() == []
    with saved(page, "#all-csv", tmp_path).open(newline="", encoding="utf-8") as stream:
        table = {row["file"]: row for row in csv.DictReader(stream)}
    assert table[SADNESS.name]["emotion"] == "sadness"
    assert table[hostile.name]["emotion"] == ""
    assert table[hostile.name]["message"]
    results = json.loads(saved(page, "#all-json", tmp_path).read_text(encoding="utf-8"))["results"]
    assert {one["file"] for one in results} == {SADNESS.name, hostile.name, empty.name, ANGER.name}
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#recordings")).to_be_hidden()
    expect(page.locator("#result")).to_be_hidden()
    assert seen.complaints == []


def test_the_empty_page_is_accessible_and_says_what_it_is_not(visit: Visits, url: str) -> None:
    seen = visit(url)
    page = ready(seen.page)
    figures = Recognizer.load(threads=1).config.metrics
    expect(page.locator("#metrics tbody tr")).to_have_count(len(figures))
    whole = page.locator("#metrics tbody tr", has_text="all together").all_inner_texts()
    assert any("calibration error (ece), before" in one for one in whole)
    assert any("asked 90" in one for one in whole)
    expect(page.locator("#model-line")).to_contain_text("Its scores are calibrated")
    expect(page.locator(".not")).to_contain_text("Not what a person feels.")
    assert seen.faults_of_access() == []
    assert seen.complaints == []


def test_scores_are_those_of_the_recognizer(visit: Visits, url: str, tmp_path: Path) -> None:
    page = ready(visit(url).page)
    give(page, HAPPINESS)
    kept = json.loads(saved(page, "#save-json", tmp_path).read_text(encoding="utf-8"))["results"][0]
    assert kept["scores"] == pytest.approx(Recognizer.load(threads=1)(HAPPINESS).scores, abs=2e-4)
    shown = page.locator("#scores li").all_inner_texts()
    best = max(kept["scores"], key=kept["scores"].get)
    assert best in shown[0]
    assert f"{round(100 * kept['confidence'])} %" in shown[0]
