"""Bounded shares of what all requests have together: memory for bodies, places in the queue."""

from __future__ import annotations

from types import TracebackType

from affekt.serving.refusals import RefusalError


class Shared:
    """So much of something for all requests; used from the event loop alone."""

    def __init__(self, most: int, code: str, message: str) -> None:
        self.most = most
        self.taken = 0
        self._refusal = (code, message)

    def hold(self) -> Hold:
        """A request's part, empty as yet; a context manager that gives it back."""
        return Hold(self)

    def check(self, amount: int = 1) -> None:
        """Refuses early what could not be taken now.

        Raises:
            RefusalError: 429.
        """
        if self.taken + amount > self.most:
            code, message = self._refusal
            raise RefusalError(429, code, message, retry_after=1)


class Hold:
    """What one request has taken."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.amount = 0

    def take(self, amount: int) -> None:
        """Takes more.

        Raises:
            RefusalError: 429: there is not so much left.
        """
        self._shared.check(amount)
        self._shared.taken += amount
        self.amount += amount

    def move(self, shared: Shared) -> None:
        """Takes as much of something else, in place of this.

        Raises:
            RefusalError: 429: there is not so much left.
        """
        shared.check(self.amount)
        self._shared.taken -= self.amount
        shared.taken += self.amount
        self._shared = shared

    def give_back(self) -> None:
        """Gives all of it back."""
        self._shared.taken -= self.amount
        self.amount = 0

    def __enter__(self) -> Hold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()
