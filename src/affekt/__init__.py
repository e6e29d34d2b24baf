"""Affekt recognises emotion in speech, and trains the recognisers."""

from __future__ import annotations

__version__ = "0.1.0"
