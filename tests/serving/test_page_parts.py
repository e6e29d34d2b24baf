"""The page's modules, one by one, against references."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page

from affekt import annotation_files
from affekt.labels import EMOTIONS
from affekt.recognizer import MODELS
from tests.serving.conftest import running

RATE = 16_000


@pytest.fixture(scope="module")
def page(browser: Browser, tiny_model_folder: Path) -> Iterator[Page]:
    """An empty page from which modules can be imported."""
    with running([f"tiny={tiny_model_folder}"]) as url:
        opened = browser.new_page()
        opened.goto(f"{url}/static/icon.svg")
        yield opened
        opened.close()


def call(page: Page, module: str, expression: str, **given: Any) -> Any:
    """What `expression` is with a module's exports as `m` and what is given as `g`."""
    return page.evaluate(
        f"async g => {{ const m = await import('/static/js/{module}.js'); return {expression}; }}", given
    )


def text_of(page: Page, module: str, expression: str, **given: Any) -> str:
    return str(call(page, module, f"await ({expression}).text()", **given))


@pytest.mark.parametrize("size", [2, 8, 1024])
def test_the_transform_is_that_of_numpy(page: Page, size: int) -> None:
    frame = np.random.default_rng(size).standard_normal(size)
    power = call(
        page,
        "fft",
        "(p => { new m.Fft(g.frame.length).power(g.frame, p); return [...p]; })"
        "(new Float64Array(g.frame.length / 2 + 1))",
        frame=frame.tolist(),
    )
    np.testing.assert_allclose(power, np.abs(np.fft.rfft(frame)) ** 2, rtol=1e-9, atol=1e-9)


def test_the_spectrum_finds_a_chirp_where_it_is(page: Page) -> None:
    seconds = np.arange(2 * RATE) / RATE
    chirp = 0.3 * np.sin(2 * np.pi * (400 * seconds + 0.5 * 600 * seconds**2))
    made = call(
        page,
        "spectrum",
        "(s => ({strongest: [...s.strongest], highs: [...s.highs], levels: [...s.levels],"
        " most: Math.max(...s.power)}))"
        "(m.spectrum(Float32Array.from(g.samples), 16000, {from: 0, to: 32000, columns: 40, bands: 160}))",
        samples=chirp.tolist(),
    )
    middles = (np.arange(40) + 0.5) * 2 / 40
    inner = slice(1, -1)
    np.testing.assert_allclose(np.array(made["strongest"])[inner], (400 + 600 * middles)[inner], atol=40)
    np.testing.assert_allclose(made["highs"], 0.3, atol=0.01)
    np.testing.assert_allclose(made["levels"], 20 * np.log10(0.3 / np.sqrt(2)), atol=0.3)
    assert made["most"] == 255


def test_hardly_any_sound_looks_like_hardly_any(page: Page) -> None:
    noise = 1e-5 * np.random.default_rng(0).standard_normal(8000)
    most = call(
        page,
        "spectrum",
        "Math.max(...m.spectrum(Float32Array.from(g.samples), 16000,"
        " {from: 0, to: 8000, columns: 20, bands: 80}).power)",
        samples=noise.tolist(),
    )
    assert most < 64


def test_a_recording_is_a_wav_file(page: Page) -> None:
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, 1000)
    made = call(
        page,
        "wav",
        "await new Promise(done => { const r = new FileReader();"
        " r.onload = () => done(r.result.split(',')[1]);"
        " r.readAsDataURL(m.toWav([g.a, g.b].map(one => m.toPcm(Float32Array.from(one))), 44100)); })",
        a=samples[:300].tolist(),
        b=samples[300:].tolist(),
    )
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(made)))
    assert rate == 44_100
    np.testing.assert_allclose(heard, np.clip(samples, -1, 1), atol=1e-4)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00.0"), (3.44, "0:03.4"), (59.97, "1:00.0"), (3723.5, "1:02:03.5"), (-1, "0:00.0")],
)
def test_a_time_is_read_off_a_clock(page: Page, seconds: float, said: str) -> None:
    assert call(page, "words", "m.clock(g.seconds)", seconds=seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(2, "2.0 s"), (59.96, "1 min 0 s"), (725, "12 min 5 s"), (3720, "1 h 2 min")]
)
def test_a_length_is_in_words(page: Page, seconds: float, said: str) -> None:
    assert call(page, "words", "m.length(g.seconds)", seconds=seconds) == said


def test_every_emotion_has_a_sign_of_its_own_and_readable_ink(page: Page) -> None:
    looks = call(
        page,
        "emotions",
        "g.labels.map(l => ({...m.look(l), ink: m.inkOn(m.look(l).colour)}))",
        labels=[*EMOTIONS, "no_speech", "unknown", "zärtlich", "constructor"],
    )
    known = looks[: len(EMOTIONS)]
    assert len({one["sign"] for one in known}) == len(EMOTIONS)
    assert len({(one["colour"], one["pattern"]) for one in known}) == len(EMOTIONS)
    assert [one["sign"] for one in looks[-2:]] == ["zä", "co"]
    for one in looks:
        assert _contrast(one["colour"], one["ink"]) >= 4.5, one


def _contrast(*colours: str) -> float:
    def luminance(colour: str) -> float:
        parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    darker, lighter = sorted(map(luminance, colours))
    return (lighter + 0.05) / (darker + 0.05)


def test_ramps_only_grow_lighter_or_darker(page: Page) -> None:
    for name in ("MAP_RAMP", "LIGHT.ramp", "LIGHT.grey", "DARK.ramp", "DARK.grey"):
        ramp = np.array(call(page, "palette", f"[...m.{name}]")).reshape(256, 3)
        steps = np.diff(ramp @ [0.2126, 0.7152, 0.0722])
        assert (steps >= -0.5).all() or (steps <= 0.5).all(), name


WINDOWS: list[dict[str, Any]] = [
    {"start": 0, "end": 2, "emotion": "anger", "confidence": 0.5, "scores": {"anger": 0.5, "=calm": 0.5}},
    {"start": 1, "end": 3, "emotion": "no_speech", "confidence": None, "scores": {}},
    {"start": 3661, "end": 3663.25, "emotion": "a\n00:00 --> <b>", "confidence": 1, "scores": None},
]


def test_a_time_belongs_to_the_window_whose_middle_is_nearest(page: Page) -> None:
    found = call(
        page,
        "timeline",
        "(t => g.times.map(at => t.indexAt(at)))"
        "(new m.Timeline({start: 0, end: 3663.25, timeline: {hop: 1, windows: g.windows, segments: []}}))",
        windows=WINDOWS,
        times=[0, 1.49, 1.51, 1800, 1900, 99_999],
    )
    middles = np.array([1, 2, 3662.125])
    assert found == [int(np.abs(middles - at).argmin()) for at in (0, 1.49, 1.51, 1800, 1900, 99_999)]


def test_windows_are_a_table_that_runs_no_formula(page: Page) -> None:
    name = '=cmd|"/c calc"!A1, or\nso.wav'
    text = text_of(
        page,
        "files-of-results",
        "m.windowsToCsv({file: g.name}, g.windows, ['anger', '=calm'])",
        name=name,
        windows=WINDOWS,
    )
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["file", "start", "end", "emotion", "confidence", "score_anger", "score_=calm"]
    assert rows[1] == [f"'{name}", "0", "2", "anger", "0.5", "0.5", "0.5"]
    assert rows[2][3:] == ["no_speech", "", "", ""]
    assert len(rows) == 1 + len(WINDOWS)


def test_subtitles_are_those_of_the_command_line(page: Page) -> None:
    segments = [{**one, "start": max(one["start"], at)} for one, at in zip(WINDOWS, (0, 2, 0), strict=True)]
    text = text_of(page, "files-of-results", "m.toVtt(g.segments)", segments=segments)
    stretches = [
        annotation_files.Stretch(one["start"], one["end"], one["emotion"], one["confidence"])
        for one in segments
    ]
    assert text == annotation_files.render("vtt", stretches)
    assert text.count("-->") == len(WINDOWS)
    assert "<b>" not in text


CARD = """---
license: other
---
# Title <script>alert(1)</script>

A paragraph with **bold**, `code` and [a link](javascript:alert(1)),
on two lines.
- one
- two
  goes on
| a | b |
|---|---:|
| 1 | <img src=x onerror=alert(1)> |
"""


def test_a_model_card_becomes_elements_and_its_html_stays_text(page: Page) -> None:
    html = call(
        page,
        "markdown",
        "(box => { box.append(...m.rendered(g.card)); return box.innerHTML; })"
        "(document.createElementNS('http://www.w3.org/1999/xhtml', 'div'))",
        card=CARD,
    )
    assert "license" not in html
    assert "<h3>Title &lt;script&gt;" in html
    assert "<b>bold</b>, <code>code</code> and [a link](javascript:alert(1)), on two lines." in html
    assert "<li>one</li><li>two goes on</li>" in html
    assert "<td>&lt;img src=x onerror=alert(1)&gt;</td>" in html
    assert '<th scope="col">b</th>' in html
    assert "<a" not in html


def test_the_shipped_card_is_rendered_whole(page: Page) -> None:
    card = (MODELS["default"] / "README.md").read_text(encoding="utf-8")
    made = call(
        page,
        "markdown",
        "(box => { box.append(...m.rendered(g.card)); return box.textContent; })"
        "(document.createElementNS('http://www.w3.org/1999/xhtml', 'div'))",
        card=card,
    )
    words = [word for word in card.partition("---\n")[2].partition("---\n")[2].split() if word.isalpha()]
    assert words
    assert not [word for word in words if word not in made]
    assert "**" not in made
    assert "|" not in made


def test_what_is_too_long_to_draw_is_said(page: Page) -> None:
    sound = call(page, "sound", "await m.decode(new Blob(['x']), 7200)")
    assert sound["samples"] is None
    assert "2 h 0 min" in sound["reason"]
    sound = call(page, "sound", "await m.decode(new Blob(['x']), 2)")
    assert sound["samples"] is None
    assert "cannot read this kind of file" in sound["reason"]


@pytest.mark.parametrize(
    ("drop", "random", "spread", "said"),
    [(0.6, 0.1, 0.1, "has found what decided"), (0.2, 0.1, 0.1, "hardly more than chance")],
)
def test_the_map_is_only_trusted_beyond_chance(
    page: Page, drop: float, random: float, spread: float, said: str
) -> None:
    words = call(
        page,
        "explanation",
        "m.inWords({emotion: 'anger', method: 'occlusion', sanity: {deletion: g}})",
        share=0.1,
        drop=drop,
        random_drop=random,
        random_sd=spread,
    )
    assert said in words
    assert f"{round(100 * drop)} points" in words


def test_results_as_json_are_what_the_server_said(page: Page) -> None:
    results = [{"file": "ä <b>.wav", "scores": {"anger": 1 / 3}, "timeline": None}]
    text = text_of(page, "files-of-results", "m.toJson('default', g.results)", results=results)
    assert json.loads(text) == {"model": "default", "results": results}
