"""`affekt serve` under fuzz: requests made from its description, then damaged bodies, raw bytes and frames.

    python benchmarks/serve_fuzz.py --minutes 10 --examples 200

Schemathesis makes requests of each route from `/openapi.json` and holds every answer to what that promises
(but for "valid data are accepted": bytes need be no recording). Then, for so many minutes: mutated
recordings and forms, requests that are no HTTP, and WebSocket frames in any order. A server error, an
answer that is not in the description, no answer to a well-formed request, or a server that no longer answers
is a fault.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import _record
import _traffic
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import positive_data_acceptance
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

WORKERS = 8
TEXTS = (
    "{}",
    '{"type": "end"}',
    '{"window": 1e308}',
    '{"hop": null}',
    "[[[[",
    "\u202e",
    '{"sampling_rate": 0}',
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--examples", type=int, default=200, help="for each route")
    options = parser.parse_args()
    started = time.perf_counter()
    clips = _traffic.clips(20)
    with _traffic.served("--max-rate", "1e9") as place:
        schema_cases, faults = _by_schema(place, options.examples)
        until = time.perf_counter() + 60 * options.minutes
        counts = asyncio.run(_by_chance(place, clips, until))
        (last,) = asyncio.run(_traffic.ask_all(place, [_traffic.post(clips[0])], 1))
        memory = _traffic.memory_mb(place.pid)
    figures = {
        "serve_fuzz.schema.requests": float(schema_cases),
        "serve_fuzz.schema.faults": float(len(faults)),
        "serve_fuzz.requests": float(sum(counts.values())),
        "serve_fuzz.server_errors": float(
            sum(n for key, n in counts.items() if key.startswith(("body 5", "raw 5")) or key == "stream 1011")
        ),
        "serve_fuzz.unanswered": float(counts["body 0"]),
        "serve_fuzz.answers_at_end": float(last.status == 200),
        "serve_fuzz.memory.mb": memory,
    }
    for name, value in figures.items():
        print(f"{name} {value:.4g}")
    for fault in faults[:10]:
        print(fault)
    _record.record("serve_fuzz", figures, {"answers": dict(counts), "faults": faults[:50]}, started)


def _by_schema(place: _traffic.Place, examples: int) -> tuple[int, list[str]]:
    """How many requests schemathesis made, and what was wrong."""
    base = f"http://{place.host}:{place.port}"
    schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
    count = 0
    faults: list[str] = []
    for found in schema.get_all_operations():
        if isinstance(found, Err):
            faults.append(f"the description cannot be read: {found.err()}")
            continue
        operation = found.ok()

        @seed(0)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal count
            count += 1
            try:
                case.call_and_validate(base_url=base, timeout=60, excluded_checks=[positive_data_acceptance])
            except (Exception, BaseExceptionGroup) as error:
                faults.append(f"{case.method} {case.path}: {type(error).__name__}: {str(error)[:300]}")

        ask()
    return count, faults


async def _by_chance(place: _traffic.Place, clips: list[bytes], until: float) -> Counter[str]:
    counts: Counter[str] = Counter()

    async def work(number: int) -> None:
        chosen = random.Random(number)
        link = _traffic.Link(place)
        while time.perf_counter() < until:
            match chosen.randrange(4):
                case 0 | 1:
                    answer = await link.ask(_body(chosen, clips))
                    counts[f"body {answer.status}"] += 1
                case 2:
                    counts[f"raw {await _raw(place, chosen, clips)}"] += 1
                case _:
                    counts[f"stream {await _frames(place, chosen)}"] += 1
        link.close()

    await asyncio.gather(*(work(number) for number in range(WORKERS)))
    return counts


def _damaged(chosen: random.Random, content: bytes) -> bytes:
    found = bytearray(content)
    for _ in range(chosen.randrange(1, 30)):
        at = chosen.randrange(len(found))
        match chosen.randrange(3):
            case 0:
                found[at] = chosen.randrange(256)
            case 1:
                del found[at : at + chosen.randrange(1, 100)]
            case _:
                found[at:at] = chosen.randbytes(chosen.randrange(1, 100))
        if not found:
            return b""
    return bytes(found)


def _body(chosen: random.Random, clips: list[bytes]) -> bytes:
    """A well-formed request with a damaged recording or form, and a query of all sorts."""
    clip = chosen.choice(clips)
    path = chosen.choice(["/v1/predict", "/v1/predict", "/v1/explain?method=occlusion&emotion=x"])
    if path == "/v1/predict":
        path += chosen.choice(
            ["", "?timeline=true", "?format=csv", "?format=vtt", "?channels=split", "?window=0"]
        )
    if chosen.random() < 0.5:
        return _traffic.post(_damaged(chosen, clip), path)
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a\\"b"\r\n\r\n' + clip + b"\r\n"
    form = part * chosen.randrange(1, 4) + b"--x--\r\n"
    return _traffic.post(_damaged(chosen, form), path, "multipart/form-data; boundary=x")


async def _raw(place: _traffic.Place, chosen: random.Random, clips: list[bytes]) -> int:
    """The status that damaged bytes of a whole request get; 0 for none."""
    request = _traffic.post(chosen.choice(clips)[:2000])
    head = chosen.randrange(20, 150)
    sent = _damaged(chosen, request[:head]) + request[head:]
    reader, writer = await asyncio.open_connection(place.host, place.port)
    with suppress(OSError, TimeoutError, ValueError):
        writer.write(sent)
        writer.write_eof()
        said = await asyncio.wait_for(reader.read(), 40)
        writer.close()
        return int(said[9:12] or 0)
    writer.close()
    return 0


async def _frames(place: _traffic.Place, chosen: random.Random) -> str:
    """The code of the last message or close that frames of all sorts lead to."""
    socket: ClientConnection | None = None
    with suppress(OSError, WebSocketException, TimeoutError):
        async with connect(f"ws://{place.host}:{place.port}/v1/stream", close_timeout=2) as socket:
            if chosen.random() < 0.7:
                await socket.send(json.dumps({"window": 0.5, "hop": 0.5}))
            for _ in range(chosen.randrange(1, 8)):
                binary = chosen.random() < 0.7
                samples = chosen.randbytes(chosen.randrange(60_000))
                await socket.send(samples if binary else chosen.choice(TEXTS))
            await socket.send('{"type": "end"}')
            async with asyncio.timeout(40):
                async for _ in socket:
                    pass
    return "refused" if socket is None else str(socket.close_code)


if __name__ == "__main__":
    main()
