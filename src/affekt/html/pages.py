"""Templates to pages: everything is escaped, nothing is fetched, nothing is run."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affekt import __version__, files
from affekt.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Environment

# Marks that change the order of what follows, or are not seen at all: names must not hide behind them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)


def render(package: str, template: str, **values: Any) -> str:
    """The page that a template of a package makes of values.

    Whatever is put in is escaped, so that file names and labels can be anything; a value that the template
    names and that is not given is an error.

    Args:
        package: the module whose folder holds the template, such as `affekt.doctor`.
        template: its file name.
        values: what the template speaks of; `title` is the page's.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    return _environment(package).get_template(template).render(version=__version__, **values)


def write(path: Path, page: str) -> None:
    """Writes a page whole.

    Raises:
        WriteError: the disk refuses.
    """
    files.write_text(path, page)


def printable(text: str) -> str:
    """The text with what cannot be seen, or cannot be written as UTF-8, as `\\x..` and `\\u....`."""
    seen = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), seen)


@functools.cache
def _environment(package: str) -> Environment:
    try:
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise MissingExtraError("writing a page", "train") from error
    loaders = [PackageLoader(name, "") for name in dict.fromkeys((package, __package__))]
    return Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: (
            printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
        trim_blocks=True,
        lstrip_blocks=True,
    )
