"""What `init` means: a known model, a model folder, a public checkpoint's name or its file."""

from __future__ import annotations

from pathlib import Path

from affekt.errors import UsageError
from affekt.labels import nearest
from affekt.models import public
from affekt.recipe import Recipe
from affekt.recognizer import MODELS, resolve
from affekt.training.journal import Watcher
from affekt.training.transfer import Source, from_folder, from_public


def open_source(recipe: Recipe, watcher: Watcher | None = None) -> Source | None:
    """The network that the recipe starts from, checked; None where it starts from nothing.

    Raises:
        UsageError: `init` is none of these.
        DownloadError: the checkpoint cannot be fetched.
        ModelFolderError: it is damaged or not to be trusted.
    """
    init = recipe.init
    if init is None:
        return None
    if init in MODELS or Path(init).expanduser().is_dir():
        return from_folder(resolve(init))
    if init in public.PUBLIC or Path(init).is_file():

        def tick(done: int, total: int | None) -> None:
            if watcher:
                watcher(done, total or done, f"fetching {init}")

        return from_public(init, recipe.init_sha256, tick)
    raise UsageError(
        f"init: {init} is neither a folder, a file, nor a public checkpoint{nearest(init, public.PUBLIC)}"
    )
