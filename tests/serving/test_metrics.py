"""`/metrics`: what Prometheus reads, in labels of which there are few."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.fixtures import tiny

CLIP = min(tiny.EXAMPLES.glob("*.flac")).read_bytes()


def samples(base: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = httpx.get(f"{base}/metrics").text
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_answers_recordings_and_refusals_are_counted(base: str) -> None:
    before = samples(base)
    httpx.post(f"{base}/v1/predict", files=[("file", ("a", CLIP)), ("file", ("b", b"x"))])
    httpx.post(f"{base}/v1/predict", content=b"")
    after = samples(base)

    def grew(name: str, **labels: str) -> float:
        key = name, tuple(sorted(labels.items()))
        return after.get(key, 0) - before.get(key, 0)

    assert grew("affekt_requests_total", route="/v1/predict", method="POST", status="200") == 1
    assert grew("affekt_requests_total", route="/v1/predict", method="POST", status="400") == 1
    assert grew("affekt_refusals_total", code="no_recording") == 1
    assert grew("affekt_recordings_total", result="ok") == 1
    assert grew("affekt_recordings_total", result="format") == 1
    assert grew("affekt_audio_seconds_total") == 2.0
    assert grew("affekt_batch_clips_count") == 1
    assert after["affekt_queue_recordings", ()] == after["affekt_body_bytes", ()] == 0


def test_what_clients_send_makes_no_new_labels(base: str) -> None:
    httpx.get(f"{base}/metrics")
    before = set(samples(base))
    for number in range(5):
        httpx.get(f"{base}/nowhere/{number}")
        httpx.request(f"ODD{number}", f"{base}/odd{number}")
        httpx.post(f"{base}/v1/predict?model=m{number}", files=[("file", (f"name{number}", b"x"))])
    new = set(samples(base)) - before
    assert len(new) < 40 and not any(
        part in value
        for _, labels in new
        for _, value in labels
        for part in ("name", "odd", "m1", "nowhere/")
    )
