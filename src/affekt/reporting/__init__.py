"""A run's folder as one page that works offline: what was trained on what, how right, where it is wrong."""

from affekt.reporting.page import report

__all__ = ["report"]
