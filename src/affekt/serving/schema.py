"""The shapes of requests and answers, as OpenAPI shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


LEAST_WINDOW, MOST_WINDOW, LEAST_HOP = 0.1, 60.0, 0.25
"""Seconds; a shorter hop would make more windows than anybody looks at."""

Channels = Literal["mix", "split"]
"""What becomes of several channels: their mean, or a result for each."""

Format = Literal["json", "csv", "vtt"]
"""Of an answer."""


Method = Literal["attention", "hirescam", "gradcam", "occlusion"]
"""To a map of what decided."""


class Problem(_Shape):
    """Why a request was not answered."""

    code: str = Field(examples=["body_too_large"])
    message: str = Field(examples=["over 33554432 bytes; send the recordings in several requests"])
    request_id: str = Field(examples=["6f1c0f0a9d3e4b21"])


class ErrorAnswer(_Shape):
    """The body of every 4xx and 5xx."""

    error: Problem


class Window(_Shape):
    """What is heard in one window of a timeline; times in seconds."""

    start: float
    end: float
    emotion: str
    confidence: float | None
    scores: dict[str, float]
    status: str


class Segment(Window):
    """A stretch of one emotion; scores are means over its windows."""


class Timeline(_Shape):
    """A recording over time: windows of `window` seconds, every `hop` seconds."""

    window: float
    hop: float
    windows: list[Window]
    segments: list[Segment]
    summary: dict[str, Any]


class Result(_Shape):
    """One recording: what is heard in it, or the reason why nothing is."""

    file: str = Field(examples=["call.wav"])
    channel: int | None = Field(default=None, description="From 1 where channels are split.")
    start: float = Field(description="Seconds.", examples=[0.0])
    end: float | None = Field(description="Seconds.", examples=[2.0])
    emotion: str | None = Field(examples=["anger"])
    confidence: float | None = Field(ge=0, le=1, examples=[0.69])
    scores: dict[str, float] | None = Field(examples=[{"anger": 0.69, "happiness": 0.31}])
    status: str = Field(description="`ok`, `warning:CODE+CODE` or `error:CODE`.", examples=["ok"])
    error: str | None = Field(examples=[None])
    message: str | None = Field(examples=[None])
    timeline: Timeline | None = None


class Place(_Shape):
    """A region of a map that decided."""

    model_config = ConfigDict(extra="allow")

    start: float
    end: float


class MapShape(_Shape):
    """`values[frequency][time]`, each how much that place speaks for the emotion."""

    unit: str
    averaged: bool
    times: list[float]
    frequencies: list[float]
    values: list[list[float]]


class ExplainAnswer(_Shape):
    """What decided: as `affekt explain --json` says it."""

    model_config = ConfigDict(extra="allow")

    file: str
    start: float
    end: float
    label: str
    confidence: float
    scores: dict[str, float]
    status: str
    emotion: str
    method: str
    regions: list[Place]
    map: MapShape


class PredictAnswer(_Shape):
    """One result for each recording, in the order in which they were sent."""

    model: str = Field(examples=["default"])
    results: list[Result]


class MetricShape(_Shape):
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float | None
    high: float | None


class Licence(_Shape):
    """Of the weights, or of a corpus that they were trained on."""

    name: str = Field(examples=["weights", "nemo"])
    licence: str
    non_commercial: bool


class ModelShape(_Shape):
    """A model that this server runs."""

    name: str = Field(examples=["default"])
    default: bool = Field(description="Whether it answers requests that name no model.")
    system: str
    labels: list[str]
    calibrated: bool = Field(description="Whether a score of 0.9 was made to mean right nine times in ten.")
    attention: bool = Field(description="Whether it can show where it looks without extra work.")
    licences: list[Licence]
    metrics: dict[str, MetricShape]
    card: str = Field(description="The model card, Markdown.")


class ModelsAnswer(_Shape):
    """All of them, the default one first."""

    models: list[ModelShape]


class Health(_Shape):
    """Whether the process is alive."""

    status: str = Field(examples=["ok"])
    version: str
    token: bool = Field(description="Whether requests need one.")


class Ready(_Shape):
    """Whether it takes requests."""

    status: str = Field(examples=["ready"])
