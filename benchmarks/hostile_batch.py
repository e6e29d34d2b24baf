"""Thousands of hostile recordings through one `affekt predict`; a decoder is made to crash, another to hang.

    python benchmarks/hostile_batch.py [--count 5000] [--seed 0]

Mutated headers and bodies of every format, m4a among them, bombs, pipes, circles of links, folders named
like recordings, names with line breaks and bytes that are not UTF-8. While it runs, decoders at work are sent
SIGSEGV, one after the other, and one SIGSTOP. Every input must have its row, once and in order; the exit code
is 1; time and memory are bounded.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

import _damage
from _record import record
from hostile_audio import cases

from affekt import inputs

FILE_SECONDS = 5.0
CRASHES = 8
DEADLINE_SECONDS = 3600.0
M4A_EVERY = 20


def folder_of_horrors(folder: Path, count: int, seed: int) -> list[str]:
    """Writes the inputs; their names as rows have them, in order."""
    cases(folder, count, seed)
    random = Random(seed)
    seed_m4a = m4a()
    for number in range(count // M4A_EVERY):
        data = bytearray(seed_m4a)
        for _ in range(random.choice((1, 5, 50))):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        (folder / f"{number:05}-mutated.m4a").write_bytes(data[: random.choice((len(data), len(data) // 2))])
    good = _damage.encode(_damage.voice(16_000, 1.0), 16_000, "WAV", "PCM_16")
    for name in (
        b"line\nbreak.wav",
        b'tab\tquote".wav',
        b"not \xff\xfe utf8.wav",
        "höflich 你好.wav".encode(),
    ):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(good)
    for number in range(5):
        os.mkfifo(folder / f"pipe{number}.wav")
        (folder / f"loop{number}.wav").symlink_to(folder / f"loop{(number + 1) % 5}.wav")
        (folder / f"folder{number}.wav").mkdir()
        (folder / f"device{number}.wav").symlink_to("/dev/zero")
    (folder / "deep").mkdir()
    (folder / "deep" / "circle").symlink_to(folder)
    return [inputs.spelled(item if isinstance(item, str) else item.name) for item in inputs.expand([folder])]


def m4a() -> bytes:
    """An intact m4a."""
    import av

    with tempfile.NamedTemporaryFile(suffix=".m4a") as held:
        with av.open(held.name, "w") as container:
            track = container.add_stream("aac", rate=44_100)
            sound = _damage.voice(44_100, 1.0).T.copy()
            for at in range(0, sound.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(sound[:, at : at + 1024], "fltp", "mono")
                frame.sample_rate = 44_100
                container.mux(track.encode(frame))
            container.mux(track.encode(None))
        return Path(held.name).read_bytes()


def children(pid: int) -> list[int]:
    """The decoder processes of a run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(text.rsplit(")", 1)[1].split()[1]) == pid and b"affekt.sandbox.worker" in command:
            found.append(int(status.parent.name))
    return found


def attack(process: subprocess.Popen[str], random: Random) -> list[str]:
    """Makes decoders crash and another hang, while they decode.

    A signal may come just between two recordings, and then no row tells of it: hence several.
    """
    done = []
    for kind in (*[signal.SIGSEGV] * CRASHES, signal.SIGSTOP):
        while process.poll() is None:
            time.sleep(random.uniform(0.5, 1.5))
            busy = [pid for pid in children(process.pid) if _busy(pid)]
            if busy:
                os.kill(random.choice(busy), kind)
                done.append(kind.name)
                break
    return done


def _busy(pid: int) -> bool:
    """Whether a decoder has a task: it runs, or its state is not that of one who waits for a frame."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "R"
    except OSError:
        return False


def peak_mib(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(
        (int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder, output = Path(place, "horrors"), Path(place, "rows.jsonl")
        folder.mkdir()
        names = folder_of_horrors(folder, options.count, options.seed)
        command = [sys.executable, "-m", "affekt", "predict", str(folder), "-o", str(output), "--scores"]
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--file-seconds", str(FILE_SECONDS)], stderr=subprocess.PIPE, text=True
        )
        attacks = attack(process, Random(options.seed))
        peak = 0.0
        while process.poll() is None and time.perf_counter() - began < DEADLINE_SECONDS:
            peak = max(peak, peak_mib(process.pid))
            time.sleep(0.2)
        _, said = process.communicate(timeout=60)
        seconds = time.perf_counter() - began
        rows = [json.loads(line) for line in output.read_text().splitlines()]
    codes = Counter(row["error"] or row["status"].partition(":")[0] for row in rows)
    wild = sum(not 0 <= row["confidence"] <= 1 for row in rows if row["error"] is None)
    figures = {
        "hostile_batch.inputs": float(len(names)),
        "hostile_batch.rows": float(len(rows)),
        "hostile_batch.in_order": float([row["file"] for row in rows] == names),
        "hostile_batch.exit_code": float(process.returncode),
        "hostile_batch.crashed": float(codes["crashed"]),
        "hostile_batch.timeout": float(codes["timeout"]),
        "hostile_batch.internal": float(codes["internal"]),
        "hostile_batch.scores_out_of_range": float(wild),
        "hostile_batch.lines_on_stderr": float(len(said.splitlines())),
        "hostile_batch.s": round(seconds, 1),
        "hostile_batch.peak.mib": round(peak, 1),
    }
    details = {"seed": options.seed, "attacks": attacks, "outcomes": dict(codes.most_common())}
    record("hostile_batch", figures, details, started)
    for name, value in figures.items():
        print(f"{name:44} {value:.4g}")
    print(details)


if __name__ == "__main__":
    main()
