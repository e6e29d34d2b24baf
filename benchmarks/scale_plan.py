"""The plan for ten million hours in `docs/scale.md`, worked out from measured figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HOURS = 10_000_000
CORES = (64, 1_000, 10_000)
RATE = "throughput.hours_per_core_hour"
CLIPS, MEASURED_HOURS = "throughput.clips", "throughput.hours"
PEAK = "memory.peak.mib"
STEPS = ("decode", "frontend", "network", "writing")
CENTS = (1, 5)
"""Of any currency, for an hour of a core: from what spare capacity costs to what is asked by the hour."""


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
        "| files a second and core | measured "
        f"| {figures[CLIPS] / figures[MEASURED_HOURS] * rate / 3600:,.0f} |",
        f"| core hours | hours / rate | {core_hours:,.0f} |",
        *(
            f"| days on {cores:,} cores | core hours / {cores:,} / 24 | {core_hours / cores / 24:,.1f} |"
            for cores in CORES
        ),
        *(
            f"| cost, where a core's hour is {cents / 100:.2f} | core hours * price "
            f"| {core_hours * cents / 100:,.0f} |"
            for cents in CENTS
        ),
    ]
    if PEAK in figures:
        lines.append(
            f"| memory of a process, at most | measured over {figures['memory.rows']:,.0f} recordings "
            f"| {figures[PEAK]:,.0f} MiB |"
        )
    spent = {step: figures[f"throughput.{step}.ms_per_clip"] for step in STEPS}
    shares = ", ".join(f"{step} {share / sum(spent.values()):.0%}" for step, share in spent.items())
    reached = figures["throughput.network.share_of_matrix_product"]
    lines += [
        "",
        f"Where a core's time goes: {shares}. The network reaches {reached:.0%} of what the core makes of "
        "matrix products, so a faster one is a smaller one, or one [in fewer bits](#in-fewer-bits). Then "
        "come the disks: at 16 kHz and 16 bits ten million hours are "
        f"{HOURS * 3600 * 32_000 / 1e12:,.0f} TB, read once. "
        "No graphics card was measured: its rate is for you to measure before planning with it.",
    ]
    return "\n".join(lines)
