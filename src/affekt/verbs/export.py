"""A model in other number formats, each a model folder, and how far each is from what it was made of."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from affekt import audio, corpora, files, model_folder
from affekt.config import BASELINE, ParityRecord
from affekt.errors import AudioError, UsageError
from affekt.evaluation import Interval, paired_cluster_bootstrap, uar
from affekt.evaluation.parity import Exported, Parity
from affekt.labels import nearest
from affekt.model_folder import ModelFolder, Scorer, open_folder, probabilities, read_weights
from affekt.model_folder.manifest import MANIFEST
from affekt.models.quantise import to_float16, to_int8
from affekt.recognizer import resolve

if TYPE_CHECKING:
    import pandas as pd

Precision = Literal["float32", "float16", "int8"]
FORMATS: dict[str, Precision] = {
    "onnx-float32": "float32",
    "onnx-float16": "float16",
    "onnx-int8": "int8",
}
"""What `to` names, and the precision it means."""

BOUNDS: dict[Precision, float] = {"float32": 1e-3, "float16": 0.02, "int8": 0.15}
"""How far a score may be from float32 on any clip, where `bound` says nothing else."""

CALIBRATION_CLIPS = 64
"""At most so many clips give the ranges of integers."""

TIMED_CLIPS = 12
_ROUNDS = 3
_EXAMPLES = Path(__file__).resolve().parent.parent / "assets" / "examples"

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class _Clips:
    """What ranges are taken from, and what is measured on: samples, and where known truth and speaker."""

    ranges: list[Samples]
    measured: list[Samples]
    table: pd.DataFrame | None
    source: str


def export(
    model: str | Path,
    out: Path,
    *,
    to: Sequence[str] = tuple(FORMATS),
    data: str | None = None,
    root: Path | None = None,
    bound: float | None = None,
    seed: int = 0,
    say: Callable[[str], None] | None = None,
    tick: Callable[[int, int], None] | None = None,
) -> Exported:
    """Writes a model folder for each format below `out`, and `parity.json` and `parity.md` beside them.

    A folder says how far its scores may be from float32; whoever loads it checks that on its golden clips.

    `onnx-float16` is for GPUs and browsers; `onnx-int8` is static quantisation, with ranges from clips.

    Args:
        model: a known model or a model folder.
        out: the folder that gets `onnx-float32/` and so on; formats that it holds are replaced.
        to: of `FORMATS`.
        data: clips to take ranges from and to measure on, a source such as `emodb:FOLDER`; where there are
            enough, other clips for each. Without it the example clips do both, which is too few to trust.
        root: the folder that a table's files are relative to.
        bound: how far a score may be from float32, 0 to 1, on any clip that is measured; `BOUNDS` if None.
        say: told of what is done, a line at a time; `tick` of clips scored.

    Raises:
        UsageError: no such model or format, a model that cannot be exported, or a format whose scores go
            beyond the bound: then nothing is written.
        MissingExtraError: onnx is not installed.
    """
    say = say or (lambda text: None)
    if unknown := [one for one in to if one not in FORMATS]:
        raise UsageError(f"--to {unknown[0]}: not a format{nearest(unknown[0], FORMATS)}")
    folder = open_folder(resolve(model))
    if bound is not None and not 0 < bound <= 1:
        raise UsageError(f"--bound {bound:g}: give a difference of scores above 0 and up to 1, such as 0.1")
    if folder.config.system == BASELINE:
        raise UsageError(f"{folder.path}: {BASELINE} needs openSMILE to run, so it cannot be exported")
    if data is None:
        say("Warning: no --data, so ranges and figures rest on the few example clips alone")
    clips = _clips(folder, data, root)
    whole = [
        probabilities(one, folder.config.temperature) for one in _logits(folder.onnx, folder, clips, tick)
    ]
    made: list[tuple[Parity, bytes]] = []
    for name in to:
        say(f"{name} ...")
        onnx = _converted(folder, FORMATS[name], clips)
        limit = BOUNDS[FORMATS[name]] if bound is None else bound
        parity = _parity(name, out / name, folder, onnx, clips, whole, limit, seed, tick)
        _check_bound(parity)
        made.append((parity, onnx))
    for parity, onnx in made:
        _write(folder, onnx, FORMATS[parity.name], parity, clips.source)
    result = Exported(folder.path, clips.source, tuple(parity for parity, _ in made))
    files.write_json(out / "parity.json", result.to_json())
    files.write_text(out / "parity.md", result.to_markdown() + "\n")
    return result


def _converted(folder: ModelFolder, precision: Precision, clips: _Clips) -> bytes:
    if precision == "float32":
        return folder.onnx
    return to_float16(folder.onnx) if precision == "float16" else to_int8(folder.onnx, clips.ranges)


def _check_bound(parity: Parity) -> None:
    if not parity.difference <= parity.bound:
        raise UsageError(
            f"{parity.name}: scores are up to {parity.difference:.4f} from float32 on {parity.clips} clips, "
            f"where {parity.bound:g} is allowed; nothing was written: give more --data like what "
            "will be heard, allow more with --bound, or leave the format out of --to"
        )


def _clips(folder: ModelFolder, data: str | None, root: Path | None) -> _Clips:
    if data is None:
        heard = [audio.read(path) for path in sorted(_EXAMPLES.glob("*.flac"))]
        return _Clips(heard, heard, None, f"the {len(heard)} example clips")
    table = corpora.load(data, root)
    rows = table[table["emotion"].isin(folder.config.labels)] if "emotion" in table else table
    heard, kept = [], []
    for position, row in enumerate(rows.to_dict("records")):
        try:
            waveform = audio.load(row["path"])
            heard.append(audio.cut(waveform.samples, row["start"], row["end"], waveform.name))
            kept.append(position)
        except AudioError:
            continue
    if not heard:
        raise UsageError(f"{data}: no clip with an emotion of the model could be read")
    # Spread over the table, so that ranges know every speaker's end of it.
    chosen = set(np.linspace(0, len(heard) - 1, min(CALIBRATION_CLIPS, len(heard))).astype(int).tolist())
    others = [at for at in range(len(heard)) if at not in chosen]
    measured = others if len(others) >= len(chosen) else list(range(len(heard)))
    apart = "others than" if measured is others else "among them"
    read = rows.iloc[[kept[at] for at in measured]].reset_index(drop=True)
    source = (
        f"{len(measured)} clips of {data.partition(':')[0]}, {apart} the {len(chosen)} that gave the ranges"
    )
    return _Clips([heard[at] for at in sorted(chosen)], [heard[at] for at in measured], read, source)


def _logits(
    onnx: bytes, folder: ModelFolder, clips: _Clips, tick: Callable[[int, int], None] | None
) -> list[Samples]:
    scorer = Scorer(onnx, folder.config)
    said = []
    for at, samples in enumerate(clips.measured, 1):
        said.append(scorer.run(samples).logits)
        if tick:
            tick(at, len(clips.measured))
    return said


def _parity(  # noqa: PLR0917
    name: str,
    place: Path,
    folder: ModelFolder,
    onnx: bytes,
    clips: _Clips,
    whole: list[NDArray[np.float64]],
    bound: float,
    seed: int,
    tick: Callable[[int, int], None] | None,
) -> Parity:
    said = [probabilities(one, folder.config.temperature) for one in _logits(onnx, folder, clips, tick)]
    pairs = list(zip(said, whole, strict=True))
    changed = sum(int(one.argmax() != other.argmax()) for one, other in pairs)
    return Parity(
        name=name,
        folder=place,
        bytes=len(onnx),
        clips=len(said),
        difference=max(float(np.abs(one - other).max()) for one, other in pairs),
        bound=bound,
        changed=changed,
        uar_lost=_uar_lost(folder, clips, said, whole, seed),
        speed={threads: _speed(folder, onnx, clips.measured, threads) for threads in (1, 2)},
    )


def _uar_lost(
    folder: ModelFolder,
    clips: _Clips,
    said: list[NDArray[np.float64]],
    whole: list[NDArray[np.float64]],
    seed: int,
) -> Interval | None:
    if clips.table is None:
        return None
    labels = [one for one in folder.config.labels if one in set(clips.table["emotion"])]
    places = [folder.config.labels.index(one) for one in labels]
    before, after = ([labels[int(one[places].argmax())] for one in scores] for scores in (whole, said))
    return paired_cluster_bootstrap(
        clips.table["emotion"],
        before,
        after,
        corpora.speaker_key(clips.table, allow_unknown=True),
        labels,
        uar,
        seed=seed,
    )


def _speed(folder: ModelFolder, onnx: bytes, clips: list[Samples], threads: int) -> float:
    """How often as fast as the original: the median over clips, the two timed in turn."""
    before, after = (Scorer(one, folder.config, threads) for one in (folder.onnx, onnx))
    ratios = []
    for samples in clips[:: max(1, len(clips) // TIMED_CLIPS)][:TIMED_CLIPS]:
        for _ in range(_ROUNDS):
            taken = []
            for scorer in (before, after):
                began = time.perf_counter()
                scorer.run(samples)
                taken.append(time.perf_counter() - began)
            ratios.append(taken[0] / taken[1])
    return statistics.median(ratios)


def _write(folder: ModelFolder, onnx: bytes, precision: Precision, parity: Parity, source: str) -> None:
    from safetensors.numpy import save

    text = folder.contents["README.md"].decode()
    if precision != "float32":
        ranges = f" Ranges come from {source}." if precision == "int8" else ""
        text += (
            f"\n## Number format\n`model.onnx` is in {precision}, its front end in float32.{ranges} On "
            f"{parity.clips} clips scores were up to {parity.difference:.4f} from float32, where "
            f"{parity.bound:g} is allowed, and {parity.changed} labels were others.\n"
        )
    clips = {
        name.removeprefix("golden/").removesuffix(".flac"): audio.read(data)
        for name, data in folder.contents.items()
        if name.endswith(".flac")
    }
    record = _record(folder, clips, parity, source) if precision != "float32" else None
    model_folder.write(
        parity.folder,
        config=folder.config.model_copy(update={"precision": precision, "parity": record}),
        onnx=onnx,
        weights=save({name: np.ascontiguousarray(one) for name, one in read_weights(folder).items()}),
        card=text,
        golden=list(clips.items()),
    )


def _record(folder: ModelFolder, golden: dict[str, Samples], parity: Parity, source: str) -> ParityRecord:
    scorer, config = folder.scorer(), folder.config
    whole = {
        f"golden/{name}.flac": probabilities(scorer.run(samples).logits, config.temperature).tolist()
        for name, samples in golden.items()
    }
    return ParityRecord(
        bound=parity.bound,
        difference=parity.difference,
        changed=parity.changed,
        clips=parity.clips,
        source=source,
        original=files.sha256(folder.path / MANIFEST),
        golden={name: dict(zip(config.labels, scores, strict=True)) for name, scores in whole.items()},
    )
