"""`affekt serve` under load: nothing lost, nothing wrong, nobody else's answer, and how fast.

    python benchmarks/serve_load.py --requests 20000 --concurrency 64

Five in a hundred bodies are hostile: noise, cut and damaged clips, broken forms. Every good answer is
compared with what the same model says of the same clip by itself. The throughput is set beside that of
`affekt.predict` on the same clips as files. Client and server share the machine, so the client's own work
counts too.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import _record
import _traffic
import numpy as np

from affekt import Recognizer, predict

HOSTILE = 0.05
TOLERANCE = 2e-5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--clips", type=int, default=200)
    options = parser.parse_args()
    started = time.perf_counter()
    clips = _traffic.clips(options.clips)
    expected, alone = _by_itself(clips)
    chosen = random.Random(0)
    kinds = [
        None if chosen.random() < HOSTILE else chosen.randrange(len(clips)) for _ in range(options.requests)
    ]
    requests = [_hostile(chosen, clips) if kind is None else _traffic.post(clips[kind]) for kind in kinds]
    with _traffic.served() as place:
        warm = max(options.concurrency, options.requests // 10)
        asyncio.run(_traffic.ask_all(place, requests[:warm], options.concurrency))
        before = _traffic.memory_mb(place.pid), _traffic.open_files(place.pid)
        began = time.perf_counter()
        answers = asyncio.run(_traffic.ask_all(place, requests, options.concurrency))
        seconds = time.perf_counter() - began
        time.sleep(1)
        after = _traffic.memory_mb(place.pid), _traffic.open_files(place.pid)
    wrong = sum(
        kind is not None and (one.status != 200 or not _same(one, expected[kind]))
        for kind, one in zip(kinds, answers, strict=True)
    )
    times = np.sort([one.seconds for one in answers])
    figures = {
        "serve_load.requests": float(len(answers)),
        "serve_load.lost": float(sum(one.status == 0 for one in answers)),
        "serve_load.server_errors": float(sum(one.status >= 500 for one in answers)),
        "serve_load.wrong": float(wrong),
        "serve_load.p50.s": float(np.quantile(times, 0.5)),
        "serve_load.p99.s": float(np.quantile(times, 0.99)),
        "serve_load.per_second": len(answers) / seconds,
        "serve_load.predict.per_second": alone,
        "serve_load.share_of_predict": len(answers) / seconds / alone,
        "serve_load.memory_growth.mb": after[0] - before[0],
        "serve_load.files_growth": float(after[1] - before[1]),
    }
    statuses = Counter(str(one.status) for one in answers)
    for name, value in figures.items():
        print(f"{name} {value:.4g}")
    _record.record("serve_load", figures, {"statuses": dict(statuses)}, started)


def _by_itself(clips: list[bytes]) -> tuple[list[dict[str, float]], float]:
    """What the model says of each clip alone, and how many files a second `affekt.predict` scores."""
    recognizer = Recognizer.load()
    expected = [recognizer(clip).scores for clip in clips]
    with tempfile.TemporaryDirectory() as name:
        for number, clip in enumerate(clips):
            (Path(name) / f"{number:05}.flac").write_bytes(clip)
        list(predict(name, recognizer))
        began = time.perf_counter()
        rows = list(predict([name] * 3, recognizer))
        return expected, len(rows) / (time.perf_counter() - began)


def _same(answer: _traffic.Answer, expected: dict[str, float]) -> bool:
    scores = answer.rows[0]["scores"]
    return set(scores) == set(expected) and all(
        abs(scores[label] - score) <= TOLERANCE for label, score in expected.items()
    )


def _hostile(chosen: random.Random, clips: list[bytes]) -> bytes:
    clip = bytearray(chosen.choice(clips))
    match chosen.randrange(5):
        case 0:
            return _traffic.post(chosen.randbytes(chosen.randrange(5000)))
        case 1:
            return _traffic.post(bytes(clip[: chosen.randrange(1, len(clip))]))
        case 2:
            for _ in range(50):
                clip[chosen.randrange(len(clip))] = chosen.randrange(256)
            return _traffic.post(bytes(clip))
        case 3:
            return _traffic.post(bytes(clip), kind="multipart/form-data; boundary=x")
    return _traffic.post(bytes(clip), path="/v1/predict?window=nan&timeline=true")


if __name__ == "__main__":
    main()
