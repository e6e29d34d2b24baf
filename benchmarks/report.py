"""The page of a run: its size, what it asks of the network, and what axe finds against WCAG 2.2 AA.

A run on EMO-DB is trained, two folds of speakers for a few epochs, or taken where there is one; its page is
opened in Chromium in light and dark and as wide as a telephone.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from _record import DATA, record

import affekt
from affekt import recipe

VIEWS = {"light": (1280, "light"), "dark": (1280, "dark"), "telephone": (360, "light")}
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, help="a run's folder: taken where it holds one, kept otherwise")
    parser.add_argument("--epochs", type=int, default=8)
    arguments = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        run = arguments.out or Path(scratch) / "cv"
        if not (run / "report.json").exists():
            wanted = [f"data=emodb:{DATA / 'emodb'}", f"train.epochs={arguments.epochs}"]
            affekt.train(recipe.load("thin", wanted), run, protocol="speaker-kfold", folds=2, resume=True)
        began = time.perf_counter()
        page = affekt.report(run, Path(scratch) / "report.html")
        seconds = time.perf_counter() - began
        size = page.stat().st_size
        silent = affekt.report(run, Path(scratch) / "silent.html", audio=False, explain=False).stat().st_size
        seen = opened(page)
    figures: dict[str, float] = {
        "report.page.mb": size / 1e6,
        "report.page_without_mistakes.mb": silent / 1e6,
        "report.write.s": seconds,
        "report.requests": sum(len(view["requests"]) for view in seen.values()),
        "report.console_errors": sum(len(view["console"]) for view in seen.values()),
        "report.axe_violations": sum(len(view["axe"]) for view in seen.values()),
    }
    record("report", figures, seen, started)
    for name, value in figures.items():
        print(f"{name}: {value:.4g}")


def opened(page: Path) -> dict[str, dict[str, list[str]]]:
    """For each view: requests beyond the page itself, what the console says, and the rules of axe broken."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    found: dict[str, dict[str, list[str]]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*ARGUMENTS])
        for name, (width, scheme) in VIEWS.items():
            settings: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
            tab = browser.new_context(**settings).new_page()
            requests: list[str] = []
            console: list[str] = []
            _watch(tab, requests, console)
            tab.goto(page.as_uri())
            axe = Axe().run(tab, options={"runOnly": {"type": "tag", "values": list(RULES)}}).response
            outside = [url for url in requests if not url.startswith(("data:", page.as_uri()))]
            violations = [str(one["id"]) for one in axe["violations"]]
            found[name] = {"requests": outside, "console": console, "axe": violations}
        browser.close()
    return found


def _watch(tab: Any, requests: list[str], console: list[str]) -> None:
    tab.on("request", lambda one: requests.append(one.url))
    tab.on("console", lambda one: console.append(one.text))


if __name__ == "__main__":
    main()
