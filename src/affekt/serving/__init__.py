"""Answers over HTTP: predictions, timelines, explanations, live streams, and a page to try them on.

The function is `affekt.serve`; a package of that name would hide it.
"""

from affekt.serving.run import serve
from affekt.serving.settings import Limits, Settings

__all__ = ["Limits", "Settings", "serve"]
