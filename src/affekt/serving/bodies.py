"""The recordings in a request: a raw body, or the parts of a form; held in memory, never written anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from affekt.serving.holdings import Hold
from affekt.serving.refusals import RefusalError
from affekt.serving.settings import Limits

FIELD = "file"
"""The name of the form's field that holds a recording."""

UNNAMED = "recording"
"""What a recording is called that was sent without a name."""

_LONGEST_NAME = 255
_REFUSED_TYPES = ("application/json", "application/x-www-form-urlencoded", "text/")


@dataclass(frozen=True)
class Upload:
    """A recording as it was sent; `name` is a label for people, and never a path."""

    name: str
    content: bytes


async def read_uploads(
    blocks: AsyncIterator[bytes], headers: dict[str, str], limits: Limits, hold: Hold
) -> list[Upload]:
    """Reads a request's recordings, at least one.

    Args:
        blocks: the body as it comes.
        headers: by lower-case name.
        hold: takes the bytes as they come, so that all bodies together stay within their budget.

    Raises:
        RefusalError: too much, nothing, or a body of another kind.
    """
    _check_declared(headers, limits)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = _Form(headers["content-type"], limits)
        async for block in _counted(blocks, limits, hold):
            form.write(block)
        return form.uploads()
    if kind.startswith(_REFUSED_TYPES):
        raise RefusalError(
            415,
            "unsupported_body",
            f"send audio as a raw body, or as the field '{FIELD}' of a multipart form",
        )
    body = bytearray()
    async for block in _counted(blocks, limits, hold):
        body += block
    if not body:
        raise RefusalError(400, "no_recording", "the body is empty; send a recording")
    return [Upload(UNNAMED, bytes(body))]


def _check_declared(headers: dict[str, str], limits: Limits) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusalError(415, "unsupported_encoding", "send the body without a content encoding")
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limits.body_bytes:
        raise _too_large(limits)


def _too_large(limits: Limits) -> RefusalError:
    return RefusalError(
        413, "body_too_large", f"over {limits.body_bytes} bytes; send the recordings in several requests"
    )


async def _counted(blocks: AsyncIterator[bytes], limits: Limits, hold: Hold) -> AsyncIterator[bytes]:
    count = 0
    async for block in blocks:
        count += len(block)
        if count > limits.body_bytes:
            raise _too_large(limits)
        hold.take(len(block))
        yield block


@dataclass
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    content: bytearray | None = None
    name: str = UNNAMED


class _Form:
    """A form as it comes; parts other than the recordings are refused."""

    def __init__(self, content_type: str, limits: Limits) -> None:
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser, parse_options_header

        self._limits = limits
        self._parse_options = parse_options_header
        self._error = FormParserError
        self._parts: list[_Part] = []
        self._key = self._value = b""
        self._complete = False
        boundary = parse_options_header(content_type.encode("latin-1"))[1].get(b"boundary")
        if not boundary:
            raise self._malformed()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._on_key,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header,
                    "on_headers_finished": self._on_headers,
                    "on_part_data": self._on_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise self._malformed() from error

    def write(self, block: bytes) -> None:
        try:
            self._parser.write(block)
        except self._error as error:
            raise self._malformed() from error

    def uploads(self) -> list[Upload]:
        if not self._complete:
            raise self._malformed()
        found = [Upload(part.name, bytes(part.content)) for part in self._parts if part.content is not None]
        if not found:
            raise RefusalError(
                400, "no_recording", f"no field '{FIELD}' in the form; send recordings as that"
            )
        return found

    def _begin(self) -> None:
        if len(self._parts) >= self._limits.files:
            raise RefusalError(
                413, "too_many_files", f"over {self._limits.files} recordings; send them in several requests"
            )
        self._parts.append(_Part())

    def _on_key(self, data: bytes, start: int, end: int) -> None:
        self._key += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._parts[-1].headers[self._key.lower()] = self._value
        self._key = self._value = b""

    def _on_headers(self) -> None:
        part = self._parts[-1]
        kind, options = self._parse_options(part.headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or name != FIELD:
            raise RefusalError(
                400,
                "unknown_field",
                f"the form has another field than '{FIELD}'; the rest goes into the query",
            )
        part.content = bytearray()
        part.name = label(options.get(b"filename", b"").decode("utf-8", "replace"))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        content = self._parts[-1].content
        assert content is not None
        content += data[start:end]

    def _on_end(self) -> None:
        self._complete = True

    def _malformed(self) -> RefusalError:
        return RefusalError(
            400, "malformed_form", "not a well-formed multipart form; build it with a library"
        )


def label(name: str) -> str:
    """A client's name for a recording as text that is safe to show: one line, printable, not endless."""
    shown = "".join(one if one.isprintable() else "\ufffd" for one in name[:_LONGEST_NAME])
    return shown or UNNAMED
