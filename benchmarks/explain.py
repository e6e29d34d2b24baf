"""Whether maps show what decided: the top tenth of each map silenced, on speakers that a network never heard.

    python benchmarks/explain.py --run RUN --data emodb:FOLDER [--methods hirescam occlusion] [--clips 60]

RUN is a cross-validation such as `affekt train thin data=emodb:FOLDER --protocol loso -o RUN` leaves it. Each
test clip is explained by the network of its fold, and the drop of the predicted emotion's score is set beside
that of regions of equal shape elsewhere, of the loudest cells, and of a map of noise. Intervals are 95 % over
speakers.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from _record import record
from numpy.typing import NDArray
from rich.progress import track
from safetensors.torch import load_file

from affekt import audio, corpora
from affekt import recipe as recipes
from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Interval, percentile_interval
from affekt.explanation import gradcam, sanity
from affekt.explanation.maps import Map, fine_grid
from affekt.explanation.occlusion import occlusion
from affekt.explanation.regions import outlined
from affekt.models import build
from affekt.recipe import Recipe
from affekt.training.state import CHECKPOINT

Samples = NDArray[np.float32]
Find = Callable[[torch.nn.Module, Samples, int], Map]

METHODS = ("attention", "hirescam", "gradcam", "occlusion", "noise")
FIGURES = ("drop", "random_drop", "loudest_drop", "difference", "over_loudest", "beaten")
RESAMPLES = 2000


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    made = recipes.load(str(arguments.run / "recipe.yaml"), [])
    rows, labels = _rows(arguments.run, arguments.data, arguments.clips)
    finds = {name: find for name, find in _finds(made).items() if name in arguments.methods}
    found = []
    for row, network, blind in track(_networks(arguments.run, made, rows, labels), total=len(rows)):
        samples = audio.cut(audio.read(row["path"]), row["start"], row["end"], row["file"])
        index = labels.index(row["predicted"])
        for name, find in finds.items():
            said = {"method": name, "speaker": row["speaker"], "fold": row["fold"]}
            found.append(said | _measure(find, network, blind, samples, index))
    table = pd.DataFrame(found)
    corpus = "+".join(sorted(set(rows["corpus"])))
    figures: dict[str, float] = {"explain.clips": len(rows)}
    for name in finds:
        figures |= _figures(table[table["method"] == name], f"explain.{corpus}.{made.system}.{name}")
    details = {"speakers": int(rows["speaker"].nunique()), "draws": sanity.DRAWS, "labels": labels}
    for key, value in figures.items():
        print(f"{key} {value:.4g}")
    record(f"explain_{corpus}_{made.system}", figures, details, started, script="explain")


def _rows(run: Path, data: str, most: int | None) -> tuple[pd.DataFrame, list[str]]:
    """The test clips of a run with the places of their audio, and its labels in order."""
    scored = pd.read_csv(run / "scores.csv", dtype={"fold": str, "speaker": str})
    labels = [name.removeprefix("score_") for name in map(str, scored) if name.startswith("score_")]
    places = corpora.load(data).drop_duplicates("file").set_index("file")["path"]
    rows = scored.assign(path=scored["file"].map(places))
    if rows["path"].isna().any():
        gone = rows.loc[rows["path"].isna(), "file"].iloc[0]
        raise UsageError(f"{data}: has no {gone}, which {run}/scores.csv lists; give the data of that run")
    if most is not None and most < len(rows):
        chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:most])
        rows = rows.iloc[chosen]
    return rows.reset_index(drop=True), labels


def _finds(made: Recipe) -> dict[str, Find]:
    grid: Any = getattr(made.network, "grid", lambda: None)()

    def looking(each_cell: bool) -> Find:
        return lambda network, samples, index: gradcam.gradcam(
            network, samples, index, each_cell=each_cell, grid=grid
        )

    def occluded(network: torch.nn.Module, samples: Samples, index: int) -> Map:
        return occlusion(gradcam.judge_of(network, 1.0), samples, index)

    def noise(network: torch.nn.Module, samples: Samples, index: int) -> Map:
        cells = fine_grid(len(samples) / audio.SAMPLE_RATE)
        return Map(np.random.default_rng(zlib.crc32(samples.tobytes())).random(cells.shape), cells)

    finds: dict[str, Find] = {
        "hirescam": looking(each_cell=True),
        "gradcam": looking(each_cell=False),
        "occlusion": occluded,
        "noise": noise,
    }
    if grid is not None:
        finds["attention"] = lambda network, samples, index: gradcam.attention_of(network, samples, grid)
    return finds


def _networks(
    run: Path, made: Recipe, rows: pd.DataFrame, labels: list[str]
) -> Iterator[tuple[Any, torch.nn.Module, torch.nn.Module]]:
    """Each clip with the network of its fold, and one of the same shape that has learnt nothing."""
    blind = build(made.model_copy(update={"seed": made.seed + 1}), len(labels)).eval().requires_grad_(False)
    for fold, clips in rows.groupby("fold", sort=False):
        network = build(made, len(labels))
        kept = load_file(run / "folds" / str(fold).replace("/", "-") / CHECKPOINT)
        best = {name.removeprefix("best."): one for name, one in kept.items() if name.startswith("best.")}
        network.load_state_dict(best)
        for row in clips.to_dict("records"):
            yield row, network.eval().requires_grad_(False), blind


def _measure(
    find: Find, network: torch.nn.Module, blind: torch.nn.Module, samples: Samples, index: int
) -> dict[str, float]:
    found = find(network, samples, index)
    fine, mask = outlined(found, len(samples) / audio.SAMPLE_RATE)
    judge = gradcam.judge_of(network, 1.0)
    deleted = sanity.deletion(judge, samples, mask, fine.grid, index)
    likeness = sanity.spearman(found.values, find(blind, samples, index).values).spearman
    measured = {"likeness": np.nan if likeness is None else likeness}
    if deleted is None:
        return measured | dict.fromkeys(FIGURES, np.nan)
    return measured | {
        **{name: getattr(deleted, name) for name in FIGURES if name != "over_loudest"},
        "over_loudest": deleted.drop - deleted.loudest_drop,
    }


def _figures(table: pd.DataFrame, name: str) -> dict[str, float]:
    figures: dict[str, float] = {f"{name}.empty_maps": int(table["drop"].isna().sum())}
    for key in (*FIGURES, "likeness"):
        interval = _mean(table, key)
        if interval.value is not None:
            figures[f"{name}.{key}"] = round(interval.value, 4)
        if interval.low is not None and interval.high is not None:
            figures |= {f"{name}.{key}.low": round(interval.low, 4)}
            figures |= {f"{name}.{key}.high": round(interval.high, 4)}
    return figures


def _mean(table: pd.DataFrame, key: str) -> Interval:
    """The mean over clips with its interval from drawing speakers."""
    known = table.dropna(subset=[key]).groupby("speaker")[key]
    sums, counts = known.sum().to_numpy(), known.count().to_numpy()
    if not len(sums):
        return Interval(None, reason="no clips")
    drawn = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    draws = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return percentile_interval(sums.sum() / counts.sum(), draws, len(sums))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, required=True, help="the folder of a cross-validation")
    parser.add_argument("--data", required=True, help="its corpus, such as emodb:FOLDER, or its table")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--clips", type=int, help="so many clips, drawn at random; all if not given")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
