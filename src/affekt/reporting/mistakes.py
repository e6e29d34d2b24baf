"""The worst mistakes of a run: which they are, how they sound, and what decided."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from affekt import audio, corpora
from affekt.errors import AffektError
from affekt.evaluation.scored import PREFIX, ScoredRun, clip_keys
from affekt.reporting.models import Models

if TYPE_CHECKING:
    import pandas as pd

AUDIO_BYTES = 1_500_000
PICTURE_BYTES = 1_500_000
"""The most that sounds and pictures take in a page; what would go beyond is left out, and that is said."""

MOST_SECONDS = 20.0
"""Of a longer clip the beginning is heard."""

_SHOWN_SCORES = 3
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Mistake:
    """A clip that was taken for something else, and how sure the model was.

    Fields:
        key: corpus, file, start and end as text.
        scores: the likeliest labels with their scores.
        sound: an address that holds it, `""` with a `note`.
        picture: of what decided, as an address; `""` with a `note`.
        notes: what is not there, and why.
    """

    key: tuple[str, str, str, str]
    fold: str
    speaker: str
    truth: str
    said: str
    scores: tuple[tuple[str, float], ...]
    sound: str = ""
    picture: str = ""
    notes: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The clip's name, with its times where it is a part of a recording."""
        _, file, start, end = self.key
        return f"{file} {start} to {end} s" if start or end else file

    def noted(self, note: str) -> Mistake:
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


def worst(run: ScoredRun, most: int) -> list[Mistake]:
    """The clips that the run was surest of and wrong about, surest first; `most` of them."""
    table = run.table
    columns = [f"{PREFIX}{label}" for label in run.labels]
    values = table[columns].to_numpy(np.float64)
    wrong = (table["emotion"] != table["predicted"]).to_numpy().nonzero()[0]
    ordered = sorted(wrong, key=lambda at: -values[at].max())[:most]
    keys = clip_keys(table)
    found = []
    for at in ordered:
        likeliest = np.argsort(-values[at], kind="stable")[:_SHOWN_SCORES]
        row = table.iloc[int(at)]
        found.append(
            Mistake(
                key=keys[at],
                fold=str(row["fold"]),
                speaker=str(row["speaker"]),
                truth=str(row["emotion"]),
                said=str(row["predicted"]),
                scores=tuple((run.labels[one], float(values[at, one])) for one in likeliest),
            )
        )
    return found


def places(
    sources: Sequence[str], root: Path | None = None, merge: Mapping[str, str | None] | None = None
) -> dict[tuple[str, str, str, str], pd.Series]:
    """The row of each clip of the data, by its key; `merge` is the recipe's.

    Raises:
        UsageError, CorpusError: the data are not where the run says.
    """
    table = corpora.load_many(sources, root, merge or None)
    table["corpus"] = table["corpus"].fillna("unnamed")
    return dict(zip(clip_keys(table), (row for _, row in table.iterrows()), strict=True))


def heard(
    mistakes: Sequence[Mistake], rows: dict[tuple[str, str, str, str], pd.Series]
) -> Iterator[tuple[Mistake, Samples | None]]:
    """Each mistake with its samples at 16 kHz, or with a note of why there are none."""
    for one in mistakes:
        row = rows.get(one.key)
        if row is None:
            yield one.noted("Its recording is not among the data."), None
            continue
        try:
            waveform = audio.load(str(row["path"]))
            samples = audio.cut(waveform.samples, row["start"], row["end"], one.file)
        except AffektError as error:
            yield one.noted(f"Its recording cannot be read: {getattr(error, 'problem', error)}."), None
            continue
        yield one, samples


def with_sound(mistake: Mistake, samples: Samples, left: int) -> Mistake:
    """The mistake with its recording as MP3, where that takes at most `left` characters."""
    short = samples[: round(MOST_SECONDS * audio.SAMPLE_RATE)]
    address = sound(short)
    if len(address) > left:
        return mistake.noted("Its recording is left out: the page would become too large.")
    if len(short) < len(samples):
        mistake = mistake.noted(f"The first {MOST_SECONDS:.0f} s of {len(samples) / audio.SAMPLE_RATE:.0f}.")
    return replace(mistake, sound=address)


def sound(samples: Samples) -> str:
    """Samples at 16 kHz as an MP3 of about 32 kbit/s within an address; every browser plays it."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, samples, audio.SAMPLE_RATE, format="MP3", compression_level=0.9)
    return f"data:audio/mpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def explained(mistake: Mistake, samples: Samples, models: Models, left: int) -> Mistake:
    """The mistake with a picture of what spoke for the answer, where it takes at most `left` characters."""
    from affekt.explanation import explain

    try:
        recognizer = models.of(mistake.fold)
        if recognizer is None:
            return mistake.noted(models.reason)
        if mistake.said not in recognizer.config.labels:
            return mistake.noted(f"Not explained: the model does not know {mistake.said}.")
        found = explain(samples, recognizer, emotion=mistake.said, sampling_rate=audio.SAMPLE_RATE, threads=1)
    except AffektError as error:
        return mistake.noted(f"Not explained: {error}.")
    if found.prediction.label != mistake.said:
        mistake = mistake.noted(
            f"{models.name} says {found.prediction.label} here, all classes being allowed."
        )
    name = Path(mistake.key[1]).name
    shown = replace(found, prediction=replace(found.prediction, file=name))
    with tempfile.TemporaryDirectory(prefix="affekt-report-") as scratch:
        path = Path(scratch) / "picture.webp"
        shown.save(path)
        data = path.read_bytes()
    address = f"data:image/webp;base64,{base64.b64encode(data).decode('ascii')}"
    if len(address) > left:
        return mistake.noted("Its explanation is left out: the page would become too large.")
    return replace(mistake, picture=address)
