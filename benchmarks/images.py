"""Image pre-training of system C's trunk: `wa` on the test pictures of CIFAR-10.

CIFAR-10, scaled to 64 pixels, stands in for ImageNet; half of AlexNet's width, as the recipe `images` has it.
The pictures tested on choose nothing: the last epoch is kept.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from _record import DATA, record
from rich.console import Console

from affekt import recipe
from affekt.verbs.pretrain_images import pretrain_images

ARCHIVE = "cifar10-jpeg.tar.gz"


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    resolved = recipe.load("images", [f"data={arguments.data / ARCHIVE}", *arguments.overrides])
    out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-images-"))
    found = pretrain_images(resolved, out, resume=True, say=Console(stderr=True).print)
    assert found.wa.low is not None and found.wa.high is not None
    figures = {
        "images.cifar10.wa": found.wa.value,
        "images.cifar10.wa.low": found.wa.low,
        "images.cifar10.wa.high": found.wa.high,
    }
    details = {
        "recipe": resolved.model_copy(update={"data": (ARCHIVE,)}).model_dump(mode="json"),
        "threads": arguments.threads,
        "images": found.to_json(),
    }
    record("images", figures, details, started)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("overrides", nargs="*", help="recipe overrides such as train.epochs=2")
    parser.add_argument("--data", type=Path, default=DATA, help=f"the folder that holds {ARCHIVE}")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the run here; a stopped run goes on")
    return parser.parse_args()


if __name__ == "__main__":
    main()
