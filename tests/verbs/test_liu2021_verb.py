"""liu2021: every cell on the same clips, what starts from what, and what is told to be speaker-dependent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from affekt import recipe as recipes
from affekt.errors import CorpusError, UsageError
from affekt.models import build
from affekt.recipe import Recipe
from affekt.training.transfer import Source, inherit, start
from affekt.verbs import liu2021
from affekt.verbs.train import train
from tests.fixtures import toy


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two corpora, the second without sadness."""
    folder = tmp_path_factory.mktemp("corpora")
    return (
        str(toy.corpus(folder, speakers=2, clips=1, name="first")),
        str(toy.corpus(folder, speakers=2, clips=1, emotions=("anger", "neutral"), name="second")),
    )


def recipe(**keys: Any) -> Recipe:
    """The thinnest run of the system."""
    words = (
        "train.epochs=1",
        "train.batch_clips=6",
        "train.validation_speakers=0",
        "train.precision=float32",
    )
    made = recipes.load("facenet", [*words, *toy.SHAPES["facenet"]])
    return made.model_copy(update=keys)


def test_the_cells_of_both_directions(corpora: tuple[str, str], tmp_path: Path) -> None:
    source, target = corpora
    parts = liu2021.plan(source, target, tmp_path, [3], one_way=False)
    assert [one.name for one in parts] == ["table1-to-table2", "table2-to-table1", "table1-random"]
    first, back, random = parts
    cells = {cell.name: cell.apply(recipe(), 3) for cell in first.cells}
    assert len(cells) == 8 and {name for pair in first.pairs for name in pair} == set(cells)
    assert (first.learnt, first.tested) == (source, target) == (back.tested, back.learnt)
    crossed = cells["spectrogram to waveform"]
    assert crossed.init == f"{tmp_path}/pretrained/table1/spectrogram/seed-3/model"
    assert crossed.network.picture == "waveform"  # type: ignore[attr-defined]
    joint = cells["both corpora, waveform"]
    assert joint.extra == (source,) and joint.train.balance == "corpora" and joint.init is None
    assert random.protocol == "random" and random.tested == source and random.learnt is None
    assert "speaker-dependent" in random.title and len(random.cells) == 2
    assert len(liu2021.plan(source, target, tmp_path, [3], one_way=True)) == 2
    with pytest.raises(UsageError, match="liu2021 is about system=facenet"):
        liu2021.reproduce_liu2021(Recipe(), tmp_path, source=source, target=target)


def test_waveforms_can_be_tuned_from_what_learnt_spectrograms(tmp_path: Path) -> None:
    learnt = recipe()
    tensors = build(learnt, 3).state_dict()
    source = Source("first", "facenet", learnt.network.model_dump(), "emotion", ("anger",), tensors, ())
    words = ["system=facenet", "network.picture=waveform", "network.dropout=0.1"]
    wanted = inherit(recipes.load(None, words), source)
    assert wanted.network.picture == "waveform" and wanted.network.dropout == 0.1  # type: ignore[attr-defined]
    assert wanted.network.size == 80 and wanted.network.embedding == 8  # type: ignore[attr-defined]
    found = start(build(wanted, 2), wanted, ("anger", "neutral"), source)
    assert set(found.new) == {"head.weight", "head.bias"} and not set(found.left) - set(found.new)
    with pytest.raises(UsageError, match=r"network\.width"):
        inherit(recipes.load(None, ["system=facenet", "network.width=0.5"]), source)


def test_a_joint_run_learns_from_both_corpora_and_is_tested_on_one(
    corpora: tuple[str, str], tmp_path: Path
) -> None:
    source, target = corpora
    made = toy.recipe(Path(target), epochs=1, validation_speakers=0, balance="corpora")
    said: list[str] = []
    found = train(
        made.model_copy(update={"extra": (source,)}), tmp_path / "run", protocol="loso", say=said.append
    )
    scores = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert set(scores["corpus"]) == {"second"} and len(scores) == 4
    assert set(scores["predicted"]) <= {"anger", "neutral"} and found.report is not None
    assert any(line.startswith("10 clips, 4 speakers, anger, neutral, sadness") for line in said)
    twice = made.model_copy(update={"extra": (target,)})
    with pytest.raises(CorpusError, match="speaks in the data too"):
        train(twice, tmp_path / "twice", protocol="loso")
