"""`/v1/stream`: the windows of the same audio as a file, tokens, limits, and what clients do wrong."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from affekt import audio
from affekt.serving import Limits, Settings
from tests.fixtures import tiny
from tests.serving.conftest import running

PATHS = sorted(tiny.EXAMPLES.glob("*.flac"))
TOKEN = "0123456789abcdefghij"


def stream(base: str, **options: Any) -> ClientConnection:
    found: ClientConnection = connect(base.replace("http:", "ws:") + "/v1/stream", **options)
    return found


def pcm(rate: int = 16_000) -> bytes:
    parts = [audio.read(path) for path in PATHS]
    parts.insert(1, np.zeros(48_000, np.float32))
    samples = np.concatenate(parts)
    times = np.arange(len(samples) * rate // 16_000) * 16_000 / rate
    heard = np.interp(times, np.arange(len(samples)), samples)
    return np.clip(np.round(heard * 32768), -32768, 32767).astype("<i2").tobytes()


def as_wav(samples: bytes, rate: int = 16_000) -> bytes:
    held = io.BytesIO()
    soundfile.write(held, np.frombuffer(samples, "<i2"), rate, format="wav", subtype="PCM_16")
    return held.getvalue()


def talk(socket: ClientConnection, samples: bytes, size: int, **start: Any) -> list[dict[str, Any]]:
    """Sends a whole stream and gives all that is said."""
    socket.send(json.dumps(start))
    for at in range(0, len(samples), size):
        socket.send(samples[at : at + size])
    socket.send('{"type": "end"}')
    return [json.loads(message) for message in socket]


@pytest.mark.parametrize(("rate", "size"), [(16_000, 3200), (16_000, 65_536), (44_100, 8820)])
def test_a_stream_scores_as_the_same_audio_in_a_file(base: str, rate: int, size: int) -> None:
    samples = pcm(rate)
    with stream(base) as socket:
        said = talk(socket, samples, size, sampling_rate=rate, window=1.0, hop=0.5)
    query = {"timeline": True, "window": 1.0, "hop": 0.5}
    row = httpx.post(f"{base}/v1/predict", params=query, content=as_wav(samples, rate)).json()["results"][0]
    assert [one["type"] for one in (said[0], said[-1])] == ["ready", "summary"]
    windows = [one for one in said if one["type"] == "window"]
    assert "no_speech" in {one["emotion"] for one in windows}
    for one, other in zip(windows, row["timeline"]["windows"], strict=True):
        scores = one.pop("scores"), other.pop("scores")
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)
        one.pop("type")
        for key in ("start", "end", "emotion", "status"):
            assert one[key] == other[key]
    assert said[-1]["summary"] == row["timeline"]["summary"]


def test_a_window_comes_as_soon_as_it_has_ended(base: str) -> None:
    samples = pcm()
    with stream(base) as socket:
        socket.send("{}")
        assert json.loads(socket.recv(5))["type"] == "ready"
        socket.send(samples[: 2 * 31_999])
        with pytest.raises(TimeoutError):
            socket.recv(0.3)
        socket.send(samples[2 * 31_999 : 2 * 32_000])
        found = json.loads(socket.recv(5))
        assert (found["type"], found["start"], found["end"]) == ("window", 0.0, 2.0)


@pytest.mark.parametrize(
    ("first", "then", "problem"),
    [
        ("no json", None, "not JSON"),
        (b"\x00\x00", None, "begin with"),
        ('{"sampling_rate": 10}', None, "sample rate"),
        ('{"sampling_rate": "x"}', None, "sampling_rate"),
        ('{"window": 1, "hop": 2}', None, "gaps"),
        ('{"url": "http://127.0.0.1/"}', None, "url"),
        ('{"model": "../default"}', None, "no such model"),
        ("[" * 4000, None, "not JSON"),
        ('{"x":"' + "x" * 5000 + '"}', None, "begin with"),
        ("{}", b"\x00", "odd number"),
        ("{}", '{"type": "go"}', "send samples"),
        ("{}", '{"type": "end"}', "no samples"),
    ],
)
def test_what_a_stream_cannot_take_is_said_and_closed(
    base: str, first: str | bytes, then: str | bytes | None, problem: str
) -> None:
    with stream(base) as socket:
        socket.send(first)
        if then is not None:
            socket.send(then)
        said = [json.loads(message) for message in iter_until_closed(socket)]
        assert said[-1]["type"] == "error" and problem in said[-1]["error"]["message"]
        assert socket.close_code == 1008


def iter_until_closed(socket: ClientConnection) -> Iterator[str | bytes]:
    while True:
        try:
            yield socket.recv(5)
        except ConnectionClosed:
            return


def test_a_message_over_a_megabyte_closes_the_stream(base: str) -> None:
    with stream(base, max_size=None) as socket:
        socket.send("{}")
        with pytest.raises(ConnectionClosed):
            socket.send(bytes(2**20 + 2))
            list(iter_until_closed(socket))
            socket.recv(5)
        assert socket.close_code == 1009


def test_pages_of_other_servers_get_no_stream(base: str) -> None:
    with pytest.raises(InvalidStatus) as refused, stream(base, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403


LIMITS = Limits(header_seconds=0.3, idle_seconds=0.4, streams=2, stream_seconds=3.0)


@pytest.fixture(scope="module")
def guarded(tiny_model_folder: Path) -> Iterator[str]:
    with running(f"tiny={tiny_model_folder}", Settings(port=0, token=TOKEN, limits=LIMITS)) as url:
        yield url


def bearer(token: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer {token}"}}


def beside(token: str) -> dict[str, Any]:
    return {"subprotocols": [Subprotocol("affekt.v1"), Subprotocol(f"affekt.token.{token}")]}


@pytest.mark.parametrize("options", [bearer(TOKEN), beside(TOKEN), {}])
def test_a_token_may_come_in_three_ways(guarded: str, options: dict[str, Any]) -> None:
    with stream(guarded, **options) as socket:
        said = talk(socket, pcm()[:60_000], 60_000, **({} if options else {"token": TOKEN}))
        assert said[-1]["type"] == "summary"
        assert socket.subprotocol == ("affekt.v1" if "subprotocols" in options else None)


@pytest.mark.parametrize("options", [bearer("wrong"), beside("wrong"), beside("")])
def test_a_wrong_token_gets_no_stream(guarded: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidStatus) as refused, stream(guarded, **options):
        pass
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("start", [{}, {"token": "wrong"}])
def test_without_a_token_a_stream_ends(guarded: str, start: dict[str, str]) -> None:
    with stream(guarded) as socket:
        socket.send(json.dumps(start))
        (said,) = [json.loads(message) for message in iter_until_closed(socket)]
        assert said["error"]["code"] == "token" and socket.close_code == 1008


def test_streams_are_bounded_in_number_length_and_silence(guarded: str) -> None:
    with stream(guarded, **bearer(TOKEN)) as one, stream(guarded, **bearer(TOKEN)) as other:
        with pytest.raises(InvalidStatus) as refused, stream(guarded, **bearer(TOKEN)):
            pass
        assert refused.value.response.status_code == 429
        one.send("{}")
        one.send(bytes(2 * 16_000 * 4))
        codes = [json.loads(list(iter_until_closed(socket))[-1])["error"]["code"] for socket in (one, other)]
        assert codes == ["stream_too_long", "too_slow"]
    with stream(guarded, **bearer(TOKEN)) as late:
        late.send("{}")
        began = time.monotonic()
        assert json.loads(list(iter_until_closed(late))[-1])["error"]["code"] == "too_slow"
        assert 0.3 < time.monotonic() - began < 3
