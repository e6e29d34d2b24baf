"""The page's files: nothing from outside, no HTML made from text, no dead ends."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from affekt.serving.app import STATIC

MODULES = sorted((STATIC / "js").glob("*.js"))
STYLES = sorted((STATIC / "css").glob("*.css"))
PAGE = STATIC / "index.html"
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)


PARSE = """
const { readFileSync } = require("fs"), { basename } = require("path"), { SourceTextModule } = require("vm");
for (const path of process.argv.slice(1)) {
  new SourceTextModule(readFileSync(path, "utf8"), { identifier: path });
  console.log(basename(path));
}
"""


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def tags() -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(PAGE.read_text(encoding="utf-8"))
    return parser.tags


def test_the_page_has_nothing_inline_and_nothing_from_outside(
    tags: list[tuple[str, dict[str, str | None]]],
) -> None:
    for tag, attributes in tags:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        for name in ("src", "href"):
            link = attributes.get(name) or "#"
            assert link.startswith("#") or (STATIC.parent / link).is_file(), link


def test_nothing_is_made_from_text_but_text() -> None:
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://", source
        )
        assert found == [], path.name
    for path in STYLES:
        assert not re.search(r"@import|url\(", path.read_text(encoding="utf-8")), path.name


def test_every_id_that_is_asked_for_stands_in_the_page_once(
    tags: list[tuple[str, dict[str, str | None]]],
) -> None:
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for path in MODULES:
        for asked in re.findall(r'byId\("([\w-]+)"\)', path.read_text(encoding="utf-8")):
            assert asked in ids, f"{path.name}: #{asked}"
    for _, attributes in tags:
        for name in ("aria-labelledby", "aria-describedby"):
            for named in (attributes.get(name) or "").split():
                assert named in ids, f"{name}: {named}"


def imports(path: Path) -> Iterator[tuple[str, str]]:
    for names, module in IMPORT.findall(path.read_text(encoding="utf-8")):
        for name in re.findall(r"\w+", names):
            yield module, name


def test_imports_name_what_there_is_and_nothing_is_dead() -> None:
    exported = {(path.name, name) for path in MODULES for name in EXPORT.findall(path.read_text("utf-8"))}
    imported = {found for path in MODULES for found in imports(path)}
    assert imported <= exported
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_page_parts.py"))
    unused = {name for module, name in exported - imported if f"m.{name}" not in tests}
    assert unused == set()
    for path in MODULES:
        body = IMPORT.sub("", path.read_text(encoding="utf-8"))
        for _, name in imports(path):
            assert re.search(rf"\b{name}\b", body), f"{path.name}: {name} is imported and not used"


def test_every_style_is_used(tags: list[tuple[str, dict[str, str | None]]]) -> None:
    source = PAGE.read_text(encoding="utf-8") + "".join(path.read_text("utf-8") for path in MODULES)
    for path in STYLES:
        for name in set(re.findall(r"\.([a-z][a-z-]+)(?=[^;{}]*\{)", path.read_text(encoding="utf-8"))):
            assert re.search(rf"\b{name}\b", source), f"{path.name}: .{name}"


@pytest.mark.parametrize("path", [*MODULES, *STYLES, PAGE], ids=lambda path: path.name)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_modules_are_sound_javascript() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine; the browser reads the modules in other tests")
    checked = subprocess.run(
        [node, "--no-warnings", "--experimental-vm-modules", "-e", PARSE, *map(str, MODULES)],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.split() == [path.name for path in MODULES]
