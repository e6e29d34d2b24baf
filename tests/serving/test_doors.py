"""Who may ask: names, pages elsewhere, tokens, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from affekt.errors import UsageError
from affekt.serving import Limits, Settings
from affekt.serving.settings import named_models, read_token
from tests.fixtures import tiny
from tests.serving.conftest import running

CLIP = min(tiny.EXAMPLES.glob("*.flac")).read_bytes()
TOKEN = "0123456789abcdefghij"


@pytest.fixture(scope="module")
def guarded(tiny_model_folder: Path) -> Iterator[str]:
    settings = Settings(port=0, token=TOKEN, hosts=("affekt.example",), origins=("https://page.example",))
    with running(f"tiny={tiny_model_folder}", settings) as url:
        yield url


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/openapi.json", "/nowhere"])
@pytest.mark.parametrize(
    "headers", [{}, bearer(TOKEN[:-1]), {"authorization": "Bearer"}, {"authorization": TOKEN}]
)
def test_without_the_token_there_is_nothing(guarded: str, path: str, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{guarded}{path}", headers=headers)
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "token" and TOKEN not in answer.text


def test_a_body_is_not_read_before_the_token(guarded: str) -> None:
    answer = httpx.post(f"{guarded}/v1/predict?token={TOKEN}", content=CLIP)
    assert answer.status_code == 401


def test_with_the_token_all_is_there(guarded: str) -> None:
    assert httpx.get(f"{guarded}/v1/models", headers=bearer(TOKEN)).status_code == 200
    assert httpx.post(f"{guarded}/v1/predict", content=CLIP, headers=bearer(TOKEN)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/ready"])
def test_the_page_and_probes_need_no_token(guarded: str, path: str) -> None:
    assert httpx.get(f"{guarded}{path}").status_code == 200
    assert httpx.get(f"{guarded}/health").json()["token"] is True


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example:8080", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("affekt.example", 200),
        ("Affekt.Example:9", 200),
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8080", 200),
        ("192.0.2.7", 200),
    ],
)
def test_names_that_are_not_the_servers_are_refused(guarded: str, host: str, status: int) -> None:
    assert httpx.get(f"{guarded}/health", headers={"host": host}).status_code == status


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_pages_of_other_servers_may_not_send(guarded: str, origin: str) -> None:
    answer = httpx.post(f"{guarded}/v1/predict", content=CLIP, headers={"origin": origin, **bearer(TOKEN)})
    assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers


def test_a_page_that_was_allowed_may(guarded: str) -> None:
    page = {"origin": "https://page.example"}
    answer = httpx.post(f"{guarded}/v1/predict", content=CLIP, headers={**page, **bearer(TOKEN)})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://page.example"
    asked = {
        **page,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    assert httpx.options(f"{guarded}/v1/predict", headers=asked).status_code == 200


def test_the_own_page_may_send(base: str) -> None:
    answer = httpx.post(f"{base}/v1/predict", content=CLIP, headers={"origin": base})
    assert answer.status_code == 200


def test_too_many_requests_of_one_address_are_refused(tiny_model_folder: Path) -> None:
    settings = Settings(port=0, limits=Limits(rate=0.02))
    with running(f"tiny={tiny_model_folder}", settings) as url:
        answers = [httpx.post(f"{url}/v1/predict", content=CLIP) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 429, 429]
        late = answers[-1]
        assert late.json()["error"]["code"] == "rate" and 45 <= int(late.headers["retry-after"]) <= 51
        assert httpx.get(f"{url}/health").status_code == 200


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (Settings(host="0.0.0.0"), "needs a token"),
        (Settings(host="::"), "needs a token"),
        (Settings(host="192.0.2.1"), "needs a token"),
        (Settings(host="example.org"), "needs a token"),
        (Settings(token="short"), "too easy to guess"),
        (Settings(port=70_000), "ports are 0 to 65535"),
    ],
)
def test_settings_that_leave_it_open_are_refused(settings: Settings, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        settings.check()


def test_the_token_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token(file) == TOKEN and TOKEN not in repr(Settings(token=TOKEN))
    monkeypatch.setenv("AFFEKT_TOKEN", "of the environment")
    assert read_token(None) == "of the environment"
    file.write_text("\n")
    with pytest.raises(UsageError, match="empty"):
        read_token(file)
    with pytest.raises(UsageError, match="No such file"):
        read_token(tmp_path / "nowhere")


def test_models_are_named_once() -> None:
    assert named_models(["default", "a=./x/model", Path("/y/model")]) == {
        "default": "default",
        "a": "./x/model",
        "model": Path("/y/model"),
    }
    with pytest.raises(UsageError, match="write NAME=b/model"):
        named_models(["a/model", "b/model"])
