"""What a server says instead of an answer: a status, a code, and a line that says what to do."""

from __future__ import annotations

import json
from typing import Any


class RefusalError(Exception):
    """A request that is not answered; `code` names the reason, `message` is for people."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: int | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = {
            name: value
            for name, value in (
                ("retry-after", None if retry_after is None else str(retry_after)),
                ("www-authenticate", "Bearer" if status == 401 else None),
                ("allow", allow),
            )
            if value is not None
        }

    def body(self, request_id: str) -> bytes:
        """The JSON of the answer."""
        return error_body(self.code, self.message, request_id)


def error_body(code: str, message: str, request_id: str) -> bytes:
    """`{"error": {"code", "message", "request_id"}}`."""
    error: dict[str, Any] = {"code": code, "message": message, "request_id": request_id}
    return json.dumps({"error": error}, ensure_ascii=False).encode()
