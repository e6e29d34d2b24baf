"""What a server holds while it runs: models, the scoring thread, decoders, shares of memory and queue."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from affekt import audio, model_folder
from affekt.audio import Waveform
from affekt.errors import AffektError
from affekt.model_folder import default_threads
from affekt.recognizer import Recognizer
from affekt.serving import answers
from affekt.serving.answers import Row
from affekt.serving.bodies import Upload
from affekt.serving.decoding import Decoding
from affekt.serving.holdings import Shared
from affekt.serving.metrics import Metrics
from affekt.serving.refusals import RefusalError
from affekt.serving.scoring import Scoring
from affekt.serving.settings import Limits

LOG = logging.getLogger("affekt.serve")

DECODED_SAMPLES = 32 * 2**20
"""Decoding waits while so many samples of all requests wait to be scored: 128 MiB."""


class Service:
    """Models in use, and everything that requests share."""

    def __init__(
        self, models: Mapping[str, str | os.PathLike[str]], limits: Limits, *, threads: int | None
    ) -> None:
        self.recognizers = {name: Recognizer.load(model, threads=threads) for name, model in models.items()}
        self._cards = {
            name: (one.path / "README.md").read_text("utf-8") for name, one in self.recognizers.items()
        }
        self.default = next(iter(self.recognizers))
        self.limits = limits
        self.metrics = Metrics()
        self.scoring = Scoring(self.metrics.batch)
        self.decoding = Decoding(default_threads(), audio.Limits(seconds=limits.seconds))
        self.bodies = Shared(limits.held_bytes, "busy", "too many uploads at once; try again in a second")
        self.queue = Shared(limits.queue, "queue_full", "the queue is full; try again in a second")
        self.stopping = False
        self.metrics.gauge("affekt_queue_recordings", "Recordings in work.", lambda: self.queue.taken)
        self.metrics.gauge("affekt_queue_limit", "The most of them.", lambda: self.queue.most)
        self.metrics.gauge("affekt_body_bytes", "Request bodies in memory.", lambda: self.bodies.taken)
        self._waiting = 0
        self._fewer = asyncio.Condition()
        self._explaining = ThreadPoolExecutor(1, thread_name_prefix="affekt-explain")

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

    async def predict(self, uploads: Sequence[Upload], recognizer: Recognizer) -> list[Row]:
        """One row for each upload, in order."""
        rows = await asyncio.gather(*(self._row(one, recognizer) for one in uploads))
        for row in rows:
            self.metrics.recording(row["status"], row["end"] or 0.0)
        return rows

    async def _row(self, upload: Upload, recognizer: Recognizer) -> Row:
        try:
            waveform = await self._decoded(upload)
            try:
                logits = await asyncio.wrap_future(self.scoring.submit(recognizer, waveform.samples))
            finally:
                await self._scored(waveform)
        except AffektError as error:
            return answers.bad_row(upload.name, error)
        except Exception as error:
            # A fault of ours in one recording must not cost the others their rows.
            LOG.exception("a recording failed")
            return answers.bad_row(upload.name, error)
        return answers.row(upload.name, recognizer.told(waveform, logits))

    async def _decoded(self, upload: Upload) -> Waveform:
        async with self._fewer:
            await self._fewer.wait_for(lambda: self._waiting < DECODED_SAMPLES)
        waveform = await self.decoding.decode(upload.content, upload.name)
        self._waiting += len(waveform.samples)
        return waveform

    async def _scored(self, waveform: Waveform) -> None:
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
        self.scoring.stop()
        self._explaining.shutdown(cancel_futures=True)
