"""From predictions and errors to the rows of an answer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from affekt.annotation_files import Stretch, render
from affekt.errors import AffektError, AudioError, AudioTooLargeError
from affekt.prediction import Prediction
from affekt.recognizer import Recognizer

Row = dict[str, Any]


def row(name: str, prediction: Prediction) -> Row:
    """The result of a recording."""
    return {
        **prediction.row(),
        "file": name,
        "error": None,
        "message": None,
        "timeline": None,
    }


def bad_row(name: str, error: BaseException) -> Row:
    """The result of a recording that could not be used; a fault of ours shows no more than that it is one."""
    code = error.code if isinstance(error, AffektError) else "internal"
    return {
        "file": name,
        "start": 0.0,
        "end": None,
        "emotion": None,
        "confidence": None,
        "scores": None,
        "status": f"error:{code}",
        "error": code,
        "message": f"{name}: {problem(error)}",
        "timeline": None,
    }


def as_vtt(row: Row) -> str:
    """The segments of a row with a timeline as captions (WebVTT)."""
    segments = row["timeline"]["segments"]
    stretches = [Stretch(one["start"], one["end"], one["emotion"], one["confidence"]) for one in segments]
    return render("vtt", stretches)


def problem(error: BaseException) -> str:
    """What is wrong and what to do, for someone who has the recording but not the server."""
    if isinstance(error, AudioTooLargeError):
        return f"{error.problem}; send a smaller one, or it in parts"
    if isinstance(error, AudioError):
        return f"{error.problem}; {error.remedy}"
    return "could not be scored; this is a fault of the server"


def as_csv(rows: Sequence[Row], recognizer: Recognizer, *, split: bool = False) -> str:
    """The rows as `affekt predict --scores` writes them, with `split` a column of the channel."""
    from affekt import writers
    from affekt.verbs import predict as verb

    held = io.StringIO()
    columns = verb.columns(recognizer, scores=True, split=split)
    with writers.to_stream(held, columns, "csv") as write:
        for one in rows:
            scores = one["scores"] or {}
            values = one | {f"score_{label}": scores.get(label) for label in recognizer.config.labels}
            write({name: values[name] for name in columns})
    return held.getvalue()
