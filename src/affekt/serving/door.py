"""What every request passes: its number, who may ask, the headers of the answer, and its line in the log."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affekt.serving import checks
from affekt.serving.metrics import Metrics
from affekt.serving.refusals import RefusalError, error_body
from affekt.serving.settings import Settings

LOG = logging.getLogger("affekt.serve")

GONE = 499
"""The status in log and metrics of a request whose client went away before the answer."""

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Door:
    """Wraps an application; the one place where strangers are turned away."""

    def __init__(self, app: ASGIApp, settings: Settings, routes: frozenset[str], metrics: Metrics) -> None:
        """`routes` are the paths that log and metrics may name."""
        self._app = app
        self._routes = routes
        self._metrics = metrics
        self._settings = settings
        self._rate = checks.Rate(settings.limits.rate)
        self._busy: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        number = _numbered(scope)
        status = GONE
        fixed = _fixed_headers(scope["path"], number)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *fixed]}
            await send(message)

        try:
            with self._admitted(scope):
                await self._app(scope, receive, sending)
        except RefusalError as refusal:
            await _refuse(refusal, scope, sending)
        except Exception:
            LOG.exception("id=%s failed", number)
            if status == GONE:
                fault = RefusalError(
                    500, "internal", "a fault of the server; whoever runs it finds it in the log"
                )
                await _refuse(fault, scope, sending)
        finally:
            self._note(scope, status, started)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        _numbered(scope)
        status = 101
        try:
            headers = _headers(scope)
            checks.check_host(headers, self._settings)
            checks.check_origin(headers, self._settings)
        except RefusalError as refusal:
            status = refusal.status
            await _refuse(refusal, scope, send, kind="websocket.http.response")
        else:
            await self._app(scope, receive, send)
        finally:
            self._note(scope, status, started)

    @contextmanager
    def _admitted(self, scope: Scope) -> Iterator[None]:
        headers = _headers(scope)
        checks.check_host(headers, self._settings)
        if scope["method"] not in ("GET", "HEAD"):
            checks.check_origin(headers, self._settings)
        if not checks.is_open(scope["path"]):
            checks.check_token(headers, self._settings)
        if scope["method"] != "POST":
            yield
            return
        address = scope["client"][0] if scope.get("client") else ""
        self._rate.check(address, time.monotonic())
        most = self._settings.limits.concurrency
        if self._busy[address] >= most:
            raise RefusalError(
                429, "concurrency", f"{most} requests of yours are in work; wait for an answer", retry_after=1
            )
        self._busy[address] += 1
        try:
            yield
        finally:
            self._busy[address] -= 1
            if not self._busy[address]:
                del self._busy[address]

    def _note(self, scope: Scope, status: int, started: float) -> None:
        state: dict[str, Any] = scope["state"]
        route = scope["path"] if scope["path"] in self._routes else "other"
        method = scope.get("method", "WS")
        seconds = time.monotonic() - started
        self._metrics.request(route, method, status, seconds)
        refused = state.get("refused")
        if refused is not None:
            self._metrics.refusal(refused)
        LOG.info(
            "id=%s method=%s route=%s status=%d ms=%d rows=%s failed=%s refused=%s",
            state["request_id"],
            method,
            route,
            status,
            round(1000 * seconds),
            state.get("rows", "-"),
            state.get("failed", "-"),
            refused or "-",
        )


def _numbered(scope: Scope) -> str:
    number = secrets.token_hex(8)
    scope.setdefault("state", {})["request_id"] = number
    return number


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _fixed_headers(path: str, number: str) -> list[tuple[bytes, bytes]]:
    cached = "no-cache" if checks.is_open(path) else "no-store"
    found = {**_HEADERS, "cache-control": cached, "x-request-id": number}
    return [(name.encode(), value.encode()) for name, value in found.items()]


async def _refuse(refusal: RefusalError, scope: Scope, send: Send, *, kind: str = "http.response") -> None:
    scope["state"]["refused"] = refusal.code
    body = error_body(refusal.code, refusal.message, scope["state"]["request_id"])
    headers = {"content-type": "application/json", "content-length": str(len(body)), **refusal.headers}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": encoded})
    await send({"type": f"{kind}.body", "body": body})
