"""The pictures of `docs/explain.md`: example clips explained by each method.

    python benchmarks/explain_pictures.py --attention FOLDER

The default model has no attention; FOLDER is a model of the system attention-fcn, such as that of
`affekt train attention-fcn data=emodb:ROOT init=images/model -o RUN` at `RUN/model`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _record import ROOT
from PIL import Image

import affekt
from affekt import files

EXAMPLES = ROOT / "src" / "affekt" / "assets" / "examples"
PICTURES = ROOT / "docs" / "pictures"
CLIPS = {"anger": "anger-03a01Wa", "sadness": "sadness-08a02Tb"}
METHODS = ("attention", "hirescam", "occlusion")
WIDTH = 1100
"""Pixels, as wide as a page shows it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--attention", required=True, help="a model folder of the system attention-fcn")
    arguments = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    for method in METHODS:
        model = arguments.attention if method == "attention" else "default"
        for name, clip in CLIPS.items():
            found = affekt.explain(EXAMPLES / f"{clip}.flac", model=model, method=method)
            _shrunk(found, PICTURES / f"explain-{method}-{name}.png")


def _shrunk(found: affekt.Explanation, path: Path) -> None:
    found.save(path)
    with Image.open(path) as drawn:
        smaller = drawn.convert("RGB").resize((WIDTH, round(WIDTH * drawn.height / drawn.width)))
    # A palette that covers the colours there are, not the commonest: most of a picture is grey.
    smaller = smaller.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    with files.atomic(path, "wb") as stream:
        smaller.save(stream, "PNG", optimize=True)
    print(path.relative_to(ROOT), path.stat().st_size)


if __name__ == "__main__":
    main()
