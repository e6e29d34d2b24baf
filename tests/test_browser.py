"""The browser of the tests itself: a page that does wrong is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures import browser as browsers
from tests.fixtures.browser import Visits

POOR = """<!doctype html><html><head><title>Poor</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'self'; img-src http:"></head>
<body><main><h1>Poor</h1><img src="http://127.0.0.1:9/picture.png">
<script>document.title = "inline"</script></main></body></html>"""


def test_what_a_page_does_wrong_is_seen(visit: Visits, tmp_path: Path) -> None:
    (tmp_path / "poor.html").write_text(POOR, encoding="utf-8")
    seen = visit((tmp_path / "poor.html").as_uri())
    assert seen.outside("http://127.0.0.1:8000") == ["http://127.0.0.1:9/picture.png"]
    assert seen.outside("http://127.0.0.1:9") == []
    assert any("Content Security Policy" in complaint for complaint in seen.complaints)
    assert seen.page.title() == "Poor"
    found = seen.faults_of_access()
    assert any(line.startswith("image-alt") for line in found)
    assert any(line.startswith("html-has-lang") for line in found)


def test_without_a_browser_it_skips_and_in_ci_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "PLACES", ())
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        browsers.required()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        browsers.required()
