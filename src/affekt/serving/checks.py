"""Who may ask: the name that the server was called by, the page that asks, and the token."""

from __future__ import annotations

import hmac
import ipaddress
from collections import OrderedDict
from urllib.parse import urlsplit

from affekt.serving.refusals import RefusalError
from affekt.serving.settings import Settings

OPEN_PATHS = ("/", "/health", "/ready", "/favicon.ico")
OPEN_PREFIX = "/static/"
"""What is shown to those without a token: the page asks for it, and probes hold none."""

SUBPROTOCOL = "affekt.v1"
"""A stream's subprotocol; browsers can send a token only beside it, as `affekt.token.TOKEN`."""

TOKEN_SUBPROTOCOL = "affekt.token."

_REMEMBERED = 10_000


def check_host(headers: dict[str, str], settings: Settings) -> None:
    """Refuses names that are not this server's: a page elsewhere can have its name lead here (DNS rebinding).

    A plain address cannot be bent like that.

    Raises:
        RefusalError: 421.
    """
    host = headers.get("host", "")
    name = host.rpartition("]")[0].removeprefix("[") or host.partition(":")[0]
    if name.lower().rstrip(".") in {"localhost", *(one.lower() for one in settings.hosts)} or _is_address(
        name
    ):
        return
    raise RefusalError(
        421, "unknown_host", "not a name of this server; whoever runs it can add --allow-host NAME"
    )


def check_origin(headers: dict[str, str], settings: Settings) -> None:
    """Refuses pages of other servers: a browser would let them send, though not read.

    Raises:
        RefusalError: 403.
    """
    origin = headers.get("origin")
    if origin is None or origin in settings.origins:
        return
    if origin == "null" or urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise RefusalError(
            403,
            "foreign_origin",
            "a page of another server; whoever runs this one can add --allow-origin ORIGIN",
        )


def is_open(path: str) -> bool:
    """Whether a path is shown without a token."""
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIX)


def check_token(headers: dict[str, str], settings: Settings) -> None:
    """Compares `Authorization: Bearer TOKEN`, in a time that does not tell how much of it is right.

    Raises:
        RefusalError: 401.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if settings.token is not None and not (
        scheme.lower() == "bearer" and same_token(given.strip(), settings)
    ):
        raise wrong_token()


def wrong_token() -> RefusalError:
    """What is said without the token, or with a wrong one."""
    return RefusalError(401, "token", "send the header Authorization: Bearer TOKEN")


def same_token(given: str, settings: Settings) -> bool:
    """Whether it is the token, in constant time."""
    return hmac.compare_digest(given.encode(), (settings.token or "").encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Rate:
    """At most so many requests per second of each address, with a burst of two seconds' worth."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, address: str, now: float) -> None:
        """Counts a request.

        Raises:
            RefusalError: 429: too many of them.
        """
        if self._rate is None:
            return
        most = max(1.0, 2 * self._rate)
        left, since = self._buckets.pop(address, (most, now))
        left = min(most, left + (now - since) * self._rate)
        self._buckets[address] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        if left < 1:
            wait = int((1 - left) / self._rate) + 1
            raise RefusalError(
                429, "rate", f"over {self._rate:g} requests per second; wait {wait} s", retry_after=wait
            )
