"""Pages in one file: a skeleton, a style sheet, escaping, figures within the page. Needs the extra `train`.

    page = html.render("affekt.doctor", "report.html", title="...", findings=findings)
    html.write(Path("report.html"), page)

`report.html`, beside the module `affekt.doctor`, begins with `{% extends "page.html" %}`, fills the blocks
`lead` and `main`, and may take macros from `parts.html`.
"""

from affekt.html.figures import DARK, LIGHT, Draw, Theme, figure_uri, picture, png_uri
from affekt.html.pages import printable, render, write

__all__ = [
    "DARK",
    "LIGHT",
    "Draw",
    "Theme",
    "figure_uri",
    "picture",
    "png_uri",
    "printable",
    "render",
    "write",
]
