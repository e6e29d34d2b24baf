"""What a check has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing the check has to say; `files` are all that it concerns, relative to the root."""

    severity: Literal["error", "warning", "info"]
    code: str
    message: str
    files: tuple[str, ...] = ()
