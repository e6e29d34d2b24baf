"""Health, models, the page, and the headers that all answers have."""

from __future__ import annotations

import httpx
import pytest

from tests.fixtures import tiny

CLIP = min(tiny.EXAMPLES.glob("*.flac"))


def test_health_and_readiness(base: str) -> None:
    assert httpx.get(f"{base}/health").json()["status"] == "ok"
    assert httpx.get(f"{base}/ready").json() == {"status": "ready"}


def test_models_say_what_they_are(base: str) -> None:
    model, *_ = httpx.get(f"{base}/v1/models").json()["models"]
    assert (model["name"], model["default"], model["system"]) == ("tiny", True, "resnet-stats")
    assert model["labels"] == ["anger", "happiness", "neutral", "sadness"]
    assert model["metrics"] == {"none.uar": {"value": 0.25, "low": 0.2, "high": 0.3}}
    assert model["card"] == "# Tiny\n" and model["licences"][0]["name"] == "weights"


@pytest.mark.parametrize(
    ("format", "kind"), [("json", "application/json"), ("csv", "text/csv"), ("vtt", "text/vtt")]
)
def test_every_form_of_an_answer_is_in_the_description(base: str, format: str, kind: str) -> None:
    described = httpx.get(f"{base}/openapi.json").json()["paths"]["/v1/predict"]["post"]["responses"]["200"]
    answer = httpx.post(f"{base}/v1/predict", params={"format": format}, content=CLIP.read_bytes())
    assert answer.headers["content-type"].split(";")[0] == kind and kind in described["content"]


def test_the_page_is_there(base: str) -> None:
    answer = httpx.get(base)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/", "/health", "/nowhere", "/v1/models", "/static/../run.py", "/docs"])
def test_every_answer_tells_browsers_to_be_careful(base: str, path: str) -> None:
    headers = httpx.get(f"{base}{path}").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and "access-control-allow-origin" not in headers
    assert len(headers["x-request-id"]) == 16 and "server" not in headers


@pytest.mark.parametrize(
    "path", ["/nowhere", "/static/%2e%2e/run.py", "/static/..%2frun.py", "/docs", "/redoc"]
)
def test_nothing_else_is_shown(base: str, path: str) -> None:
    answer = httpx.get(f"{base}{path}")
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"
