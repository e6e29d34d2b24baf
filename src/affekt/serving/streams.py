"""Live streams over WebSocket: samples in, the emotion of each window out as soon as it has ended."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import numpy as np
from fastapi import WebSocket
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from affekt import audio
from affekt.errors import AffektError, AudioEmptyError
from affekt.serving import checks, hearing
from affekt.serving.hearing import GoneError, Hearer
from affekt.serving.holdings import Hold
from affekt.serving.refusals import RefusalError, error_body
from affekt.serving.schema import LEAST_HOP, LEAST_WINDOW, MOST_WINDOW
from affekt.serving.service import Service
from affekt.serving.settings import Settings
from affekt.serving.waiting import GivenUpError, unless
from affekt.timeline import TimelineScorer, Window

POLICY, TOO_BIG, STOPPING = 1008, 1009, 1012
"""Close codes: what a client did is not allowed; a message is too large; the server stops."""

AHEAD_SECONDS, PACE = 10.0, 2.0
"""A stream may be so far ahead of the clock; what comes faster is taken at so many times the clock's pace."""

STOP_SHARE = 0.5
"""Of the time that the server has to stop: for the last scores of a stream and its summary."""

_FIRST_MESSAGE = 4096
_FULL_SCALE = 32768
_BYTES = 2


class Start(BaseModel):
    """The first message of a stream."""

    model_config = ConfigDict(extra="forbid")

    sampling_rate: int = audio.SAMPLE_RATE
    window: float = Field(2.0, ge=LEAST_WINDOW, le=MOST_WINDOW)
    hop: float = Field(1.0, ge=LEAST_HOP, le=MOST_WINDOW)
    model: str | None = None
    token: str | None = None


class Stream:
    """One WebSocket from its greeting to its end."""

    def __init__(self, socket: WebSocket, service: Service, settings: Settings) -> None:
        self._socket = socket
        self._service = service
        self._settings = settings
        self._limits = settings.limits
        self._protocols: list[str] = socket.scope.get("subprotocols", [])
        self._cut_short = False

    async def run(self) -> None:
        """Answers until one side ends it; what is wrong is said in a last message.

        Raises:
            RefusalError: before the stream is accepted.
        """
        known = self._known()
        with (self._service.streams if known else self._service.greetings).hold() as held:
            held.take(1)
            await self._socket.accept(checks.SUBPROTOCOL if checks.SUBPROTOCOL in self._protocols else None)
            try:
                await self._talk(known, held)
            except RefusalError as refusal:
                await self._end_with(refusal)
            except AffektError as error:
                await self._end_with(RefusalError(422, error.code, str(error)))
            except GivenUpError:
                await self._socket.close(STOPPING)
            except (WebSocketDisconnect, GoneError):
                pass

    def _known(self) -> bool:
        """Whether the client need not show a token any more; browsers send theirs as a subprotocol.

        Raises:
            RefusalError: it showed a wrong one.
        """
        if self._settings.token is None:
            return True
        shown = [one for one in self._protocols if one.startswith(checks.TOKEN_SUBPROTOCOL)]
        if shown:
            if not checks.same_token(shown[0].removeprefix(checks.TOKEN_SUBPROTOCOL), self._settings):
                raise checks.wrong_token()
            return True
        if "authorization" in self._socket.headers:
            checks.check_token(dict(self._socket.headers), self._settings)
            return True
        return False

    async def _talk(self, known: bool, held: Hold) -> None:
        start = self._start(await self._receive(self._limits.header_seconds))
        if not known:
            if not checks.same_token(start.token or "", self._settings):
                raise checks.wrong_token()
            held.move(self._service.streams)
        recognizer = self._service.recognizer(start.model)
        audio.Limits().check_format("stream", start.sampling_rate, 1)
        hearer = Hearer(self._service.scoring, recognizer, urgent=True)
        scorer = TimelineScorer(hearer, start.window, start.hop)
        resampler = audio.Resampler(start.sampling_rate)
        await self._send({"type": "ready", "window": start.window, "hop": start.hop})
        try:
            async for samples in self._pieces(start.sampling_rate):
                came = time.monotonic()
                found = await self._service.in_stream(lambda: scorer.push(resampler.push(samples)))  # noqa: B023
                await self._say(found, came)
            if self._cut_short:
                with suppress(TimeoutError, AudioEmptyError):
                    async with asyncio.timeout(STOP_SHARE * self._limits.stop_seconds):
                        await self._finish(scorer, resampler)
                raise GivenUpError
            await self._finish(scorer, resampler)
            await self._socket.close()
        finally:
            hearer.gone.set()

    async def _finish(self, scorer: TimelineScorer, resampler: audio.Resampler) -> None:
        came = time.monotonic()
        found = await self._service.in_stream(lambda: scorer.push(resampler.finish()))
        await self._say(found, came)
        told = int(scorer.windows)
        timeline = await self._service.in_stream(scorer.finish)
        await self._say(timeline.windows[told:], came)
        data = timeline.to_dict(windows=False)
        segments = [hearing.stretch(one) for one in data["segments"]]
        await self._send(
            {
                "type": "summary",
                "duration": data["duration"],
                "segments": segments,
                "summary": data["summary"],
            }
        )

    async def _pieces(self, rate: int) -> AsyncIterator[NDArray[np.float32]]:
        """The samples, float32 at the client's rate, until it says that it ends, or the server stops."""
        began = time.monotonic()
        seconds = 0.0
        while True:
            try:
                message = await self._receive(self._limits.idle_seconds)
            except GivenUpError:
                self._cut_short = True
                return
            if message.get("bytes") is None:
                if _json(message.get("text") or "") != {"type": "end"}:
                    raise RefusalError(400, "message", 'send samples, or {"type": "end"}')
                return
            samples = _samples(message["bytes"])
            seconds += len(samples) / rate
            if seconds > self._limits.stream_seconds:
                raise RefusalError(
                    413, "stream_too_long", f"over {self._limits.stream_seconds:g} s; begin a new stream"
                )
            ahead = (seconds - AHEAD_SECONDS) / PACE - (time.monotonic() - began)
            if ahead > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._service.ending.wait(), ahead)
            if len(samples):
                yield samples

    async def _receive(self, seconds: float) -> dict[str, Any]:
        """The next message.

        Raises:
            GivenUpError: the server stops.
        """
        ending = self._service.ending
        # A client that never pauses has always sent another message.
        if ending.is_set():
            raise GivenUpError
        try:
            message = await asyncio.wait_for(unless(ending.wait(), self._socket.receive()), seconds)
        except TimeoutError:
            raise RefusalError(408, "too_slow", f"nothing came for {seconds:g} s") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        return dict(message)

    def _start(self, message: dict[str, Any]) -> Start:
        text = message.get("text")
        try:
            if text is None or len(text) > _FIRST_MESSAGE:
                raise RefusalError(400, "message", 'begin with {"sampling_rate": 16000}, then samples')
            return Start.model_validate(_json(text))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise RefusalError(400, "message", f"{place:.80}: {first['msg']}") from None

    async def _say(self, windows: tuple[Window, ...] | list[Window], came: float) -> None:
        for one in windows:
            await self._send({"type": "window", **hearing.stretch(one.to_dict())})
            self._service.metrics.window(time.monotonic() - came)

    async def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message, ensure_ascii=False, allow_nan=False)
        try:
            await asyncio.wait_for(self._socket.send_text(text), self._limits.body_seconds)
        except TimeoutError:
            self._service.metrics.cut("answer")
            raise WebSocketDisconnect(1006) from None

    async def _end_with(self, refusal: RefusalError) -> None:
        state = self._socket.state
        state.refused = refusal.code
        said = json.loads(error_body(refusal.code, refusal.message, state.request_id))
        # The client may be gone by now.
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._send({"type": "error", **said})
            if self._socket.application_state is WebSocketState.CONNECTED:
                await self._socket.close(TOO_BIG if refusal.status == 413 else POLICY)


def _samples(message: bytes) -> NDArray[np.float32]:
    """16-bit little-endian samples as float32, full scale at 1."""
    if len(message) % _BYTES:
        raise RefusalError(400, "message", "an odd number of bytes; send whole 16-bit samples")
    return np.frombuffer(message, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RefusalError(400, "message", "not JSON") from None
