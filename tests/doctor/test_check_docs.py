"""The page on the check names every finding there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from affekt.corpora.findings import REMEDIES

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "check.md"


def test_the_page_names_every_code_and_no_other() -> None:
    table = PAGE.read_text("utf-8").partition("## What it finds")[2].partition("\n## ")[0]
    told = {code for row in re.findall(r"^\| (`.+?) \|", table, re.M) for code in re.findall(r"`(\w+)`", row)}
    assert told == set(REMEDIES)
