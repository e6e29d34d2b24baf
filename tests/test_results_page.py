"""The page of results is made from the benchmarks' files, and says what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import results_page
from _record import RESULTS, ROOT

from affekt.recognizer import MODELS


def _record(figures: dict[str, float]) -> dict[str, object]:
    machine = {"cpu": "One", "cores": 2, "memory_gib": 8.0, "system": "Linux", "python": "3.11"}
    return {
        "command": "python benchmarks/x.py",
        "commit": "a" * 40,
        "machine": machine,
        "seconds": 12.3,
        "figures": figures,
        "details": {},
    }


def test_the_page_is_that_of_the_results() -> None:
    results = results_page.load(RESULTS)
    assert results_page.PAGE.read_text("utf-8") == results_page.page(results), "old results: run `make docs`"


def test_the_readme_shows_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = results_page.README.read_text("utf-8")
    made = results_page.readme(text, results_page.load(RESULTS))
    # Processors differ in the last digit of a score.
    (words, scores), (made_words, made_scores) = _parted(text), _parted(made)
    assert made_words == words, "old results: run `make docs`"
    assert made_scores == pytest.approx(scores, abs=1e-5), "old results: run `make docs`"


def _parted(text: str) -> tuple[list[str], list[float]]:
    """A text without its scores of six digits, and these."""
    six_digits = r"\b[01]\.\d{6}\b"
    return re.split(six_digits, text), [float(score) for score in re.findall(six_digits, text)]


def test_the_plan_is_worked_out_from_the_figures() -> None:
    results = results_page.load(RESULTS)
    text = results_page.SCALE.read_text("utf-8")
    assert results_page.scale(text, results) == text, "old results: run `make docs`"
    figures = {"throughput.hours_per_core_hour": 500.0, "throughput.clips": 3600.0, "throughput.hours": 2.0}
    figures |= {
        f"throughput.{step}.ms_per_clip": 2.5 for step in ("decode", "frontend", "network", "writing")
    }
    figures["throughput.network.share_of_matrix_product"] = 0.7
    shown = results_page.scale(text, {"throughput": _record(figures)})
    assert "500 hours of speech in an hour of one core (One), in clips of 2.0 s" in shown
    assert "| core hours | hours / rate | 20,000 |" in shown
    assert "| days on 64 cores | core hours / 64 / 24 | 13.0 |" in shown
    assert "| files a second and core | measured | 250 |" in shown
    assert "| cost, where a core's hour is 0.05 | core hours * price | 1,000 |" in shown
    assert "network 25%" in shown and "reaches 70%" in shown


def test_a_readme_shows_what_the_model_says(monkeypatch: pytest.MonkeyPatch, tiny_model_folder: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(MODELS, "default", tiny_model_folder)
    text = results_page.readme(results_page.README.read_text("utf-8"), {})
    assert text.count("src/affekt/assets/examples/") >= 4


def test_an_interval_stands_behind_its_figure() -> None:
    figures = {"emodb.loso.x.uar": 0.5, "emodb.loso.x.uar.low": 0.411, "emodb.loso.x.uar.high": 0.6}
    figures |= {"emodb.loso.x.wa": 0.7, "start.s": 0.51239}
    shown = results_page.page({"made_up": _record(figures)})
    assert "| emodb.loso.x | 0.500 [0.41, 0.60] | 0.700 |" in shown
    assert "| start.s | 0.5124 |" in shown
    assert "low" not in shown.partition("## made_up")[2]
    table = results_page.accuracy_table({"made_up": _record(figures)})
    assert table.splitlines()[-1] == "| emodb | loso | x | 0.500 [0.41, 0.60] | 0.700 |"
