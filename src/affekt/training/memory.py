"""What the C library does with memory that is freed, while a network learns."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of `malloc.h`."""
_NEVER, _LARGEST = 2**31 - 1, 2**30


def keep_freed_memory() -> bool:
    """Has glibc keep the memory of freed tensors for the next ones, of this process; whether it does now.

    Each step makes the same tensors of several MiB anew. Of such glibc gives every one back to the system,
    and gets it again with pages that must be mapped and zeroed one by one: a fifth of a step of a thin
    network. The price is that the process keeps the memory of its largest step.
    """
    if not sys.platform.startswith("linux"):
        return False
    # Other C libraries on Linux have no `mallopt`.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(
        mallopt(_MMAP_THRESHOLD, _LARGEST) and mallopt(_TRIM_THRESHOLD, _NEVER)
    )
