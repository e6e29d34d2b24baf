"""Slow and broken clients over plain sockets: cut off at the deadline, and nobody else notices."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from affekt.serving import Limits, Settings
from tests.fixtures import tiny
from tests.serving.conftest import running

CLIP = min(tiny.EXAMPLES.glob("*.flac")).read_bytes()
LIMITS = Limits(header_seconds=0.4, body_seconds=0.8, idle_seconds=0.5, connections=20, body_bytes=200_000)
HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def base(tiny_model_folder: Path) -> Iterator[str]:
    with running(f"tiny={tiny_model_folder}", Settings(port=0, limits=LIMITS)) as url:
        yield url


@contextmanager
def connected(base: str) -> Iterator[socket.socket]:
    place = urlsplit(base)
    with socket.create_connection((place.hostname, place.port), timeout=5) as link:
        yield link


def until_closed(link: socket.socket, drip: bytes = b"") -> tuple[bytes, float]:
    """What came until the server closed, and after how many seconds; `drip` is sent byte by byte."""
    started, held = time.monotonic(), b""
    rest = iter(drip)
    link.settimeout(0.05)
    while time.monotonic() - started < 5:
        try:
            block = link.recv(65536)
        except TimeoutError:
            byte = next(rest, None)
            if byte is not None:
                link.send(bytes([byte]))
            continue
        except ConnectionError:
            break
        if not block:
            break
        held += block
    else:
        pytest.fail("never closed")
    return held, time.monotonic() - started


@pytest.mark.parametrize(
    ("first", "drip", "seconds", "answer"),
    [
        pytest.param(b"", b"", 0.4, b"", id="silent"),
        pytest.param(HEAD, b"", 0.4, b"408", id="half a head"),
        pytest.param(HEAD[:9], HEAD[9:] + b"X-A: b\r\n" * 50, 0.4, b"408", id="a head byte by byte"),
        pytest.param(HEAD + b"Content-Length: 1000\r\n\r\n", b"", 0.8, b"408", id="no body"),
        pytest.param(HEAD + b"Content-Length: 1000\r\n\r\n", CLIP, 0.8, b"408", id="a body byte by byte"),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 99, 0.8, b"408", id="chunk by chunk"
        ),
        pytest.param(
            b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"", 0.5, b"200", id="idle after one"
        ),
    ],
)
def test_slow_clients_are_cut_off_at_the_deadline(
    base: str, first: bytes, drip: bytes, seconds: float, answer: bytes
) -> None:
    with connected(base) as link:
        link.sendall(first)
        said, took = until_closed(link, drip)
    assert seconds - 0.1 <= took <= seconds + 2.0
    assert said[9:12] == answer
    if answer == b"408":
        assert b'"too_slow"' in said and b"connection: close" in said.lower()


def test_an_answer_that_is_not_read_is_dropped(base: str) -> None:
    many = b"".join(HEAD.replace(b"POST /v1/predict", b"GET /openapi.json") + b"\r\n" for _ in range(3000))
    with connected(base) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.settimeout(5)
        started = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - started < 5:
                link.sendall(many[:4096])
        assert time.monotonic() - started < 4


def test_an_early_refusal_is_read_and_the_rest_is_not_waited_for(base: str) -> None:
    with connected(base) as link:
        link.sendall(HEAD + b"Content-Length: 99999999\r\n\r\n" + CLIP)
        said, took = until_closed(link, b"x" * 1000)
    assert b"413" in said and b"body_too_large" in said and took < 2


def test_a_chunked_body_is_counted(base: str) -> None:
    def blocks() -> Iterator[bytes]:
        for _ in range(50):
            yield b"x" * 10_000

    answer = httpx.post(f"{base}/v1/predict", content=blocks())
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / FTP/1.1\r\n\r\n",
        b"GET /\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_400_in_json(base: str, sent: bytes) -> None:
    with connected(base) as link:
        link.sendall(sent + b"\r\n\r\n")
        said, _ = until_closed(link)
    assert said.startswith(b"HTTP/1.1 400") and b'"malformed_request"' in said


def test_a_crowd_of_slow_ones_keeps_nobody_out(base: str) -> None:
    links = []
    place = urlsplit(base)
    try:
        for number in range(60):
            link = socket.create_connection((place.hostname, place.port))
            link.sendall(HEAD + (b"Content-Length: 1000\r\n\r\nxxx" if number % 2 else b""))
            links.append(link)
            if number % 10 == 9:
                answer = httpx.post(f"{base}/v1/predict", content=CLIP)
                assert answer.status_code == 200 and answer.json()["results"][0]["status"] == "ok"
    finally:
        for link in links:
            link.close()


def test_a_client_that_goes_away_harms_nobody(base: str, caplog: pytest.LogCaptureFixture) -> None:
    for cut in (10, len(HEAD), len(HEAD) + 40, 5000):
        with connected(base) as link:
            link.sendall((HEAD + b"Content-Length: %d\r\n\r\n" % len(CLIP) + CLIP)[:cut])
    with connected(base) as link:
        link.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(CLIP) + CLIP)
    assert httpx.post(f"{base}/v1/predict", content=CLIP).status_code == 200
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
