"""Live streams side by side: from the end of a hop to its score.

    python benchmarks/serve_stream.py --streams 8 --seconds 60

Each stream sends real speech at the pace of speech, in blocks of 50 ms, and a window is due when the block
that completes it has been sent. The time from there to its arrival at the client is the lag.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

import _record
import _traffic
import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import connect

from affekt import audio

RATE = audio.SAMPLE_RATE
BLOCK = RATE // 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--window", type=float, default=2.0)
    parser.add_argument("--hop", type=float, default=1.0)
    options = parser.parse_args()
    started = time.perf_counter()
    speech = np.concatenate([audio.read(clip) for clip in _traffic.clips(100)])
    samples = np.resize(speech, round(options.seconds * RATE))
    pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2")
    with _traffic.served() as place:
        found = asyncio.run(_all(place, pcm, options))
    lags = np.array([lag for stream in found for lag in stream])
    expected = options.streams * (1 + int((options.seconds - options.window) / options.hop))
    figures = {
        "serve_stream.streams": float(options.streams),
        "serve_stream.windows": float(len(lags)),
        "serve_stream.missing": float(expected - len(lags)),
        "serve_stream.lag.p50.s": float(np.quantile(lags, 0.5)),
        "serve_stream.lag.p95.s": float(np.quantile(lags, 0.95)),
        "serve_stream.lag.max.s": float(lags.max()),
    }
    for name, value in figures.items():
        print(f"{name} {value:.4g}")
    _record.record("serve_stream", figures, {"window": options.window, "hop": options.hop}, started)


async def _all(
    place: _traffic.Place, pcm: NDArray[np.int16], options: argparse.Namespace
) -> list[list[float]]:
    # Streams of people do not begin at the same moment.
    waits = [at * options.hop / options.streams for at in range(options.streams)]
    return await asyncio.gather(*(_stream(place, pcm, options, wait) for wait in waits))


async def _stream(
    place: _traffic.Place, pcm: NDArray[np.int16], options: argparse.Namespace, wait: float
) -> list[float]:
    await asyncio.sleep(wait)
    sent: list[float] = []
    lags: list[float] = []
    async with connect(f"ws://{place.host}:{place.port}/v1/stream") as socket:
        await socket.send(json.dumps({"window": options.window, "hop": options.hop}))
        await socket.recv()

        async def send() -> None:
            began = time.perf_counter()
            for at in range(0, len(pcm), BLOCK):
                await asyncio.sleep(max(0.0, began + (at + BLOCK) / RATE - time.perf_counter()))
                sent.append(time.perf_counter())
                await socket.send(pcm[at : at + BLOCK].tobytes())
            await socket.send('{"type": "end"}')

        sending = asyncio.ensure_future(send())
        async for message in socket:
            came, said = time.perf_counter(), json.loads(message)
            # The last window ends with the recording, and may not lie on the grid of hops.
            on_grid = said["type"] == "window" and (said["end"] - options.window) % options.hop < 1e-6
            if on_grid:
                lags.append(came - sent[round(said["end"] * RATE / BLOCK) - 1])
        await sending
    return lags


if __name__ == "__main__":
    main()
