"""The report: a whole check of real clips as a page, in Chromium, with hostile names; the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from affekt import audio
from affekt.cli.corpus import app
from affekt.doctor import Checkup, check_corpus, page
from tests.fixtures.browser import Visit
from tests.fixtures.tiny import EXAMPLES

RUN = CliRunner()
HOSTILE = "<img src=x onerror=alert(1)>'\"{{7*7}}.wav"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of four speakers and two emotions whose level gives the emotion away, one with a hostile name."""
    folder = tmp_path_factory.mktemp("hostile")
    speech = [audio.read(path) for path in sorted(EXAMPLES.glob("*.flac"))]
    rows: list[tuple[str, str, str, str]] = []
    for speaker in range(4):
        for clip in range(8):
            name = HOSTILE if not rows else f"{speaker}-{clip}.wav"
            emotion = ("anger", "sadness")[clip % 2]
            at = 1000 * (4 * clip + speaker)
            samples = np.roll(speech[speaker], at)[: 12_000 + 500 * clip]
            samples = samples * (0.5 if emotion == "anger" else 0.01) / np.abs(samples).max()
            soundfile.write(folder / name, samples, audio.SAMPLE_RATE)
            rows.append((name, f"</td>{speaker}", emotion, "test" if speaker == 0 else "train"))
    (folder / "copy.wav").write_bytes((folder / HOSTILE).read_bytes())
    rows.append(("copy.wav", *rows[0][1:]))
    frame = pd.DataFrame(rows, columns=["file", "speaker", "emotion", "split"])
    frame.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


@pytest.fixture(scope="module")
def found(table: Path) -> Checkup:
    return check_corpus(str(table))


def test_a_label_that_loudness_gives_away_is_an_error(found: Checkup) -> None:
    given = {one.measures: one for one in found.given_away}
    assert given["loudness"].uar.value == 1
    assert given["format"].uar.value == pytest.approx(0.5)
    told = [(one.severity, one.message) for one in found.findings if one.code == "label_given_away"]
    assert told[0][0] == "error"
    assert told[0][1].startswith("loudness alone tells the emotion with uar 1.00 [1.00, 1.00], chance 0.50")


def test_the_page_asks_for_nothing_and_fits_a_telephone(
    found: Checkup, tmp_path: Path, visit: Callable[..., Visit]
) -> None:
    (tmp_path / "report.html").write_text(page(found), "utf-8")
    for width in (390, 1100):
        seen = visit(f"file://{tmp_path / 'report.html'}", width=width)
        assert seen.outside() == []
        assert seen.complaints == []
        assert seen.faults_of_access() == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.page.evaluate("[...document.images].every(one => one.naturalWidth > 0)")
        assert seen.page.evaluate("document.images.length") == 3
    assert HOSTILE in seen.page.inner_text("main")


def test_the_command_writes_the_page_and_json_and_says_how_it_went(table: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "report.html"
    done = RUN.invoke(app, ["check", str(table), "--html", str(target), "--json"])
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert {"source", "rows", "heard", "seconds", "counts", "findings", "given_away", "suspects"} == set(told)
    assert told["heard"] == told["rows"] == 33
    assert all(one["remedy"] for one in told["findings"] if one["code"] != "complete")
    assert target.read_text("utf-8").startswith("<!doctype html>")


def test_strict_fails_on_warnings(table: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(table)
    frame["speaker"] = frame["speaker"].mask(frame.index < 4, " </TD>0")
    frame["file"] = [str(table.parent / name) for name in frame["file"]]
    frame.drop(columns="split").to_csv(tmp_path / "t.csv", index=False)
    plain = RUN.invoke(app, ["check", str(tmp_path / "t.csv"), "--quick"])
    strict = RUN.invoke(app, ["check", str(tmp_path / "t.csv"), "--quick", "--strict"])
    assert (plain.exit_code, strict.exit_code) == (0, 1)
    assert plain.stdout == strict.stdout
    assert "warning: speaker_spelling: speaker written in 2 ways" in plain.stdout
    assert "warning: duplicate_audio: the same bytes under 2 names: " in plain.stdout
    assert plain.stdout.endswith("0 errors, 2 warnings\n")
