"""How many inputs may fail before a run stops."""

from __future__ import annotations

import re
from dataclasses import dataclass

from affekt.errors import AffektError, UsageError

LEAST_INPUTS = 100
"""A share of failures is looked at from here on: of the first three inputs, one is 33 %."""


class TooManyFailuresError(AffektError):
    """More inputs failed than were allowed; what is done is kept."""

    code = "failures"


@dataclass(frozen=True)
class FailureLimit:
    """At most so many failed inputs, or such a share of them."""

    count: int | None = None
    share: float | None = None

    @classmethod
    def parse(cls, text: str | int | None) -> FailureLimit:
        """`100` inputs, `5%` of them, or None for any number.

        Raises:
            UsageError: it is none of these.
        """
        if text is None:
            return cls()
        found = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)%", str(text).strip())
        if not found or (found[2] and float(found[2]) > 100):
            raise UsageError(f"max failures {text}: give a number such as 100, or a share such as 5%")
        return cls(count=int(found[1])) if found[1] else cls(share=float(found[2]) / 100)

    def check(self, failed: int, done: int, last: str) -> None:
        """Stops the run where too many failed.

        Args:
            failed: inputs that failed so far.
            done: all so far.
            last: the message of the last that failed.

        Raises:
            TooManyFailuresError: too many.
        """
        too_many = self.count is not None and failed > self.count
        if self.share is not None and done >= LEAST_INPUTS:
            too_many = failed > self.share * done
        if too_many:
            allowed = self.count if self.count is not None else f"{100 * (self.share or 0):g}%"
            raise TooManyFailuresError(
                f"stopped: {failed:,} of {done:,} recordings failed where {allowed} may, the last with "
                f'"{last}"; see to them, then run it again'
            )
