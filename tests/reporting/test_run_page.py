"""`affekt.report`: a page that asks for nothing, obeys no name, plays recordings, and says what it lacks."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

import affekt
from affekt import files
from affekt.errors import UsageError
from affekt.recognizer import Recognizer
from affekt.reporting import mistakes as wrong
from affekt.reporting.page import PAGE_BYTES
from affekt.run_folder import open_run, state_of
from affekt.training.card import card, how_tested
from affekt.verbs.compare import compare, write_comparison
from affekt.verbs.evaluate import evaluate, write_evaluation
from tests.fixtures import tiny, toy
from tests.fixtures.browser import Visits
from tests.reporting.conftest import NASTY


@pytest.fixture(scope="module")
def page(crossed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a cross-validation with sound and explanations."""
    return affekt.report(crossed, tmp_path_factory.mktemp("page") / "report.html", mistakes=2)


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "dark")])
def test_it_opens_without_network_and_complaint(page: Path, visit: Visits, width: int, scheme: str) -> None:
    seen = visit(page.as_uri(), width=width, color_scheme=scheme)
    assert seen.outside() == []
    assert seen.complaints == []
    assert seen.faults_of_access() == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.page.locator("script, img[src='x']").count() == 0
    for heading in ("Results", "Folds and their speakers", "Confusion", "Learning", "Worst mistakes"):
        assert seen.page.get_by_role("heading", name=heading, exact=True).count() == 1


def test_its_recordings_play(page: Path, visit: Visits) -> None:
    seen = visit(page.as_uri())
    lengths = seen.page.evaluate(
        """async () => { const found = [];
        for (const one of document.querySelectorAll('audio')) {
            one.muted = true; await one.play();
            await new Promise(done => one.ontimeupdate = () => one.currentTime > 0.05 && done());
            found.push(one.duration); }
        return found; }"""
    )
    assert len(lengths) == 2
    assert all(0.25 < seconds < 1.0 for seconds in lengths)


def test_names_are_shown_and_not_obeyed(page: Path, visit: Visits) -> None:
    seen = visit(page.as_uri())
    shown = seen.page.locator("#mistakes h3").first.inner_text()
    assert '<script>alert("1")<img src=x onerror=alert(2)>\\u202egpj' in shown
    assert "{{ 7*7 }}&amp;" in shown
    assert "\u202e" not in text_of(page)


def test_a_keyboard_reaches_tables_recordings_and_pictures(page: Path, visit: Visits) -> None:
    seen = visit(page.as_uri())
    reached = set()
    for _ in range(60):
        seen.page.keyboard.press("Tab")
        reached.add(seen.page.evaluate("document.activeElement.tagName"))
    assert {"A", "DIV", "AUDIO", "SUMMARY"} <= reached


def test_a_mistake_is_explained_by_the_network_that_made_it(page: Path) -> None:
    text = text_of(page)
    assert text.count("data:image/webp;base64,") == 2
    assert "all classes being allowed" not in text
    assert len(text) < PAGE_BYTES


def test_recordings_stay_at_home_when_asked(crossed: Path, tmp_path: Path) -> None:
    text = text_of(affekt.report(crossed, tmp_path / "r.html", audio=False, explain=False))
    assert "data:audio" not in text and "image/webp" not in text and "<audio" not in text
    assert "Truth <strong>" in text


def test_figures_are_those_of_the_run(crossed: Path, page: Path) -> None:
    figures = json.loads((crossed / "report.json").read_text())["pooled"]["uar"]
    assert f"{figures['value']:.3f}" in text_of(page)
    assert f"[{figures['low']:.2f}, {figures['high']:.2f}]" in text_of(page)
    record = json.loads((crossed / "run.json").read_text())
    assert record["versions"]["torch"] in text_of(page)
    assert record["started"] in text_of(page)


def test_the_worst_mistakes_are_the_surest(crossed: Path) -> None:
    from affekt.evaluation.scored import read_run

    run = read_run(crossed)
    found = wrong.worst(run, 3)
    scores = run.table.set_index("file").filter(like="score_")
    missed = run.table[run.table["emotion"] != run.table["predicted"]]
    assert found[0].scores[0][1] == pytest.approx(scores.loc[missed["file"]].to_numpy().max())
    assert [one.scores[0][1] for one in found] == sorted((one.scores[0][1] for one in found), reverse=True)
    assert all(one.truth != one.said == one.scores[0][0] for one in found)


def test_what_is_gone_is_said(crossed: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(crossed, old)
    (old / "run.json").unlink()
    (old / "recipe.yaml").write_text("system: resnet-stats\nold_key: 3\n")
    for journal in old.glob("folds/*/log.jsonl"):
        journal.write_bytes(b'{"epoch": 1, "train_loss"')
    text = text_of(affekt.report(old, tmp_path / "r.html"))
    for said in (
        "No run.json",
        "recipe.yaml cannot be read",
        "no learning curve",
        "give --data",
        "not recorded",
    ):
        assert said in text, said


def test_moved_recordings_are_found_where_they_are_said_to_be(
    crossed: Path, nasty_recipe: object, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(crossed, old)
    kept = old / "recipe.yaml"
    where = open_run(crossed).recipe
    assert where is not None
    kept.write_text(kept.read_text().replace(where.data[0], "table:gone.csv"))
    lost = text_of(affekt.report(old, tmp_path / "a.html", mistakes=1, explain=False))
    assert "No recordings of mistakes" in lost and "data:audio" not in lost
    found = affekt.report(old, tmp_path / "b.html", mistakes=1, explain=False, data=where.data)
    assert "data:audio/mpeg" in text_of(found)


def test_an_unfinished_run_says_so(crossed: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    shutil.copytree(crossed, half)
    for name in ("report.json", "scores.csv"):
        (half / name).unlink()
    assert state_of(half, "cross-validation") == "stopped"
    assert "This run is stopped" in text_of(affekt.report(half, tmp_path / "r.html"))
    with files.lock(half):
        assert state_of(half, "cross-validation") == "running"
    assert state_of(half, "cross-validation") == "stopped"


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run in it"):
        affekt.report(tmp_path, tmp_path / "r.html")
    with pytest.raises(UsageError, match="no such folder"):
        affekt.report(tmp_path / "none", tmp_path / "r.html")


def test_an_evaluation_is_explained_by_the_model_that_it_measured(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    table = toy.corpus(tmp_path, speakers=2, clips=1)
    write_evaluation(tmp_path / "e", evaluate(tiny_model_folder, str(table), threads=1))
    text = text_of(affekt.report(tmp_path / "e", tmp_path / "r.html", mistakes=1))
    assert "The model also knows happiness" in text
    assert "image/webp" in text or "Not explained" in text
    assert "data:audio" in text


def test_hostile_labels_in_a_foreign_run_are_text(tmp_path: Path, visit: Visits) -> None:
    run = tmp_path / "foreign"
    run.mkdir()
    labels = [NASTY, "line\nbreak"]
    rows = [
        {
            "fold": f"f{at % 2}{NASTY}", "file": f"{at}\n{NASTY}.wav", "start": None, "end": None,
            "corpus": NASTY, "emotion": labels[at % 2], "speaker": f"{at % 3}{NASTY}",
            "predicted": labels[(at // 2) % 2], f"score_{labels[0]}": 0.4, f"score_{labels[1]}": 0.6,
        }
        for at in range(12)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(run / "scores.csv", index=False)
    (run / "report.json").write_text(json.dumps({"protocol": NASTY, "title": NASTY, "seed": "x"}))
    (run / "run.json").write_text(json.dumps({"command": NASTY, "versions": {NASTY: NASTY}, "model": "/no"}))
    seen = visit(affekt.report(run, tmp_path / "r.html").as_uri())
    assert seen.complaints == [] and seen.outside() == []
    assert seen.page.locator("script, img[src='x']").count() == 0


def test_comparisons_have_a_page(crossed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(crossed, other)
    write_comparison(tmp_path / "c", compare([crossed, other], resamples=50))
    text = text_of(affekt.report(tmp_path / "c", tmp_path / "r.html"))
    assert "cv over other" in text and "p corrected" in text
    (tmp_path / "c" / "comparison.json").write_text('{"systems": 3}')
    assert "not as it was written" in text_of(affekt.report(tmp_path / "c", tmp_path / "r.html"))


def test_a_model_and_its_card_say_the_same(tmp_path: Path) -> None:
    made = tiny.write(tmp_path / "model", metrics={})
    text = text_of(affekt.report(tmp_path / "model", tmp_path / "r.html"))
    told = card(Recognizer.load(made.path).config, "On nobody.\n")
    assert how_tested(told) == "On nobody."
    for heading in re.findall(r"^## (.+)$", told, re.M):
        assert heading in text
    assert "hiring, school, insurance" in text
