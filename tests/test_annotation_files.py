"""Annotation files, as the tools that they are for read them: Praat, pympi, Chromium's WebVTT."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import parselmouth
import pympi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from affekt import annotation_files
from affekt.annotation_files import FORMATS, Stretch, render, to_folder
from affekt.errors import UsageError

STRETCHES = [
    Stretch(0.0, 1.5, "anger", 0.689834),
    Stretch(1.5, 4.0, "no_speech"),
    Stretch(4.5, 3723.0625, 'a "b" <i>&amp; --> \\n ü😀\t\ty\n', 1.0),
]
ODD = 'a "b" <i>&amp; --> \\n ü😀 y'


def praat(path: Path) -> list[list[tuple[float, float, str]]]:
    """The intervals of every tier as Praat reads them."""
    grid = parselmouth.Data.read(str(path))
    call = parselmouth.praat.call
    return [
        [
            (
                call(grid, "Get start time of interval", tier, at),
                call(grid, "Get end time of interval", tier, at),
                call(grid, "Get label of interval", tier, at),
            )
            for at in range(1, call(grid, "Get number of intervals", tier) + 1)
        ]
        for tier in range(1, call(grid, "Get number of tiers") + 1)
    ]


def test_praat_reads_the_textgrid(tmp_path: Path) -> None:
    path = tmp_path / "x.TextGrid"
    path.write_text(render("textgrid", STRETCHES), "utf-8")
    emotion, confidence = praat(path)
    assert emotion == [(0, 1.5, "anger"), (1.5, 4, "no_speech"), (4, 4.5, ""), (4.5, 3723.0625, ODD)]
    assert [text for _, _, text in confidence] == ["0.690", "", "", "1.000"]


def test_elan_files_are_read_by_pympi(tmp_path: Path) -> None:
    path = tmp_path / "x.eaf"
    recording = tmp_path / "söund 1.wav"
    recording.touch()
    path.write_text(render("eaf", STRETCHES, str(recording)), "utf-8")
    read = pympi.Elan.Eaf(str(path))
    assert sorted(read.get_tier_names()) == ["confidence", "emotion"]
    # The library orders neither; a stretch has no more than milliseconds there.
    found = sorted(one[:3] for one in read.get_annotation_data_for_tier("emotion"))
    assert found == [(0, 1500, "anger"), (1500, 4000, "no_speech"), (4500, 3_723_062, ODD)]
    assert sorted(one[2] for one in read.get_annotation_data_for_tier("confidence")) == ["0.690", "1.000"]
    (media,) = read.get_linked_files()
    assert media["MEDIA_URL"] == recording.as_uri()
    root = ElementTree.parse(path).getroot()
    ids = [one.get("ANNOTATION_ID") for one in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(ids) == len(set(ids)) == 5


def test_audacity_labels_are_three_fields_a_line() -> None:
    lines = [line.split("\t") for line in render("audacity", STRETCHES).splitlines()]
    assert lines == [
        ["0.000000", "1.500000", "anger"],
        ["1.500000", "4.000000", "no_speech"],
        ["4.500000", "3723.062500", ODD],
    ]


def test_a_browser_plays_the_captions(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<video><track kind=subtitles default></video>")
    cues: list[Any] = page.evaluate(
        """text => new Promise((resolve, reject) => {
            const track = document.querySelector("track");
            track.onload = () => resolve([...track.track.cues].map(
                cue => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent]));
            track.onerror = () => reject("refused");
            track.src = URL.createObjectURL(new Blob([text], {type: "text/vtt"}));
            track.track.mode = "showing";
        })""",
        render("vtt", STRETCHES),
    )
    page.close()
    assert cues == [[0, 1.5, "anger 69%"], [1.5, 4, "no_speech"], [4.5, 3723.062, f"{ODD} 100%"]]


@given(label=st.text(max_size=20).filter(lambda text: annotation_files._line(text) != ""))
@settings(max_examples=40)
def test_whatever_a_label_holds_the_files_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, label: str
) -> None:
    folder = tmp_path_factory.mktemp("labels")
    stretches = [Stretch(0.0, 1.0, label, 0.5), Stretch(1.0, 2.0, label, None)]
    for form, suffix in FORMATS.items():
        (folder / f"x{suffix}").write_text(render(form, stretches), "utf-8")
    expected = [annotation_files._line(label)] * 2
    assert [text for _, _, text in praat(folder / "x.TextGrid")[0]] == expected
    read = pympi.Elan.Eaf(str(folder / "x.eaf"))
    assert [one[2] for one in read.get_annotation_data_for_tier("emotion")] == expected
    assert len(render("audacity", stretches).splitlines()) == 2


def row(file: str, start: float, **more: Any) -> dict[str, Any]:
    known = {"end": start + 1, "emotion": "anger", "confidence": 0.5, "error": None}
    return {"file": file, "start": start, **known, **more}


def test_each_recording_has_a_file_and_none_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "labels"
    with to_folder(folder, "audacity") as write:
        for name in ("a/call.wav", "b/call.wav", "b/CALL.mp3"):
            write(row(name, 0.0))
            write(row(name, 1.0))
        write(row("gone.wav", 0.0, end=None, emotion=None, error="not_found"))
        write(row("zip.zip/in/../\n.wav", 0.0))
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["CALL-3.txt", "_.txt", "call-2.txt", "call.txt"]
    assert all(len(path.read_text().splitlines()) == 2 for path in folder.glob("[cC]*"))


def test_channels_have_files_of_their_own(tmp_path: Path) -> None:
    with to_folder(tmp_path, "vtt") as write:
        write(row("call.wav", 0.0, channel=1))
        write(row("call.wav", 0.0, channel=2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["call.1.vtt", "call.2.vtt"]


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "labels.eaf"):
        with pytest.raises(UsageError, match="a file for each recording"), to_folder(folder, "eaf"):
            pass
