"""HTTP/1.1 with deadlines: who sends or reads too slowly is cut off, whatever the application does.

uvicorn waits for ever for a request that has begun. Here every phase of a connection has an absolute
deadline, which no trickle of bytes moves: `head` until a request's head is complete, `body` until its body
is, `rest` for a body that is not wanted any more, `idle` between requests, and `answer` for reading what is
answered. A request comes into the queue only once its body is there, so slow ones never hold a place in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from affekt.serving.refusals import error_body
from affekt.serving.settings import Limits

PHASES = ("head", "body", "rest", "idle", "answer", "crowd")
"""Why a connection was cut off; `crowd`: it had waited longest when there were too many."""

_LAST_WORDS_SECONDS = 1.0
"""For a last answer to leave before the connection is torn down."""

_SLOW = "the request came too slowly; send it faster"


class Connections:
    """The open connections of a server, and what becomes of those that are too slow or too many."""

    def __init__(self, limits: Limits, watch: Callable[[str], None] = lambda phase: None) -> None:
        self.limits = limits
        self.watch = watch
        self.open: set[Deadlines] = set()

    def add(self, one: Deadlines) -> None:
        """Makes room for a new connection: the one that has sent nothing for longest goes, if need be."""
        if len(self.open) >= self.limits.connections:
            oldest = min(
                self.open, key=lambda other: (other.phase == "work", other.phase == "body", other.since)
            )
            oldest.cut("crowd")
            self.open.discard(oldest)
        self.open.add(one)

    def seconds(self, phase: str) -> float | None:
        """The deadline of a phase; None where the server itself is at work."""
        limits = self.limits
        return {
            "head": limits.header_seconds,
            "body": limits.body_seconds,
            "rest": limits.header_seconds,
            "idle": limits.idle_seconds,
        }.get(phase)


class Deadlines(H11Protocol):
    """A connection; `shared` is set by `protocol`."""

    shared: Connections

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.phase = "head"
        self.since = self.loop.time()
        self._number = 0
        self._key: tuple[str, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.shared.add(self)
        self._enter("head")

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._leave()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        self._number += 1
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._reading is None:
            self._reading = self.loop.call_later(self.shared.limits.body_seconds, self._unread)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.cycle is None or self.cycle.response_complete:
            self._stop_reading()

    def send_400_response(self, msg: str) -> None:
        self._say(400, "malformed_request", "not well-formed HTTP")
        self.transport.close()

    def cut(self, phase: str) -> None:
        """Ends the connection, with a last word where a request has begun and is unanswered."""
        self.shared.watch(phase)
        unanswered = self.cycle is None or not self.cycle.response_started
        begun = bool(self.conn.trailing_data[0]) or self.conn.their_state is h11.SEND_BODY
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if phase in ("head", "body") and begun and (unanswered or phase == "head"):
            self._say(408, "too_slow", _SLOW)
        self.transport.close()
        # A peer that does not read would keep a closing connection open.
        self.loop.call_later(_LAST_WORDS_SECONDS, self.transport.abort)

    def _look(self) -> None:
        """Finds the phase that the connection is in now."""
        if self.transport.is_closing() or self._key is None:
            return
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            answered = self.cycle is not None and self.cycle.response_complete
            self._enter("rest" if answered else "body")
        elif state is h11.IDLE:
            self._enter("head" if self.conn.trailing_data[0] or not self._number else "idle")
        else:
            self._enter("work")

    def _enter(self, phase: str) -> None:
        if self._key == (phase, self._number):
            return
        self._key = phase, self._number
        self.phase = phase
        self.since = self.loop.time()
        self._stop_timer()
        seconds = self.shared.seconds(phase)
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self.cut, phase)

    def _unread(self) -> None:
        self._reading = None
        if self.transport.get_write_buffer_size():
            self.cut("answer")

    def _leave(self) -> None:
        self._key = None
        self._stop_timer()
        self._stop_reading()
        self.shared.open.discard(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _say(self, status: int, code: str, message: str) -> None:
        body = error_body(code, message, "-")
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        try:
            events = (
                h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status]),
                h11.Data(data=body),
                h11.EndOfMessage(),
            )
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            # An answer is under way: there is no place for another.
            return


class Streaming(WebSocketsSansIOProtocol):
    """A WebSocket that its route closes when the server stops, after its last words."""

    def shutdown(self) -> None:
        if not self.handshake_complete or self.close_sent:
            super().shutdown()


def protocol(connections: Connections) -> type[Deadlines]:
    """The protocol of one server."""
    return type("Protocol", (Deadlines,), {"shared": connections})
