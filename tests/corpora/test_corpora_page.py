"""The page of corpora tells what the corpus files declare, and nothing else."""

from __future__ import annotations

from pathlib import Path

from affekt import corpora

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "corpora.md"
HEAD = [
    "| corpus | language | speakers | clips | emotions | licence | official split |",
    "|---|---|---|---|---|---|---|",
]


def row(one: corpora.Overview) -> str:
    name = f"[`{one.name}`]({one.url})" + (", `fetch`" if one.fetched else "")
    clips = f"{one.clips} ({one.caution})" if one.caution else one.clips
    cells = (name, one.language, one.speakers or "?", clips, one.emotions or "none", one.licence, one.split)
    return "| " + " | ".join(cells) + " |"


def test_the_table_of_the_page_is_that_of_the_corpus_files() -> None:
    table = [*HEAD, *(row(corpora.overview(corpora.spec(name))) for name in corpora.names())]
    wanted = "\n".join(line.replace("|  |", "| |") for line in table)
    assert wanted in PAGE.read_text("utf-8"), f"docs/corpora.md: put this table in:\n{wanted}"
