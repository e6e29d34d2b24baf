"""Sessions of ONNX Runtime and what they may use: threads, memory, time. Its only user."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from affekt.errors import UsageError
from affekt.labels import nearest

MAX_BYTES = 4 * 2**30
"""The most memory all networks of a process may hold for their maps, and at most half of the machine's."""


DEVICES = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Where a network may run -> ONNX Runtime's name for it."""


def open_session(onnx: bytes, threads: int, device: str = "cpu") -> Any:
    """The graph in ONNX Runtime, on the processor with so many threads, or on a graphics card.

    Raises:
        UsageError: there is no such device.
    """
    import onnxruntime

    if device not in DEVICES:
        raise UsageError(f"device {device}: unknown{nearest(device, DEVICES)}; give {' or '.join(DEVICES)}")
    if DEVICES[device] not in onnxruntime.get_available_providers():
        raise UsageError(
            f"device {device}: this ONNX Runtime has no {DEVICES[device]}; in place of onnxruntime, "
            "pip install onnxruntime-gpu"
        )
    _bound_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Fatal only: what goes wrong is raised, and stderr is the user's.
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("session.use_env_allocators", "1")
    providers = list(dict.fromkeys([DEVICES[device], DEVICES["cpu"]]))
    session = onnxruntime.InferenceSession(onnx, options, providers=providers)
    if DEVICES[device] not in session.get_providers():
        raise UsageError(f"device {device}: there is none here, or its driver does not fit ONNX Runtime")
    return session


@functools.cache
def _bound_memory() -> None:
    """Bounds what networks may allocate: beyond it a run fails instead of the machine."""
    import onnxruntime

    limit = min(MAX_BYTES, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg(limit, -1, -1, -1))


@contextlib.contextmanager
def run_options(*, shrink: bool, budget: float | None) -> Iterator[Any]:
    """Options of one run, or None for the usual ones."""
    if not shrink and budget is None:
        yield None
        return
    import onnxruntime

    options = onnxruntime.RunOptions()
    if shrink:
        # What a long clip took is handed back: the rest of a batch needs far less.
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    if budget is None:
        yield options
        return
    done = threading.Event()
    started = time.process_time(), time.monotonic()

    def watch() -> None:
        while not done.wait(0.05):
            # Both clocks: other threads of this process, or of others, must not use up the budget.
            if min(time.process_time() - started[0], time.monotonic() - started[1]) > budget:
                options.terminate = True

    watcher = threading.Thread(target=watch, name="affekt-budget", daemon=True)
    watcher.start()
    try:
        yield options
    finally:
        done.set()
        watcher.join()
