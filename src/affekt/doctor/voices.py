"""One voice under two names: speakers compared by the embeddings of a model that tells speakers apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affekt import audio
from affekt.corpora.findings import Finding
from affekt.doctor.subjects import Subject
from affekt.errors import AffektError
from affekt.model_folder import ModelFolder

CLIPS = 12
"""Clips of each speaker that are listened to, spread over the table."""
_MOST_SPEAKERS = 3000


def examine_voices(
    subject: Subject,
    rows: Sequence[int],
    model: ModelFolder,
    progress: Callable[[int, int, str], None] | None = None,
) -> Iterator[Finding]:
    """Pairs of speakers whose voices are as alike as the two halves of one speaker's clips are.

    A pair is told of where each is nearest to the other, and the cosine between their means is at least the
    median of that between halves.
    """
    names, halves = _halves(subject, rows, model, progress)
    if len(names) < 2:
        return
    own = (halves[:, 0] * halves[:, 1]).sum(axis=1)
    means = _units(halves.sum(axis=1))
    alike = means @ means.T
    np.fill_diagonal(alike, -2)
    # Halves have half the clips, and are less alike than means of all: a low bar, hence the mutual neighbour.
    bar = float(np.median(own))
    for first in range(len(names)):
        second = int(alike[first].argmax())
        if first < second and int(alike[second].argmax()) == first and alike[first, second] >= bar:
            concerned = [at for at in rows if subject.speakers[at] in (names[first], names[second])]
            message = (
                f"{names[first]} and {names[second]} sound like one person: cosine "
                f"{alike[first, second]:.2f}, between halves of one speaker {bar:.2f}"
            )
            numbers = {"cosine": float(alike[first, second]), "halves": bar}
            yield subject.finding("warning", "speaker_voice", message, concerned, numbers)


def _halves(
    subject: Subject,
    rows: Sequence[int],
    model: ModelFolder,
    progress: Callable[[int, int, str], None] | None,
) -> tuple[list[str], NDArray[np.float64]]:
    """Speakers with four clips or more, and unit vectors of the even and the odd ones [speakers, 2, size]."""
    scorer = model.scorer(None)
    clips: dict[str, list[int]] = defaultdict(list)
    for at in rows:
        clips[subject.speakers[at]].append(at)
    found = []
    names = sorted(name for name, places in clips.items() if len(places) >= 4)[:_MOST_SPEAKERS]
    halves = []
    for number, name in enumerate(names):
        places = clips[name]
        chosen = [places[at] for at in np.linspace(0, len(places) - 1, min(CLIPS, len(places))).astype(int)]
        vectors = []
        for at in chosen:
            try:
                row = subject.table.iloc[at]
                heard = audio.load(Path(row["path"]), limits=audio.Limits(seconds=None))
                vectors.append(
                    scorer.run(audio.cut(heard.samples, row["start"], row["end"], heard.name)).embedding
                )
            except AffektError:
                continue
        if len(vectors) < 2:
            continue
        found.append(name)
        units = _units(np.asarray(vectors, np.float64))
        halves.append(np.stack([units[::2].mean(axis=0), units[1::2].mean(axis=0)]))
        if progress is not None:
            progress(number + 1, len(names), "comparing voices")
    if not halves:
        return [], np.zeros((0, 2, 0))
    stacked = np.stack(halves)
    # What all voices of a corpus share, its room and its microphone, is not what tells them apart.
    return found, _units(stacked - stacked.mean(axis=(0, 1)))


def _units(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    units: NDArray[np.float64] = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return units
