"""Waiting for one of two things."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class GivenUpError(Exception):
    """What ends the wait has come first."""


async def unless(end: Coroutine[Any, Any, object], work: Coroutine[Any, Any, T]) -> T:
    """The result of work, which is given up once `end` is over.

    Raises:
        GivenUpError: it was.
    """
    working, ending = asyncio.ensure_future(work), asyncio.ensure_future(end)
    try:
        await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise GivenUpError
    finally:
        for one in (working, ending):
            if not one.done():
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one
