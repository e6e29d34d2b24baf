"""The example page scores a recording in a real browser as Python does."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from affekt import audio
from affekt.recognizer import Recognizer
from affekt.verbs.export import export
from tests.fixtures import tiny
from tests.fixtures.browser import Visits, browser, microphone, visit

__all__ = ["browser", "microphone", "visit"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "examples" / "browser" / "index.html"
KEPT = ROOT / ".web"
"""Not committed: the package that the page names, fetched when it is first needed."""


@pytest.fixture(scope="module")
def runtime() -> Path:
    """The folder of onnxruntime-web, in the version that the page names."""
    found = re.search(r"npm install (onnxruntime-web@([0-9.]+))", PAGE.read_text("utf-8"))
    assert found is not None
    folder = KEPT / found[1]
    if not folder.is_dir():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm to fetch onnxruntime-web with")
        KEPT.mkdir(exist_ok=True)
        try:
            packed = subprocess.run(
                [npm, "pack", found[1], "--silent"],
                cwd=KEPT, capture_output=True, text=True, timeout=120, check=True,
            )  # fmt: skip
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"{found[1]} cannot be fetched: {error}")
        archive = KEPT / packed.stdout.split()[-1]
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        archive.unlink()
    return folder / "package"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that ships, in all formats."""
    out = tmp_path_factory.mktemp("exported")
    export("default", out)
    return out


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(params=["onnx-float32", "onnx-float16", "onnx-int8"])
def site(
    request: pytest.FixtureRequest, exported: Path, runtime: Path, tmp_path: Path
) -> Iterator[tuple[str, Path]]:
    """The page with its parts beside it, served on this machine; the address, and the model folder."""
    shutil.copy(PAGE, tmp_path)
    (tmp_path / "model").symlink_to(exported / request.param)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "onnxruntime-web").symlink_to(runtime)
    handler = functools.partial(_Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", exported / request.param
        server.shutdown()
        thread.join()


def test_the_page_says_what_python_says(site: tuple[str, Path], visit: Visits, tmp_path: Path) -> None:
    url, model = site
    seen = visit(f"{url}/index.html")
    page = seen.page
    page.wait_for_function(
        "document.querySelector('#status').textContent.startsWith('Ready')", timeout=60_000
    )
    recognizer = Recognizer.load(model)
    for name in ("anger-03a01Wa", "sadness-08a02Tb"):
        clip = tmp_path / f"{name}.wav"
        samples = audio.read(tiny.EXAMPLES / f"{name}.flac")
        soundfile.write(clip, samples, audio.SAMPLE_RATE, subtype="PCM_16")
        page.set_input_files("#clip", clip)
        page.wait_for_function(
            "name => document.querySelector('#status').textContent === `Scored ${name}.`", arg=clip.name
        )
        rows = page.eval_on_selector_all("#scores tr", "rows => rows.map((one) => ({ ...one.dataset }))")
        expected = recognizer(clip).scores
        assert [row["label"] for row in rows] == list(expected)
        # Another runtime rounds differently: a step of an integer is far more than one of a float.
        tolerance = 1e-3 if recognizer.config.precision == "float32" else 0.02
        assert all(abs(float(row["score"]) - expected[row["label"]]) < tolerance for row in rows)
    assert seen.outside(url) == []
    assert seen.complaints == []
    assert seen.faults_of_access() == []


def test_what_is_no_recording_is_said(site: tuple[str, Path], visit: Visits, tmp_path: Path) -> None:
    page = visit(f"{site[0]}/index.html").page
    other = tmp_path / "notes.wav"
    other.write_bytes(b"not audio")
    page.set_input_files("#clip", other)
    page.wait_for_function(
        "document.querySelector('#status').textContent.startsWith('notes.wav cannot be scored')",
        timeout=60_000,
    )
    assert page.locator("#scores tr").count() == 0
