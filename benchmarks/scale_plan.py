"""The plan for ten million hours in `docs/scale.md`, worked out from measured figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HOURS = 10_000_000
CORES = (64, 1_000, 10_000)
RATE = "throughput.hours_per_core_hour"
CLIPS, MEASURED_HOURS = "throughput.clips", "throughput.hours"
PEAK = "memory.peak.mib"


def plan(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A table in Markdown; where throughput was not measured, a line that says how to."""
    figures = {key: value for result in results.values() for key, value in result["figures"].items()}
    if RATE not in figures:
        return "Not measured in this copy yet: `make bench NAME=throughput`, then `make docs`."
    rate = figures[RATE]
    core_hours = HOURS / rate
    machine = results["throughput"]["machine"]
    lines = [
        f"Measured: {rate:,.0f} hours of speech in an hour of one core ({machine['cpu']}), in clips of "
        f"{3600 * figures[MEASURED_HOURS] / figures[CLIPS]:.1f} s on average.",
        "",
        "| what | formula | value |",
        "| --- | --- | ---: |",
        f"| core hours | hours / rate | {core_hours:,.0f} |",
        *(
            f"| days on {cores:,} cores | core hours / {cores:,} / 24 | {core_hours / cores / 24:,.1f} |"
            for cores in CORES
        ),
    ]
    if PEAK in figures:
        lines.append(
            f"| memory of a process, at most | measured over {figures['memory.rows']:,.0f} recordings "
            f"| {figures[PEAK]:,.0f} MiB |"
        )
    return "\n".join(lines)
