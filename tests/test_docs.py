"""What the README and the pages show, runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from affekt.recognizer import MODELS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_python_example_runs(
    block: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not MODELS["default"].is_dir():
        pytest.skip("this copy ships no weights: no folder src/affekt/assets/default")
    monkeypatch.chdir(ROOT)
    exec(compile(block, "example", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out, "an example shows what it found"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    gone = [link for link in links if link and "://" not in link and not (page.parent / link).exists()]
    assert not gone, f"{page.name}: no {', '.join(gone)}"
