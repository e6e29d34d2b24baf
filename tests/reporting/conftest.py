"""Runs to report on, with names that try to be more than names."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from affekt.recipe import Recipe
from affekt.verbs.train import train
from tests.fixtures import toy

NASTY = '<script>alert("1")<img src=x onerror=alert(2)>\u202egpj\'{{ 7*7 }}&amp;'
"""A name that a page must show and not obey; `\\u202e` turns the reading order round."""


@pytest.fixture(scope="session")
def nasty_recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A corpus whose files, speakers and own name are hostile."""
    folder = tmp_path_factory.mktemp("corpora")
    table = toy.corpus(folder, speakers=4, clips=2)
    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        name = f"toy/{row['speaker']}{NASTY}{Path(row['file']).name}"
        (folder / row["file"]).rename(folder / name)
        row |= {"file": name, "speaker": row["speaker"] + NASTY, "corpus": NASTY.replace("/", "")}
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return toy.recipe(table, epochs=1)


@pytest.fixture(scope="session")
def crossed(nasty_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished cross-validation."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs") / "cv"
    train(nasty_recipe, out, protocol="speaker-kfold", folds=2)
    torch.set_num_threads(before)
    return out
