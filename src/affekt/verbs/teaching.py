"""What a teacher says of the clips to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from affekt.errors import UsageError
from affekt.recipe import BaselineRecipe, Recipe
from affekt.recognizer import Recognizer
from affekt.training import distributed
from affekt.training.clips import Clips
from affekt.training.examples import Targets, Taught
from affekt.training.journal import Watcher
from affekt.training.run import Say

if TYPE_CHECKING:
    import pandas as pd


def open_teacher(
    recipe: Recipe, table: pd.DataFrame, learnt: Targets, *, tested: bool, say: Say
) -> Recognizer | None:
    """The recipe's teacher, if it has one that may teach this.

    Args:
        table: the clips, `learnt` their classes.
        tested: whether some of the clips test what is learnt from the others.

    Raises:
        UsageError: no such folder, one that does not know an emotion, or one that learnt from a corpus
            whose speakers are tested on.
        ModelFolderError: it is damaged or not to be trusted.
    """
    if recipe.distil.teacher is None:
        return None
    if isinstance(recipe, BaselineRecipe):
        raise UsageError("distil.teacher: the baseline learns from labels alone; take another system")
    teacher = Recognizer.load(recipe.distil.teacher, threads=torch.get_num_threads())
    unknown = [name for name in learnt.labels if name not in teacher.config.labels]
    if unknown:
        raise UsageError(
            f"distil.teacher: {teacher.path} does not know {', '.join(unknown)}; leave it out of `labels`, "
            "or take a teacher that does"
        )
    # A model folder names its corpora, not their speakers: a corpus in common is a speaker in common.
    heard = {one.name for one in teacher.config.training.corpora}
    common = sorted(heard & set(table["corpus"].fillna("unnamed").astype(str)))
    if common and tested:
        raise UsageError(
            f"distil.teacher: {teacher.path} learnt from {', '.join(common)}, so it has heard the speakers "
            "that are tested on, and the figures would be of them; take a teacher of other corpora"
        )
    if common and recipe.train.validation_speakers:
        say(
            f"WARNING: the teacher learnt from {', '.join(common)} and may have heard the validation "
            "speakers: epoch and temperature are chosen on speakers that are not wholly new"
        )
    return teacher


def listen_all(teacher: Recognizer, clips: Clips, learnt: Targets, watcher: Watcher | None = None) -> Taught:
    """What the teacher says of every clip, over the classes in the learner's order."""
    columns = [teacher.config.labels.index(name) for name in learnt.labels]
    said = torch.zeros(len(clips), len(columns), device=distributed.device())
    rows = range(distributed.rank(), len(clips), distributed.world())
    for done, row in enumerate(rows, 1):
        logits = teacher.logits([clips.samples(row)])[0, columns] / teacher.config.temperature
        said[row] = torch.from_numpy(np.asarray(logits, np.float32))
        if watcher:
            watcher(done, len(rows), "the teacher listens")
    return Taught(distributed.total(said).cpu(), tuple(teacher.config.training.corpora))
