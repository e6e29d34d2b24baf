"""What telephones, codecs, noise, rooms, levels and channels cost: `uar` under each, against clean, paired.

    python benchmarks/live_limits.py ravdess-thin --run CV                       # fold models
    python benchmarks/live_limits.py plain --run RUN                             # its validation speakers
    python benchmarks/live_limits.py nemo-mine --model MODEL --data nemo:NEMO    # a model, unheard speakers

A cross-validation's clips are scored by the network of their fold, which has not heard their speaker; a run's
validation clips by its network, whose epoch they chose: right to compare such runs with each other. `lost`
is `uar` of the clean clips minus that of the changed ones, on the same draws of speakers. Noise is pink,
rooms are simulated (RT60 0.2 to 1 s), both drawn for each clip anew and the same in every run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from _record import record
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from safetensors.torch import load_file

from affekt import audio, channels, corpora, recipe, waves
from affekt.errors import UsageError
from affekt.evaluation import paired_cluster_bootstrap, shared_labels, uar
from affekt.evaluation.bootstrap import cluster_bootstrap
from affekt.evaluation.scored import HELD_OUT, SCORES, clip_keys, read_run, read_scored
from affekt.models import build
from affekt.recognizer import Recognizer
from affekt.training.examples import selected
from affekt.training.state import CHECKPOINT

Samples = NDArray[np.float32]
Change = Callable[[Samples, np.random.Generator], Samples]
Judge = Callable[[Samples], str]


class Clip(NamedTuple):
    """A recording, who speaks, what is true, and who judges it."""

    samples: Samples
    speaker: str
    emotion: str
    judge: Judge


def _noise(decibel: float) -> Change:
    return lambda clip, rng: waves.add_noise(clip, waves.coloured_noise(len(clip), rng, 1.0), decibel)


def _gain(decibel: float) -> Change:
    return lambda clip, rng: channels.gain(clip, decibel)


def _beside(clip: Samples, *others: float) -> Samples:
    """The clip in the first channel, and in the others at these levels."""
    return channels.several(np.stack([clip, *(np.float32(level) * clip for level in others)], axis=1))


CONDITIONS: dict[str, Change] = {
    "clean": lambda clip, rng: clip,
    "telephone": lambda clip, rng: channels.telephone(clip),
    "8kHz": lambda clip, rng: channels.narrow(clip),
    "mp3_32kbit": lambda clip, rng: channels.mp3(clip, 32),
    "noise_20dB": _noise(20),
    "noise_10dB": _noise(10),
    "noise_5dB": _noise(5),
    "reverberation": lambda clip, rng: waves.reverberate(clip, waves.simulate_response(rng)),
    "gain_-30dB": _gain(-30),
    "gain_-20dB": _gain(-20),
    "gain_-10dB": _gain(-10),
    "gain_+10dB": _gain(10),
    "gain_+20dB": _gain(20),
    "stereo_alike": lambda clip, rng: _beside(clip, 1),
    "stereo_one_silent": lambda clip, rng: _beside(clip, 0),
    "six_channels": lambda clip, rng: _beside(clip, 0.3, 1, 0, 0.2, 0.2),
}


def main() -> None:
    started = time.perf_counter()
    arguments = _arguments()
    torch.set_num_threads(1)
    clips = list(_of_run(arguments.run) if arguments.run else _of_model(arguments.model, arguments.data))
    clips = clips[:: arguments.every]
    labels = sorted({clip.emotion for clip in clips})
    truth, speakers = [clip.emotion for clip in clips], [clip.speaker for clip in clips]
    print(f"{len(clips)} clips, {len(set(speakers))} speakers, {', '.join(labels)}")
    figures: dict[str, float] = {}
    answers: dict[str, list[str]] = {}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("conditions", total=len(CONDITIONS) * len(clips))
        for name, change in CONDITIONS.items():
            answers[name] = []
            for at, clip in enumerate(clips):
                said = clip.judge(change(clip.samples, np.random.default_rng([at, 7])))
                answers[name].append(said)
                progress.advance(task)
    known = sorted({*labels, *(one for said in answers.values() for one in said)})
    for name, one in answers.items():
        found = cluster_bootstrap(truth, one, speakers, known, uar)
        lost = paired_cluster_bootstrap(truth, answers["clean"], one, speakers, known, uar)
        for key, interval in (("uar", found), ("lost", lost)):
            place = f"{arguments.name}.live_limits.{name}.{key}"
            ends = {"": interval.value, ".low": interval.low, ".high": interval.high}
            figures |= {place + end: value for end, value in ends.items() if value is not None}
        print(f"{name:18} uar {found.value:.3f}, lost {lost.value:+.3f} [{lost.low}, {lost.high}]")
    details = {
        "clips": len(clips),
        "speakers": len(set(speakers)),
        "labels": labels,
        "every": arguments.every,
    }
    record(f"live_limits_{arguments.name}", figures, details, started, script="live_limits")


def _of_run(folder: Path) -> Iterator[Clip]:
    """The clips of a cross-validation or of validation, each with a network that has not learnt from them."""
    aside = not (folder / SCORES).exists() and (folder / HELD_OUT).exists()
    if aside:
        scores, labels = read_scored(folder / HELD_OUT)
    else:
        run = read_run(folder)
        scores, labels = run.table, run.labels
    settings = recipe.load(str(folder / "recipe.yaml"))
    table = selected(settings).assign(corpus=lambda rows: rows["corpus"].fillna("unnamed"))
    rows = dict(zip(clip_keys(table), table.to_dict("records"), strict=True))
    for fold, scored in scores.groupby("fold", sort=False):
        network: Any = build(settings, len(labels))
        kept = folder if aside else folder / "folds" / str(fold).replace("/", "-")
        held = load_file(kept / CHECKPOINT)
        best = {key.removeprefix("best."): value for key, value in held.items() if key.startswith("best.")}
        network.load_state_dict(best)
        network.eval()

        for corpus, own in scored.groupby("corpus", sort=False):
            # As `affekt evaluate`: emotions that a corpus lacks are no answers to its clips.
            shown = _places(labels, own["emotion"])
            judge = _network_judge(network, labels, shown)
            for key, one in zip(clip_keys(own), own.to_dict("records"), strict=True):
                if key not in rows:
                    raise UsageError(f"{folder}: {corpus}/{key[1]} is not in the run's data any more")
                yield Clip(_samples(rows[key]), str(one["speaker"]), str(one["emotion"]), judge)


def _places(labels: Sequence[str], emotions: Iterable[str]) -> list[int]:
    """Where the labels stand that a corpus has too."""
    return [labels.index(one) for one in shared_labels(labels, list(emotions))[0]]


def _network_judge(network: Any, labels: Sequence[str], places: Sequence[int]) -> Judge:
    @torch.inference_mode()
    def judge(samples: Samples) -> str:
        logits = network(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))["logits"][0]
        return labels[places[int(logits[list(places)].argmax())]]

    return judge


def _of_model(model: str, data: str) -> Iterator[Clip]:
    """The clips of a corpus, all judged by one model, over the emotions that it shares with the corpus."""
    recognizer = Recognizer.load(model, threads=1)
    table = corpora.load(data)
    heard = {one.name for one in recognizer.config.training.corpora} & set(table["corpus"].dropna())
    if heard:
        print(f"Warning: the model has learnt from {', '.join(sorted(heard))}: not unheard speakers.")
    labels = recognizer.config.labels
    rows = table[table["emotion"].isin(labels)].reset_index(drop=True)
    places = _places(labels, rows["emotion"])

    def judge(samples: Samples) -> str:
        logits = recognizer.logits([samples])[0][places]
        return labels[places[int(logits.argmax())]]

    speakers = corpora.speaker_key(rows, allow_unknown=True)
    for row, speaker in zip(rows.to_dict("records"), speakers, strict=True):
        yield Clip(_samples(row), str(speaker), str(row["emotion"]), judge)


def _samples(row: Any) -> Samples:
    waveform = audio.load(row["path"])
    return audio.cut(waveform.samples, row["start"], row["end"], waveform.name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name", help="what the result is called, such as ravdess-thin")
    parser.add_argument("--run", type=Path, help="the folder of a cross-validation or of a run")
    parser.add_argument("--model", help="a known model or a model folder; with --data")
    parser.add_argument("--data", help="a corpus whose speakers the model has not heard")
    parser.add_argument("--every", type=int, default=1, help="take every so-many-th clip alone")
    arguments = parser.parse_args()
    if bool(arguments.run) == bool(arguments.model and arguments.data):
        parser.error("give --run, or --model and --data")
    return arguments


if __name__ == "__main__":
    main()
