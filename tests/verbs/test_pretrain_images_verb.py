"""Pre-training on images: the run learns, resumes, and its model is a place to start from."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from affekt import Recognizer, cli, files, model_folder
from affekt import recipe as recipes
from affekt.errors import CorpusError, UsageError
from affekt.models import build
from affekt.recipe import Recipe
from affekt.training.transfer import from_folder, inherit, start
from affekt.verbs.pretrain_images import ImagesResult, pretrain_images
from affekt.verbs.train import train
from tests.fixtures import toy

CLASSES = {"bars": (0, 1), "columns": (1, 0), "flat": (0, 0)}


def picture(kind: str, seed: int) -> NDArray[np.uint8]:
    """Stripes one way, the other way, or none, of some colour, 32 pixels a side."""
    random = np.random.default_rng([seed, len(kind)])
    along, down = CLASSES[kind]
    axes = np.mgrid[0:32, 0:32]
    wave = np.sin((down * axes[0] + along * axes[1]) * random.uniform(0.9, 1.3))
    colours = random.uniform(0.4, 1, 3) * (110 + 90 * wave[..., None])
    noisy = colours + 10 * random.standard_normal((32, 32, 3))
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def archive(path: Path, *, train_count: int = 24, test_count: int = 6) -> Path:
    """A .tar.gz of PNG and JPEG files."""
    with tarfile.open(path, "w:gz") as packed:
        for part, count in (("train", train_count), ("test", test_count)):
            for kind in CLASSES:
                for number in range(count):
                    suffix = ("png", "jpg")[number % 2]
                    content = io.BytesIO()
                    seed = number + (1000 if part == "test" else 0)
                    Image.fromarray(picture(kind, seed)).save(content, {"png": "PNG", "jpg": "JPEG"}[suffix])
                    member = tarfile.TarInfo(f"./root/{part}/{kind}/{number}.{suffix}")
                    member.size = content.tell()
                    content.seek(0)
                    packed.addfile(member, content)
    return path


def recipe(data: Path, *words: str) -> Recipe:
    """The smallest network."""
    small = ["network.width=0.125", "network.attention=4", "train.epochs=6", "train.batch_clips=12"]
    return recipes.load(
        "images", [*small, "train.precision=float32", "train.learning_rate=0.003", f"data={data}", *words]
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stripes."""
    return archive(tmp_path_factory.mktemp("pictures") / "stripes.tar.gz")


@pytest.fixture(scope="module")
def result(data: Path, tmp_path_factory: pytest.TempPathFactory) -> ImagesResult:
    """A short run."""
    return pretrain_images(
        recipe(data, "train.learning_rate=0.01"), tmp_path_factory.mktemp("run") / "images"
    )


def test_it_learns_and_says_how_well(result: ImagesResult) -> None:
    kept = files.read_json(result.folder / "images.json")
    assert kept["pictures"] == 18 and set(kept["recalls"]) == set(CLASSES)
    assert kept["wa"]["low"] < kept["wa"]["value"] == result.wa.value
    assert result.wa.value > 0.6


def test_the_model_folder_has_three_channels_and_no_emotions(result: ImagesResult) -> None:
    folder = model_folder.open_folder(result.model)
    assert folder.config.task == "images" and folder.config.labels == sorted(CLASSES)
    assert folder.config.tensors["features.0.weight"][1] == 3
    card = folder.contents["README.md"].decode()
    assert "3 kinds of pictures" in card and "stripes.tar.gz" in card and "images.wa" in card
    with pytest.raises(UsageError, match="tells images apart and names no emotion"):
        Recognizer.load(result.model)


def test_emotions_start_from_it_with_one_channel(result: ImagesResult, tmp_path: Path) -> None:
    source = from_folder(result.model)
    words = ["network.dft=640", "network.high_hz=1600", "network.attention_scale=1.0", "network.attention=4"]
    wanted = inherit(recipes.load("attention-fcn", words), source)
    network: Any = build(wanted, 3)
    transfer = start(network, wanted, ["anger", "neutral", "sadness"], source)
    assert transfer.new == ("pooling.project.weight", "pooling.project.bias", "pooling.weigh.weight",
                            "head.weight", "head.bias")  # fmt: skip
    summed = source.tensors["features.0.weight"].sum(1, keepdim=True)
    assert torch.equal(network.state_dict()["features.0.weight"], summed)
    table = toy.corpus(tmp_path, speakers=2, clips=1)
    words += [f"init={result.model}", f"data={table}", "train.epochs=1", "train.validation_speakers=0"]
    trained = train(recipes.load("attention-fcn", words), tmp_path / "run")
    assert trained.model is not None
    recognizer = Recognizer.load(trained.model)
    assert recognizer.config.min_samples == 62 * 160 + 640
    assert recognizer(toy.speech(), sampling_rate=toy.RATE).label in toy.SWEEPS
    assert [one.name for one in recognizer.config.training.corpora] == ["toy", "stripes.tar.gz"]


def test_a_stopped_run_ends_as_one_that_was_not(data: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, total: int, text: str) -> None:
        if "epoch 2" in text:
            raise StoppedError

    short = recipe(data, "train.epochs=2")
    with pytest.raises(StoppedError):
        pretrain_images(short, tmp_path / "stopped", watcher=stop)
    found = [pretrain_images(short, tmp_path / name, resume=True) for name in ("stopped", "whole")]
    first, second = (model_folder.open_folder(one.model).contents["model.safetensors"] for one in found)
    assert first == second


def test_the_command_line(data: Path, tmp_path: Path) -> None:
    words = ["network.width=0.0625", "network.attention=4", "train.epochs=1", "train.batch_clips=24"]
    out = tmp_path / "images"
    done = CliRunner().invoke(
        cli.app, ["pretrain", "images", *words, "--data", str(data), "-o", str(out), "-q"]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(out / "model")


def test_what_is_wrong_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="system: resnet-stats takes no pictures"):
        pretrain_images(Recipe.model_validate({"data": [str(data)]}), tmp_path / "a")
    with pytest.raises(UsageError, match="data: 0 sources"):
        pretrain_images(recipes.load("images"), tmp_path / "a")
    with pytest.raises(CorpusError, match="no such folder or archive"):
        pretrain_images(recipe(tmp_path / "nothing"), tmp_path / "a")
