"""What a server holds while it runs: models, scoring threads, decoders, shares of memory and queue."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from affekt import audio, model_folder
from affekt.audio import Waveform
from affekt.errors import AffektError, UsageError
from affekt.explanation import Explanation, explain
from affekt.model_folder import default_threads
from affekt.recognizer import Recognizer
from affekt.serving import answers, hearing
from affekt.serving.answers import Row
from affekt.serving.bodies import Upload
from affekt.serving.decoding import Decoding
from affekt.serving.hearing import GoneError, Hearer
from affekt.serving.holdings import Shared
from affekt.serving.metrics import Metrics
from affekt.serving.refusals import RefusalError
from affekt.serving.settings import Limits
from affekt.together import Together

LOG = logging.getLogger("affekt.serve")

DECODED_SAMPLES = 32 * 2**20
"""Decoding waits while so many samples of all requests wait to be scored: 128 MiB."""

EXPLANATIONS = 8
"""In work or waiting; they are explained one after the other."""

EXPLAIN_SECONDS = 60.0
"""Of work for one."""

TIMELINES = 8
"""Recordings whose windows are scored at the same time."""

Windows = tuple[float, float]
"""Seconds of a window, and from one to the next."""

T = TypeVar("T")


class Service:
    """Models in use, and everything that requests share."""

    def __init__(
        self, models: Mapping[str, str | os.PathLike[str]], limits: Limits, *, threads: int | None
    ) -> None:
        threads = threads or default_threads()
        # One thread for each batch, as many batches at once: none waits for another in the middle of a layer.
        self.recognizers = {name: Recognizer.load(model, threads=1) for name, model in models.items()}
        self._cards = {
            name: (one.path / "README.md").read_text("utf-8") for name, one in self.recognizers.items()
        }
        self.default = next(iter(self.recognizers))
        # More recordings than the queue has places for would be refused for ever, with "try again".
        self.limits = limits = replace(limits, files=min(limits.files, limits.queue))
        self.metrics = Metrics()
        self.scoring = Together(threads, self.metrics.batch)
        self.decoding = Decoding(default_threads(), audio.Limits(seconds=limits.seconds))
        self.bodies = Shared(limits.held_bytes, "busy", "too many uploads at once; try again in a second")
        self.queue = Shared(limits.queue, "queue_full", "the queue is full; try again in a second")
        self.stopping = False
        self.ending = asyncio.Event()
        """Set once streams are to come to an end."""
        self.metrics.gauge("affekt_queue_recordings", "Recordings in work.", lambda: self.queue.taken)
        self.metrics.gauge("affekt_queue_limit", "The most of them.", lambda: self.queue.most)
        self.metrics.gauge("affekt_body_bytes", "Request bodies in memory.", lambda: self.bodies.taken)
        self._waiting = 0
        self._fewer = asyncio.Condition()
        self.explanations = Shared(
            EXPLANATIONS, "queue_full", "too many recordings to explain; try again in a few seconds"
        )
        self.streams = Shared(limits.streams, "too_many_streams", "no stream is free; try again in a second")
        self.greetings = Shared(
            limits.streams, "too_many_streams", "too many strangers; try again in a second"
        )
        self.metrics.gauge("affekt_streams", "Open streams.", lambda: self.streams.taken)
        self._explaining = ThreadPoolExecutor(1, thread_name_prefix="affekt-explain")
        self._timelines = ThreadPoolExecutor(TIMELINES, thread_name_prefix="affekt-timeline")
        self._streaming = ThreadPoolExecutor(limits.streams, thread_name_prefix="affekt-stream")

    def recognizer(self, name: str | None) -> Recognizer:
        """The model that a request names, or the default one.

        Raises:
            RefusalError: 404: there is none of this name.
        """
        found = self.recognizers.get(self.default if name is None else name)
        if found is None:
            known = ", ".join(self.recognizers)
            raise RefusalError(404, "unknown_model", f"no such model here; there are {known}")
        return found

    async def predict(
        self,
        uploads: Sequence[Upload],
        recognizer: Recognizer,
        windows: Windows | None = None,
        *,
        split: bool = False,
    ) -> list[Row]:
        """One row for each upload, in order, or one for each of its channels (`split`).

        With a timeline where `windows` are given.
        """
        found = await asyncio.gather(*(self._rows(one, recognizer, windows, split) for one in uploads))
        rows = [row for several in found for row in several]
        for row in rows:
            self.metrics.recording(row["status"], row["end"] or 0.0)
        return rows

    async def _rows(
        self, upload: Upload, recognizer: Recognizer, windows: Windows | None, split: bool
    ) -> list[Row]:
        rows: list[Row] = []
        channels = 1
        while len(rows) < channels:
            channel = len(rows) if split else None
            try:
                async with self._decoded(upload, channel) as (waveform, count):
                    channels = count if split else 1
                    row = await self._row(upload, recognizer, waveform, windows)
            except AffektError as error:
                row, channels = answers.bad_row(upload.name, error), 0
            except Exception as error:
                # A fault of ours in one recording must not cost the others their rows.
                LOG.exception("a recording failed")
                row, channels = answers.bad_row(upload.name, error), 0
            rows.append(row | {"channel": None if channel is None else channel + 1})
        return rows

    async def _row(
        self, upload: Upload, recognizer: Recognizer, waveform: Waveform, windows: Windows | None
    ) -> Row:
        whole = asyncio.wrap_future(self.scoring.submit(recognizer, waveform.samples))
        try:
            timeline = None if windows is None else await self._timeline(waveform, recognizer, windows)
            row = answers.row(upload.name, recognizer.told(waveform, await whole))
        finally:
            whole.cancel()
        return row | {"timeline": timeline}

    async def _timeline(self, waveform: Waveform, recognizer: Recognizer, windows: Windows) -> dict[str, Any]:
        hearer = Hearer(self.scoring, recognizer)
        try:
            return hearing.as_json(
                await self._on(self._timelines, lambda: hearing.timeline(hearer, waveform, *windows))
            )
        finally:
            hearer.gone.set()

    async def explain(
        self, upload: Upload, recognizer: Recognizer, *, method: str | None, emotion: str | None
    ) -> Row:
        """What decided, as `affekt explain --json` says it.

        Raises:
            RefusalError: too long, no such method or emotion, or a recording that cannot be used.
        """
        until = math.inf
        gone = threading.Event()

        def tick(done: int, total: int) -> None:
            if gone.is_set() or time.monotonic() > until:
                raise GoneError

        def work(waveform: Waveform) -> Explanation:
            nonlocal until
            until = time.monotonic() + EXPLAIN_SECONDS
            source = {"array": waveform.samples, "sampling_rate": audio.SAMPLE_RATE}
            return explain(source, recognizer, method=method, emotion=emotion, tick=tick)

        try:
            async with self._decoded(upload) as (waveform, _):
                if waveform.seconds > self.limits.explained_seconds:
                    most = f"{self.limits.explained_seconds:g} s"
                    raise RefusalError(422, "too_large", f"{upload.name}: over {most}; send a part of it")
                found = await self._on(self._explaining, lambda: work(waveform))
        except GoneError:
            problem = f"{upload.name}: more than {EXPLAIN_SECONDS:g} s of work; send a part of it"
            raise RefusalError(422, "too_much_work", problem) from None
        except UsageError as error:
            raise RefusalError(
                422, error.code, "this method is not for this model; name no method"
            ) from error
        except AffektError as error:
            raise RefusalError(422, error.code, f"{upload.name}: {answers.problem(error)}") from error
        finally:
            gone.set()
        warnings = tuple(dict.fromkeys((*waveform.warnings, *found.prediction.warnings)))
        named = replace(found.prediction, file=upload.name, warnings=warnings)
        return replace(found, prediction=named).to_dict()

    async def in_stream(self, work: Callable[[], T]) -> T:
        """Runs a stream's work beside the event loop."""
        return await self._on(self._streaming, work)

    @staticmethod
    async def _on(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    @asynccontextmanager
    async def _decoded(
        self, upload: Upload, channel: int | None = None
    ) -> AsyncIterator[tuple[Waveform, int]]:
        async with self._fewer:
            await self._fewer.wait_for(lambda: self._waiting < DECODED_SAMPLES)
        waveform, channels = await self.decoding.decode(upload.content, upload.name, channel)
        self._waiting += len(waveform.samples)
        try:
            yield waveform, channels
        finally:
            self._waiting -= len(waveform.samples)
            async with self._fewer:
                self._fewer.notify_all()

    def models(self) -> list[dict[str, Any]]:
        """What there is to know about each model."""
        return [self._described(name, one) for name, one in self.recognizers.items()]

    def _described(self, name: str, recognizer: Recognizer) -> dict[str, Any]:
        config = recognizer.config
        corpora = config.training.corpora
        closed = any(one.non_commercial for one in corpora)
        own = {"name": "weights", "licence": config.licence, "non_commercial": closed}
        return {
            "name": name,
            "default": name == self.default,
            "system": config.system,
            "labels": list(config.labels),
            "calibrated": config.calibration is not None,
            "attention": model_folder.attention_grid(config) is not None,
            "licences": [
                own,
                *(
                    {"name": one.name, "licence": one.licence, "non_commercial": one.non_commercial}
                    for one in corpora
                ),
            ],
            "metrics": {key: metric.model_dump() for key, metric in config.metrics.items()},
            "card": self._cards[name],
        }

    def stop(self) -> None:
        """Finishes what was taken, and ends the threads."""
        self.decoding.stop()
        for pool in (self._explaining, self._timelines, self._streaming):
            pool.shutdown()
        self.scoring.stop()
