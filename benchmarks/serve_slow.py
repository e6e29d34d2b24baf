"""`affekt serve` among slow clients, and under twice the load it can bear: are the others still answered?

    python benchmarks/serve_slow.py --slow 500 --seconds 60

First healthy requests alone, for their times; then beside so many slow connections of four kinds (silent,
half a head, a head byte by byte, a body byte by byte), opened again as soon as they are cut off; then a flood
of twice as many requests a second as were answered before, each on a connection of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from contextlib import suppress

import _record
import _traffic
import numpy as np

HEALTHY = 8
HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
KINDS = (
    (b"", b""),
    (HEAD, b""),
    (b"", HEAD * 100),
    (HEAD + b"Content-Length: 100000\r\n\r\n", b"x" * 100_000),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    started = time.perf_counter()
    request = _traffic.post(_traffic.clips(1)[0])
    with _traffic.served() as place:
        quiet = asyncio.run(_healthy(place, request, options.seconds / 4))
        beside, lives = asyncio.run(_beside_slow(place, request, options.slow, options.seconds))
        rate = 2 * len(quiet) / (options.seconds / 4)
        flood = asyncio.run(_flood(place, request, rate, options.seconds / 2))
        after = asyncio.run(_healthy(place, request, options.seconds / 8))
    answered = [one for one in flood if one.status == 200]
    shed = [one for one in flood if one.status in (429, 503)]
    figures = {
        "serve_slow.quiet.p95.s": _p95(quiet),
        "serve_slow.beside.answered": _share(beside),
        "serve_slow.beside.p95.s": _p95(beside),
        "serve_slow.connections": float(len(lives)),
        "serve_slow.longest_life.s": max(lives, default=0.0),
        "serve_slow.flood.per_second": rate,
        "serve_slow.flood.answered_or_shed": (len(answered) + len(shed)) / len(flood),
        "serve_slow.flood.goodput": len(answered) / (options.seconds / 2) / (rate / 2),
        "serve_slow.flood.shed.p95.s": _p95(shed),
        "serve_slow.after.answered": _share(after),
    }
    for name, value in figures.items():
        print(f"{name} {value:.4g}")
    details = {"flood": dict(Counter(str(one.status) for one in flood))}
    _record.record("serve_slow", figures, details, started)


async def _healthy(place: _traffic.Place, request: bytes, seconds: float) -> list[_traffic.Answer]:
    """What a few honest clients get, one request after the other."""
    until = time.perf_counter() + seconds
    found: list[_traffic.Answer] = []

    async def work() -> None:
        link = _traffic.Link(place)
        while time.perf_counter() < until:
            found.append(await link.ask(request))
        link.close()

    await asyncio.gather(*(work() for _ in range(HEALTHY)))
    return found


async def _beside_slow(
    place: _traffic.Place, request: bytes, slow: int, seconds: float
) -> tuple[list[_traffic.Answer], list[float]]:
    lives: list[float] = []
    crowd = [asyncio.ensure_future(_slow(place, KINDS[at % len(KINDS)], lives)) for at in range(slow)]
    await asyncio.sleep(1)
    answers = await _healthy(place, request, seconds)
    for one in crowd:
        one.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    return answers, lives


async def _slow(place: _traffic.Place, kind: tuple[bytes, bytes], lives: list[float]) -> None:
    """One slow client after the other; `lives` gets how long each was borne."""
    first, drip = kind
    while True:
        began = time.perf_counter()
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(place.host, place.port)
            writer.write(first)
            dripping = asyncio.ensure_future(_drip(writer, drip))
            try:
                await reader.read()
            finally:
                dripping.cancel()
                writer.close()
        lives.append(time.perf_counter() - began)


async def _drip(writer: asyncio.StreamWriter, drip: bytes) -> None:
    with suppress(OSError):
        for byte in drip:
            writer.write(bytes([byte]))
            await asyncio.sleep(1)


async def _flood(place: _traffic.Place, request: bytes, rate: float, seconds: float) -> list[_traffic.Answer]:
    async def one() -> _traffic.Answer:
        link = _traffic.Link(place)
        answer = await link.ask(request)
        link.close()
        return answer

    tasks: list[asyncio.Future[_traffic.Answer]] = []
    began = time.perf_counter()
    while (gone := time.perf_counter() - began) < seconds:
        while len(tasks) < gone * rate:
            tasks.append(asyncio.ensure_future(one()))
        await asyncio.sleep(0.01)
    return list(await asyncio.gather(*tasks))


def _share(answers: list[_traffic.Answer]) -> float:
    return sum(one.status == 200 for one in answers) / len(answers)


def _p95(answers: list[_traffic.Answer]) -> float:
    return float(np.quantile([one.seconds for one in answers], 0.95)) if answers else 0.0


if __name__ == "__main__":
    main()
