"""A cross-validation's folder as `affekt train` leaves it, in short."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

EPOCHS = [
    {"epoch": at, "train_loss": 1.0 / at, "learning_rate": 0.01 * at, "validation_uar": 0.2 * at}
    for at in (1, 2, 3)
]
FIGURE = {"value": 0.625, "low": 0.5, "high": 0.75}


def made(folder: Path, *, epochs: int = 3, ended: bool = True) -> Path:
    """A run of one fold, `a`; without `ended`, one that was stopped."""
    (folder / "folds" / "a").mkdir(parents=True, exist_ok=True)
    rows = "".join(json.dumps(row) + "\n" for row in EPOCHS[:epochs])
    (folder / "folds" / "a" / "log.jsonl").write_text(rows)
    (folder / "recipe.yaml").write_text("system: resnet-stats\ndata: 'emodb:/data/emodb'\nseed: 1\n")
    record = {
        "command": "affekt train data=emodb:/data/emodb",
        "commit": "0123456789abcdef",
        "protocol": "loso",
        "seed": 1,
        "started": "2026-01-01T00:00:00+00:00",
        "versions": {"torch": "2.13.0"},
    }
    (folder / "run.json").write_text(json.dumps(record))
    if ended:
        report = {
            "title": "resnet-stats on emodb",
            "protocol": "loso",
            "pooled": {"uar": FIGURE, "wa": {"value": 0.6, "low": None, "high": None}},
            "calibration": {"before": {"ece": {"value": 0.1, "low": 0.05, "high": 0.2}}, "after": None},
        }
        (folder / "report.json").write_text(json.dumps(report))
        (folder / "report.md").write_text("# Report\n")
        (folder / "scores.csv").write_text("fold\n")
        (folder / "confusion.png").write_bytes(_png(3, 2))
    return folder


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = b"".join(bytes([0, *(40 * at for at in range(width))]) for _ in range(height))
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
