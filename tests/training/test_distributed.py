"""Two processes on one run: the same network in both, whatever their statistics are of."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import torch
from torch.multiprocessing.spawn import spawn

from affekt.errors import CorpusError
from affekt.models import build
from affekt.recipe import Recipe
from affekt.training import distributed
from affekt.training.emotions import EmotionTask
from affekt.training.fit import Fit
from affekt.training.journal import Journal
from affekt.training.step import autocast
from tests.fixtures import toy

STATISTICS = ("batch", "process")


def toy_recipe(table: Path, statistics: str) -> Recipe:
    """Two epochs of three steps, with an adversary, which has to be the same in both as well."""
    keys = {"learning_rate": 1e-3, "average": 0.5, "losses": "{adversarial: 1.0}"}
    return toy.recipe(table, statistics=statistics, **keys)


def learn(recipe: Recipe, folder: Path) -> Fit:
    """A run to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    examples = toy.examples(recipe)
    task = EmotionTask(examples, recipe, lambda: autocast(recipe))
    fit = Fit(build(recipe, len(examples.targets.labels)), task, recipe, folder)
    fit.run(Journal(None))
    return fit


def work(rank: int, port: int, table: str, folder: str) -> None:
    """One of two processes, as torchrun starts them."""
    torch.set_num_threads(1)
    os.environ |= {
        "WORLD_SIZE": "2", "RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)
    }  # fmt: skip
    with distributed.processes():
        for statistics in STATISTICS:
            fit = learn(toy_recipe(Path(table), statistics), Path(folder, statistics))
            found = {name: value.clone() for name, value in fit.network.state_dict().items()}
            assert fit.adversary is not None
            found |= {f"adversary.{name}": one for name, one in fit.adversary.state_dict().items()}
            torch.save(found, Path(folder, f"{statistics}-{rank}.pt"))
        few = toy_recipe(Path(table), "process")
        try:
            # Three clips are enough for two processes, and not where each wants two of its own.
            examples = toy.examples(few)
            EmotionTask(examples, few, lambda: autocast(few))
            fewer = EmotionTask(
                type(examples)(examples.clips, examples.targets, examples.train[:3], examples.validation),
                few,
                lambda: autocast(few),
            )
            Fit(build(few, 3), fewer, few, Path(folder))
        except CorpusError as error:
            Path(folder, f"refused-{rank}").write_text(str(error))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes have trained, with a corpus of its own."""
    folder = tmp_path_factory.mktemp("two")
    table = toy.corpus(folder, speakers=4)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    spawn(work, (port, str(table), str(folder)), 2)  # type: ignore[no-untyped-call]
    return folder


@pytest.mark.parametrize("statistics", STATISTICS)
def test_both_processes_hold_the_same_network(left: Path, statistics: str) -> None:
    first, second = (torch.load(left / f"{statistics}-{rank}.pt", weights_only=True) for rank in (0, 1))
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_statistics_of_the_batch_are_those_of_one_process_and_others_are_not(left: Path) -> None:
    alone = learn(toy_recipe(left / "toy.csv", "batch"), left / "alone").network.state_dict()
    spread, apart = (torch.load(left / f"{name}-0.pt", weights_only=True) for name in STATISTICS)
    for name, value in alone.items():
        assert torch.allclose(value, spread[name], atol=1e-4), name
    assert not torch.allclose(alone["bn1.running_var"], apart["bn1.running_var"], atol=1e-4)
    # Means of parts are the mean of the whole; over a run they stay near.
    assert torch.allclose(alone["bn1.running_mean"], apart["bn1.running_mean"], rtol=0.2, atol=0.02)


def test_each_process_needs_two_clips_for_statistics_of_its_own(left: Path) -> None:
    assert "batches need 4" in (left / "refused-0").read_text()
