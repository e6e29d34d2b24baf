"""Learning pictures: what is drawn follows from the picture and the epoch, and parts stay apart."""

from __future__ import annotations

import numpy as np
import torch

from affekt.pictures import Pictures
from affekt.recipe import AttentionFcnRecipe, ImagesRecipe
from affekt.training.batches import plan_batches
from affekt.training.pictures import MEAN, SPREAD, PictureTask, change, picture_parts, plain

SIZE = 64


def pictures(count: int = 40, *, parts: bool = False) -> Pictures:
    """Noise of two classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    names = tuple(f"{'ab'[at % 2]}/{at}.png" for at in range(count))
    split = tuple("test" if parts and at % 5 == 0 else "" for at in range(count))
    return Pictures(pixels, names, ("a", "b"), np.arange(count) % 2, tuple(range(7, 7 + count)), split)


def task(*, seed: int = 0) -> PictureTask:
    """All of them to learn from."""
    recipe = AttentionFcnRecipe(task="images", seed=seed)
    return PictureTask(pictures(), np.arange(40), recipe)


def test_a_picture_changes_by_seed_and_epoch_and_not_by_its_batch() -> None:
    first, sizes = task().collate(np.array([3, 4, 5]), 2)
    assert first.shape == (3, 3, SIZE, SIZE) and sizes.tolist() == [SIZE] * 3
    again, _ = task().collate(np.array([5, 11, 3]), 2)
    assert torch.allclose(again[2], first[0], atol=1e-6) and torch.allclose(again[0], first[2], atol=1e-6)
    for other in (task().collate(np.array([3]), 3), task(seed=1).collate(np.array([3]), 2)):
        assert (other[0][0] - first[0]).abs().mean() > 0.05


def test_batches_are_mixed_anew_each_epoch() -> None:
    learnt = task()

    def batches(epoch: int) -> list[set[int]]:
        planned = plan_batches(
            learnt.seconds, learnt.train, batch_clips=10, batch_seconds=160, seed=0, epoch=epoch
        )
        return [set(one.tolist()) for one in planned]

    assert batches(0) == batches(0) and not any(one in batches(1) for one in batches(0))
    assert all({at < 20 for at in one} == {True, False} for one in batches(0))
    assert [len(one) for one in batches(0)] == [10] * 4


def test_in_the_middle_of_all_draws_a_picture_is_itself() -> None:
    settings = ImagesRecipe(smallest_crop=0.5, flip=0.0)
    numbers = torch.full((2, 7), 0.5)
    numbers[:, 0] = 0
    pixels = pictures().pixels[:2]
    whole = plain(pixels, settings)
    assert torch.allclose(change(pixels, numbers, settings), whole, atol=1e-5)
    expected = (pixels[0].astype(np.float32).mean() / 255 - MEAN) / SPREAD
    assert abs(float(whole[0].mean()) - expected) < 0.02


def test_crops_mirrors_and_colours_do_what_they_say() -> None:
    pixels = pictures().pixels[:1]
    numbers = torch.full((1, 7), 0.5)
    numbers[:, 0] = 0
    whole = plain(pixels, ImagesRecipe())
    mirrored = change(pixels, numbers, ImagesRecipe(flip=1.0))
    assert torch.allclose(mirrored.flip(3), whole, atol=1e-4)
    corner = numbers.clone()
    corner[:, :3] = torch.tensor([1.0, 0.0, 0.0])
    found = change(pixels, corner, ImagesRecipe(smallest_crop=0.5, flip=0.0))
    assert torch.allclose(found[0, :, 0, 0], whole[0, :, 0, 0], atol=0.2)
    inner = plain(pixels[:, :16, :16], ImagesRecipe())
    assert torch.allclose(found[..., :60, :60], inner[..., :60, :60], atol=0.05)
    darker = numbers.clone()
    darker[:, 4] = 0.0
    dark = change(pixels, darker, ImagesRecipe(flip=0.0, colour=0.5)) * SPREAD + MEAN
    assert torch.allclose(dark, 0.5 * (whole * SPREAD + MEAN), atol=1e-4)
    grey = numbers.clone()
    grey[:, 6] = 0.0
    faded = change(pixels, grey, ImagesRecipe(flip=0.0, colour=0.99))
    assert faded.std(1).mean() < 0.05 * whole.std(1).mean()


def test_parts_are_those_of_the_folders_or_a_share_of_each_class() -> None:
    named = pictures(parts=True)
    recipe = AttentionFcnRecipe(task="images", images=ImagesRecipe(test_share=0.2))
    train, test = picture_parts(named, recipe)
    assert {named.parts[at] for at in test} == {"test"} and {named.parts[at] for at in train} == {""}
    drawn = pictures()
    train, test = picture_parts(drawn, recipe)
    assert sorted([*train, *test]) == list(range(40)) and np.bincount(drawn.targets[test]).tolist() == [4, 4]
    assert np.array_equal(picture_parts(drawn, recipe)[1], test)
