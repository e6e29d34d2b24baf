"""The vectors from which a network decides, of many recordings: one row for each, or for each window."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from affekt import audio
from affekt.embedding_map import Method, draw, embedding_map
from affekt.errors import AffektError, AudioError, UsageError
from affekt.inputs import expand, spelled
from affekt.model_folder import ModelFolder, Scorer, open_folder
from affekt.prediction import DIGITS, status_of
from affekt.recognizer import resolve
from affekt.timeline import check_windows, grid

Row = dict[str, Any]
Array = NDArray[np.float32]

COLUMNS = ("file", "start", "end", "speaker", "emotion", "corpus", "status", "error", "message")
"""The columns of every row but for its vector's; `file`, `start` and `end` index a segmented table."""


class Clip(NamedTuple):
    """A recording or a part of it, and what is known of it."""

    file: str
    path: str | AudioError
    start: float = 0.0
    end: float | None = None
    speaker: str | None = None
    emotion: str | None = None
    corpus: str | None = None


class Embedder:
    """Any model, whatever it tells apart, ready to embed.

    Args:
        model: a known name or the path of a model folder.
        threads: processor threads; the usable cores, at most four, if not given.

    Raises:
        UsageError: there is no such model.
        ModelFolderError: it is damaged or not to be trusted.
    """

    def __init__(self, model: str | os.PathLike[str] = "default", threads: int | None = None) -> None:
        folder: ModelFolder = open_folder(resolve(model))
        self.path, self.size = folder.path, folder.config.embedding_size
        self._scorer: Scorer = folder.scorer(threads)

    def __call__(self, samples: Array) -> Array:
        """The vector [size] of float32 samples at 16 kHz."""
        return self._scorer.run(samples).embedding


def embed(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    model: str | os.PathLike[str] | Embedder = "default",
    *,
    window: float | None = None,
    hop: float | None = None,
    threads: int | None = None,
) -> Iterator[Row]:
    """The embedding of recordings, or of windows of them, in order, as soon as each is known.

    Gives a row also for a recording that cannot be read. A row has the keys of `COLUMNS`: `status` is `ok`,
    `warning:CODE+CODE` or `error:CODE`, and for an error the vector is None; and `e0`, `e1`, ... the vector.

    Args:
        paths: files, folders, patterns, `-` for a list on standard input; or labelled sources such as
            `emodb:FOLDER` and `clips.csv`, whose clips come with speaker, emotion and corpus.
        model: a known name, the path of a model folder, or an embedder that is already loaded.
        window: seconds of a window; None: whole clips. A shorter clip is one window.
        hop: seconds between windows, half a window if not given; the last one ends where the clip ends.

    Raises:
        UsageError: there is no such model or source, or a window shorter than its hop.
        ModelFolderError: the model folder is damaged or not to be trusted.
    """
    hop = check_windows(window, hop)
    embedder = model if isinstance(model, Embedder) else Embedder(model, threads)
    names = [paths] if isinstance(paths, str | os.PathLike) else paths
    return (row for clip in clips_of(names) for row in _rows(embedder, clip, window, hop))


def columns(embedder: Embedder) -> list[str]:
    """The keys of the rows that `embed` gives, in order."""
    return [*COLUMNS, *_dimensions(embedder.size)]


def is_labelled(name: str | os.PathLike[str]) -> bool:
    """Whether a source with labels is meant, a corpus (`emodb:FOLDER`) or a table, and not a recording."""
    from affekt.corpora.source import parse_source

    text = os.fspath(name)
    if Path(text).is_dir():
        return False
    try:
        parse_source(text)
    except UsageError:
        return False
    return True


def clips_of(names: Iterable[str | os.PathLike[str]]) -> Iterator[Clip]:
    """The recordings that names stand for, labelled sources with what they know of them.

    Raises:
        CorpusError: a corpus or a table is not as it should be.
    """
    for name in names:
        if is_labelled(name):
            yield from _labelled(os.fspath(name))
        else:
            for item in expand([name]):
                yield Clip(item.name if isinstance(item, AudioError) else item, item)


def _labelled(source: str) -> Iterator[Clip]:
    from affekt import corpora

    table = corpora.load(source)
    known = table.astype(object).where(table.notna(), None)
    for row in known.to_dict("records"):
        yield Clip(
            str(row["file"]),
            str(row["path"]),
            float(row["start"] or 0.0),
            None if row["end"] is None else float(row["end"]),
            *(None if row[key] is None else str(row[key]) for key in ("speaker", "emotion", "corpus")),
        )


def _rows(embedder: Embedder, clip: Clip, window: float | None, hop: float | None) -> Iterator[Row]:
    try:
        if isinstance(clip.path, AudioError):
            raise clip.path
        heard = audio.load(clip.path)
        whole = clip.start == 0 and clip.end is None
        samples = heard.samples if whole else audio.cut(heard.samples, clip.start, clip.end, heard.name)
        for start, stop in grid(len(samples), window, hop):
            vector = embedder(samples[start:stop])
            yield {
                **_known(clip),
                "start": round(clip.start + start / audio.SAMPLE_RATE, DIGITS),
                "end": round(clip.start + stop / audio.SAMPLE_RATE, DIGITS),
                "status": status_of(heard.warnings),
                "error": None,
                "message": None,
                **dict(zip(_dimensions(embedder.size), vector.tolist(), strict=True)),
            }
    except AffektError as error:
        yield _bad(embedder, clip, error.code, str(error))
    except MemoryError:
        yield _bad(embedder, clip, "memory", f"{clip.file}: no memory left; give --window")
    except Exception as error:
        # A fault of ours in one recording must not cost the others their rows.
        yield _bad(embedder, clip, "internal", f"{clip.file}: {type(error).__name__}: {error}")


def _bad(embedder: Embedder, clip: Clip, code: str, message: str) -> Row:
    return {
        **_known(clip),
        "start": clip.start,
        "end": clip.end,
        "status": f"error:{code}",
        "error": code,
        "message": " ".join(spelled(message).split()),
        **dict.fromkeys(_dimensions(embedder.size)),
    }


def _known(clip: Clip) -> Row:
    return {
        "file": spelled(clip.file),
        "speaker": clip.speaker,
        "emotion": clip.emotion,
        "corpus": clip.corpus,
    }


def _dimensions(size: int) -> list[str]:
    return [f"e{at}" for at in range(size)]


def plot(rows: Iterable[Row], path: Path, *, method: Method = "pca", title: str = "") -> list[str]:
    """Draws a map of the rows that have an emotion and a speaker; returns its numbers as lines.

    Raises:
        UsageError: too few rows have both.
        MissingExtraError: scikit-learn or matplotlib is not installed.
        WriteError: the disk refuses.
    """
    whole = [row for row in rows if row["emotion"] and row["speaker"]]
    size = sum(key not in COLUMNS for key in whole[0]) if whole else 0
    vectors = np.array([[row[key] for key in _dimensions(size)] for row in whole]).reshape(len(whole), size)
    # Two corpora may call different people by the same name.
    speakers = [f"{row['corpus']}/{row['speaker']}" for row in whole]
    if len({row["corpus"] for row in whole}) == 1:
        speakers = [row["speaker"] for row in whole]
    found = embedding_map(vectors, [row["emotion"] for row in whole], speakers, method=method)
    draw(found, path, title)
    return found.lines()
