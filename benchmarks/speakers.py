"""Speaker pre-training: the equal error rate on speakers never heard, beside what has learnt nothing.

Trials are those of the run, all of speakers of `test-other`. Beside the trained network stand the same
network with its first weights, and mean and standard deviation over time of log-mels, each dimension scaled
by the clips of the training speakers: what a long-term spectrum tells of its speaker without any learning.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from _record import DATA, record
from numpy.typing import NDArray
from rich.console import Console

from affekt import corpora, recipe
from affekt.frontend import LogMel
from affekt.model_folder import open_folder
from affekt.models import build
from affekt.models.masking import length_mask
from affekt.models.pooling import StatisticsPooling
from affekt.training.clips import Clips
from affekt.training.scoring import score_rows
from affekt.verbs.pretrain import pretrain_speakers, speaker_parts, trials_of, verify

EPOCHS = 20
"""Set beforehand, for what two cores do in half an hour."""


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    source = f"librispeech:{arguments.data / 'librispeech-mini'}"
    overrides = [f"train.epochs={EPOCHS}", f"data={source}", *arguments.overrides]
    resolved = recipe.load("speakers", overrides)
    out = arguments.out or Path(tempfile.mkdtemp(prefix="affekt-speakers-"))
    found = pretrain_speakers(resolved, out, resume=True, say=Console(stderr=True).print)
    train, test = speaker_parts(corpora.load(source), resolved)
    trials, clips = trials_of(test, resolved), Clips(test)
    untrained = build(resolved, len(open_folder(found.model).config.labels))
    first = score_rows(untrained, clips, np.arange(len(test)), output="embedding")
    means = long_term_spectra(clips, Clips(train))
    systems = {
        "trained": found.verification,
        "untrained": verify(first, trials, test),
        "log_mel_statistics": verify(means, trials, test),
    }
    figures: dict[str, float] = {}
    for name, one in systems.items():
        assert one.eer.value is not None and one.eer.low is not None and one.eer.high is not None
        figures |= {
            f"speakers.{name}.eer": one.eer.value,
            f"speakers.{name}.eer.low": one.eer.low,
            f"speakers.{name}.eer.high": one.eer.high,
            f"speakers.{name}.min_dcf": one.min_dcf,
        }
    details = {
        "recipe": resolved.model_copy(update={"data": ("librispeech",)}).model_dump(mode="json"),
        "training_speakers": int(train["speaker"].nunique()),
        "training_seconds_of_audio": float(Clips(train).seconds.sum()),
        "systems": {name: one.to_json() for name, one in systems.items()},
    }
    record("speakers", figures, details, started)


def long_term_spectra(clips: Clips, heard: Clips) -> NDArray[np.float32]:
    """Mean and standard deviation of each mel bin [clips, 2 * mels], scaled by the clips of `heard`."""
    known, wanted = _statistics(heard), _statistics(clips)
    return cast(NDArray[np.float32], (wanted - known.mean(axis=0)) / known.std(axis=0))


@torch.inference_mode()
def _statistics(clips: Clips) -> NDArray[np.float32]:
    frontend, pooling = LogMel(normalisation="utterance"), StatisticsPooling()
    rows = []
    for row in range(len(clips)):
        samples, lengths = clips.collate([row])
        spectrogram, frames = frontend(samples, lengths)
        mask = length_mask(frames, spectrogram.shape[1])[:, None, None]
        rows.append(pooling(spectrogram.transpose(1, 2)[:, None], mask)[0].numpy())
    return np.stack(cast(Any, rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("overrides", nargs="*", help="recipe overrides such as train.epochs=2")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder that holds librispeech-mini")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keep the run here; a stopped run goes on")
    return parser.parse_args()


if __name__ == "__main__":
    main()
