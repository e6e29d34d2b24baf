"""What Prometheus may know of a server: counts and times, by labels of which there are few."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from affekt import __version__, errors
from affekt.serving.protocol import PHASES

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_CLIPS = (1, 2, 4, 8, 16)
_METHODS = ("GET", "HEAD", "POST", "OPTIONS", "WS")
_KNOWN = {
    one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.AffektError)
}


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Info("affekt_build", "Of this server.", registry=registry).info({"version": __version__})
        self._requests = Counter(
            "affekt_requests", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "affekt_request_seconds", "From head to answer.", ["route"], buckets=_SECONDS, registry=registry
        )
        self._refusals = Counter("affekt_refusals", "Requests refused, by code.", ["code"], registry=registry)
        self._recordings = Counter(
            "affekt_recordings",
            "Recordings answered: ok, warning, or an error's code.",
            ["result"],
            registry=registry,
        )
        self._audio = Counter("affekt_audio_seconds", "Seconds of audio scored.", registry=registry)
        self._batches = Histogram(
            "affekt_batch_clips", "Recordings scored together.", buckets=_CLIPS, registry=registry
        )
        self._waited = Histogram(
            "affekt_queue_seconds", "From decoded to scored.", buckets=_SECONDS, registry=registry
        )
        self._worked = Histogram(
            "affekt_scoring_seconds", "Work of one batch.", buckets=_SECONDS, registry=registry
        )
        self._cut = Counter("affekt_cut_off", "Connections cut off, by phase.", ["phase"], registry=registry)
        self._windows = Counter("affekt_stream_windows", "Windows of streams scored.", registry=registry)
        self._lag = Histogram(
            "affekt_stream_lag_seconds",
            "From the end of a hop to its score.",
            buckets=_SECONDS,
            registry=registry,
        )
        for phase in PHASES:
            self._cut.labels(phase)
        for result in ("ok", "warning"):
            self._recordings.labels(result)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A value that is read when it is asked for."""
        Gauge(name, text, registry=self._registry).set_function(read)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts an answer; `route` is one of the application's or `other`."""
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refusal(self, code: str) -> None:
        """Counts a refusal by its code."""
        self._refusals.labels(code).inc()

    def recording(self, status: str, seconds: float) -> None:
        """Counts a recording by its row's status, and its length."""
        kind, _, code = status.partition(":")
        result = kind if kind != "error" else code if code in _KNOWN else "internal"
        self._recordings.labels(result).inc()
        self._audio.inc(seconds)

    def batch(self, clips: int, waited: float, worked: float) -> None:
        """Counts a batch of a scoring thread."""
        self._batches.observe(clips)
        self._waited.observe(waited)
        self._worked.observe(worked)

    def cut(self, phase: str) -> None:
        """Counts a connection that was cut off."""
        self._cut.labels(phase).inc()

    def window(self, lag: float) -> None:
        """Counts a window of a stream."""
        self._windows.inc()
        self._lag.observe(lag)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


def results() -> set[str]:
    """Every value that the label `result` can have."""
    return {"ok", "warning", "internal", *_KNOWN}
