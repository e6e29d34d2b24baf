"""`affekt serve` under load: nothing lost, nothing wrong, nobody else's answer, and how fast.

    python benchmarks/serve_load.py --requests 20000 --concurrency 64

Five in a hundred bodies are hostile: noise, cut and damaged clips, broken forms. Every good answer is
compared with what the same model says of the same clip by itself.

The throughput is set beside that of `affekt.predict`, as `affekt predict` runs it, on the same bodies as
files (a broken form's is its clip). The two take turns, `--rounds` of each, and wait while the other works.
Client and server share the machine, so the client's work slows the server: it is given apart. Processor time
is that of all processes, decoders too, for each request or file.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import _record
import _traffic
import numpy as np

from affekt import Recognizer, predict

HOSTILE = 0.05
TOLERANCE = 2e-5


class Sent(NamedTuple):
    """A request, the recording in it, and the number of the clip that it is, None where it is hostile."""

    request: bytes
    body: bytes
    clip: int | None


class Spent(NamedTuple):
    """Seconds of the clock, and of the processors of the one who answers and the one who asks."""

    clock: float = 0.0
    answering: float = 0.0
    asking: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(*(one + more for one, more in zip(self, other, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    started = time.perf_counter()
    clips = _traffic.clips(options.clips)
    chosen = random.Random(0)
    sent = [_sent(chosen, clips) for _ in range(options.requests)]
    size = -(-len(sent) // options.rounds)
    rounds = [sent[at : at + size] for at in range(0, len(sent), size)]
    # One thread for each clip, many clips at once: as `affekt predict` has it.
    recognizer = Recognizer.load(threads=1)
    expected = [recognizer(clip).scores for clip in clips]
    answers: list[_traffic.Answer] = []
    serving, scoring = Spent(), Spent()
    with _traffic.served() as place, tempfile.TemporaryDirectory() as folder:
        warm = max(options.concurrency, min(size, 1000))
        asyncio.run(_traffic.ask_all(place, [one.request for one in sent[:warm]], options.concurrency))
        before = _traffic.memory_mb(place.pid), _traffic.open_files(place.pid)
        for part in rounds:
            found, spent = _serve(place, part, options.concurrency)
            answers += found
            serving = serving.plus(spent)
            scoring = scoring.plus(_predict(recognizer, part, Path(folder)))
        time.sleep(1)
        after = _traffic.memory_mb(place.pid), _traffic.open_files(place.pid)
    wrong = sum(
        one.clip is not None and (answer.status != 200 or not _same(answer, expected[one.clip]))
        for one, answer in zip(sent, answers, strict=True)
    )
    times = np.sort([one.seconds for one in answers])
    count = len(sent)
    figures = {
        "serve_load.requests": float(count),
        "serve_load.lost": float(sum(one.status == 0 for one in answers)),
        "serve_load.server_errors": float(sum(one.status >= 500 for one in answers)),
        "serve_load.wrong": float(wrong),
        "serve_load.p50.s": float(np.quantile(times, 0.5)),
        "serve_load.p99.s": float(np.quantile(times, 0.99)),
        "serve_load.per_second": count / serving.clock,
        "serve_load.predict.per_second": count / scoring.clock,
        "serve_load.share_of_predict": scoring.clock / serving.clock,
        "serve_load.processor.ms": 1000 * serving.answering / count,
        "serve_load.client.processor.ms": 1000 * serving.asking / count,
        "serve_load.predict.processor.ms": 1000 * scoring.answering / count,
        "serve_load.memory_growth.mb": after[0] - before[0],
        "serve_load.files_growth": float(after[1] - before[1]),
    }
    statuses = Counter(str(one.status) for one in answers)
    for name, value in figures.items():
        print(f"{name} {value:.4g}")
    _record.record("serve_load", figures, {"statuses": dict(statuses)}, started)


def _serve(
    place: _traffic.Place, part: Sequence[Sent], concurrency: int
) -> tuple[list[_traffic.Answer], Spent]:
    began = time.perf_counter(), _traffic.processor_seconds(place.pid), time.process_time()
    found = asyncio.run(_traffic.ask_all(place, [one.request for one in part], concurrency))
    ended = time.perf_counter(), _traffic.processor_seconds(place.pid), time.process_time()
    return found, Spent(*(after - before for before, after in zip(began, ended, strict=True)))


def _predict(recognizer: Recognizer, part: Sequence[Sent], folder: Path) -> Spent:
    paths: dict[bytes, Path] = {}
    for one in part:
        if one.body not in paths:
            paths[one.body] = folder / f"{len(paths):05}.flac"
            paths[one.body].write_bytes(one.body)
    files = [str(paths[one.body]) for one in part]
    began = time.perf_counter(), _traffic.processor_seconds(os.getpid())
    count = sum(1 for _ in predict(files, recognizer))
    assert count == len(part)
    ended = time.perf_counter(), _traffic.processor_seconds(os.getpid())
    return Spent(ended[0] - began[0], ended[1] - began[1])


def _same(answer: _traffic.Answer, expected: dict[str, float]) -> bool:
    scores = answer.rows[0]["scores"]
    return set(scores) == set(expected) and all(
        abs(scores[label] - score) <= TOLERANCE for label, score in expected.items()
    )


def _sent(chosen: random.Random, clips: list[bytes]) -> Sent:
    if chosen.random() < HOSTILE:
        return _hostile(chosen, clips)
    number = chosen.randrange(len(clips))
    return Sent(_traffic.post(clips[number]), clips[number], number)


def _hostile(chosen: random.Random, clips: list[bytes]) -> Sent:
    clip = bytearray(chosen.choice(clips))
    path, kind = "/v1/predict", "audio/flac"
    match chosen.randrange(5):
        case 0:
            clip = bytearray(chosen.randbytes(chosen.randrange(5000)))
        case 1:
            del clip[chosen.randrange(1, len(clip)) :]
        case 2:
            for _ in range(50):
                clip[chosen.randrange(len(clip))] = chosen.randrange(256)
        case 3:
            kind = "multipart/form-data; boundary=x"
        case _:
            path += "?window=nan&timeline=true"
    body = bytes(clip)
    return Sent(_traffic.post(body, path, kind), body, None)


if __name__ == "__main__":
    main()
