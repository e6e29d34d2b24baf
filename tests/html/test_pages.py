"""Pages: whatever is put in is text, nothing is fetched, figures come in light and dark."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from affekt import html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HOSTILE = [
    "<script>alert(1)</script>.wav",
    '"><img src=x onerror=alert(1)>.wav',
    "{{ 7 * 7 }}{% include '/etc/passwd' %}.wav",
    "'; color: red; background: url(https://example.org/x)",
    "abc\u202egnp.wav",
    "nul\x00bell\x07.wav",
    "caf\udce9.wav",
    "$\\alpha$ & é 語.wav",
]
WORDS = st.text(st.characters(), max_size=40)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page_of(title: str) -> str:
    return html.render("affekt.html", "page.html", title=title)


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def parts_of(name: str) -> str:
    """All parts of pages, with a name in every place that takes one."""
    from affekt.html.pages import _environment

    text = """{% import "parts.html" as parts %}
    {{ parts.tiles([(name, name)]) }}{{ parts.table([name, "b"], [[name, name]], name, numbers=(1,)) }}
    {{ parts.heat(name, [name], [(name, [(name, 0.5)])], name) }}{{ parts.files([name]) }}
    {{ parts.image("data:,", name, name) }}{{ parts.shown("", name) }}"""
    return _environment("affekt.html").from_string(text).render(name=name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_no_more(name: str) -> None:
    sound, hostile = parsed(page_of("a") + parts_of("a")), parsed(page_of(name) + parts_of(name))
    assert hostile.tags == sound.tags
    assert [key for key, _ in hostile.attributes] == [key for key, _ in sound.attributes]
    assert "\u202e" not in page_of(name)
    page_of(name).encode("utf-8")


@given(WORDS)
def test_any_text_is_shown_as_it_is_written(name: str) -> None:
    shown = parsed(parts_of(f"<{name}>"))
    assert shown.tags == parsed(parts_of("a")).tags
    assert f"<{html.printable(name)}>".replace("\r\n", "\n") in "".join(shown.text).replace("\r\n", "\n")


def test_a_page_asks_for_nothing(tmp_path: Path) -> None:
    page = page_of("a page")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r"https?://|//[a-z]|@import|url\(", page)
    html.write(tmp_path / "page.html", page)
    assert (tmp_path / "page.html").read_text("utf-8") == page


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="title"):
        html.render("affekt.html", "page.html")


def test_a_figure_is_drawn_for_light_and_for_dark() -> None:
    seen: list[str] = []

    def draw(figure: Figure, theme: html.Theme) -> None:
        seen.append(theme.name)
        axes = figure.add_subplot()
        axes.plot([0, 1], [1, 0], color=theme.blue)
        axes.set_title(r"file $\bad{.wav")

    shown = str(html.picture(draw, 'a "line"', size=(3, 2)))
    assert seen == ["light", "dark"]
    images = [base64.b64decode(found) for found in re.findall(r"base64,([A-Za-z0-9+/=]+)", shown)]
    assert len(images) == 2
    assert images[0] != images[1]
    assert all(image.startswith(b"\x89PNG") for image in images)
    assert 'alt="a &#34;line&#34;"' in shown
    assert shown == str(html.picture(draw, 'a "line"', size=(3, 2)))
