"""Files from the web: each fetched once, whole, and known by its checksum, into the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from affekt import files
from affekt.errors import AffektError, LockedError, UsageError

Tick = Callable[[int, int | None], None]
"""Told of progress: bytes so far, and bytes in all where the server says."""

TIMEOUT_S = 30.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
_BLOCK_BYTES = 2**18
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_KINDS = {64: "SHA-256", 32: "MD5"}
"""The kinds of checksums, by their number of digits."""


class DownloadError(AffektError):
    """A file could not be fetched, or is not the one that was promised."""

    code = "download"


class _PassingError(Exception):
    """Something that may go better the next time."""


class _BeyondError(_PassingError):
    """The server's file ends before the part that is here."""


def cache_folder() -> Path:
    """Where fetched files live: AFFEKT_CACHE, else XDG_CACHE_HOME/affekt, else ~/.cache/affekt."""
    if chosen := os.environ.get("AFFEKT_CACHE"):
        return Path(chosen)
    # A relative one is to be ignored (XDG Base Directory Specification 0.8).
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "affekt"


def fetch(
    url: str,
    checksum: str,
    size_limit: int,
    *,
    cache: Path | None = None,
    tick: Tick | None = None,
    pauses_s: Sequence[float] = PAUSES_S,
) -> Path:
    """The file at `url`, from the cache folder or else from the web; its name is given after its checksum.

    A download that was cut is taken up where it ended, if the server can and its file is still the same.
    Where several processes want one file, one fetches it and the others wait.

    Args:
        url: an https address; http for this machine alone. Redirects are followed to https alone.
        checksum: the file's SHA-256, 64 lower-case hexadecimal digits; or its MD5, 32 of them, where the
            publisher gives no other: that one tells damage, not a forger's work.
        size_limit: bytes; a longer file is refused.
        cache: the folder; `cache_folder()` unless given.
        tick: told of progress.
        pauses_s: seconds to wait before each new attempt, where a failure may pass.

    Raises:
        UsageError: the address or the checksum is none that is taken.
        DownloadError: the server does not give the file, or it is another one; the message says what to do.
        WriteError: the cache folder cannot be written to.
    """
    _check(url, checksum)
    folder = (cache or cache_folder()) / "downloads" / checksum
    path = folder / _file_name(url)
    if _sound(path, checksum):
        return path
    with _turn(folder):
        # Another process may have fetched it while this one waited.
        if not _sound(path, checksum):
            path.unlink(missing_ok=True)
            _download(_Transfer(url, path, size_limit, tick), checksum, pauses_s)
    return path


def _check(url: str, checksum: str) -> None:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (url.isascii() and url.isprintable() and parts.hostname and (parts.scheme == "https" or local)):
        raise UsageError(f"{url!a:.200}: not an https address; give one, or fetch the file and name it")
    if len(checksum) not in _KINDS or not re.fullmatch(r"[0-9a-f]+", checksum):
        raise UsageError(f"{url}: {checksum!a:.80} is no SHA-256; give its 64 lower-case hexadecimal digits")


def _file_name(url: str) -> str:
    last = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    return re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".")[-100:] or "file"


def _digest(path: Path, checksum: str) -> str:
    """The file's digest, of the kind that the checksum is."""
    if _KINDS[len(checksum)] == "SHA-256":
        return files.sha256(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _sound(path: Path, checksum: str) -> bool:
    """Whether the file is there and right: read in full once, then known by size and time of change."""
    note = path.with_name(path.name + ".seen")
    try:
        status = path.stat()
    except OSError:
        return False
    seen = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
    with contextlib.suppress(UsageError):
        if files.read_json(note) == seen:
            return True
    if _digest(path, checksum) != checksum:
        return False
    with contextlib.suppress(files.WriteError):
        files.write_json(note, seen)
    return True


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Holds the folder, after whoever holds it now; the kernel frees it when its holder dies."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(files.lock(folder))
                break
            except LockedError:
                time.sleep(0.1)
        yield


class _Transfer:
    """A file under way: its bytes so far in `NAME.part`, what they are a part of in `NAME.part.json`."""

    def __init__(self, url: str, path: Path, size_limit: int, tick: Tick | None) -> None:
        self.url, self.path, self.size_limit, self.tick = url, path, size_limit, tick
        self.part = path.with_name(path.name + ".part")
        self.note = path.with_name(path.name + ".part.json")

    def discard(self) -> None:
        """Forgets what has come so far."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def run(self) -> bool:
        """Fetches all that is missing; whether it went on from an earlier part."""
        have, validator = self._state()
        headers = {"User-Agent": "affekt", "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        try:
            response = _open(self.url, headers)
        except _BeyondError:
            self.discard()
            raise
        with response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise DownloadError(f"{self.url}: comes compressed, unasked; {_BY_HAND}")
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                have = 0
            elif not _continues(response.headers, have, validator):
                self.discard()
                raise _PassingError("the server went on with another file")
            self._receive(response, have)
        return have > 0

    def _state(self) -> tuple[int, str]:
        """Bytes that have come, and the validator that says of what; (0, "") if none can be used."""
        try:
            note = files.read_json(self.note)
            size = self.part.stat().st_size
        except (UsageError, OSError):
            return 0, ""
        match note:
            case {"url": self.url, "validator": str(validator)} if validator:
                return size, validator
        return 0, ""

    def _receive(self, response: http.client.HTTPResponse, have: int) -> None:
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        if total is not None and total > self.size_limit:
            self.discard()
            raise self._too_large(total)
        if not have:
            self.discard()
            validator = _validator(response.headers)
            files.write_json(self.note, {"url": self.url, "validator": validator})
        with self.part.open("ab") as stream:
            done = have
            while block := _read(response):
                done += len(block)
                if done > self.size_limit:
                    self.discard()
                    raise self._too_large(done)
                stream.write(block)
                if self.tick:
                    self.tick(done, total)
        if total is not None and done < total:
            raise _PassingError(f"cut after {done} of {total} bytes")

    def _too_large(self, size: int) -> DownloadError:
        return DownloadError(
            f"{self.url}: {size} bytes or more, where at most {self.size_limit} are expected; {_BY_HAND}"
        )


_BY_HAND = "fetch it by other means and name the file"


def _download(transfer: _Transfer, checksum: str, pauses_s: Sequence[float]) -> None:
    try:
        continued = _persist(transfer, pauses_s)
        found = _digest(transfer.part, checksum)
        if found != checksum and continued:
            # Two versions of the file may have been joined.
            transfer.discard()
            _persist(transfer, pauses_s)
            found = _digest(transfer.part, checksum)
        if found != checksum:
            transfer.discard()
            kind = _KINDS[len(checksum)]
            raise DownloadError(
                f"{transfer.url}: its {kind} is {found} where {checksum} was promised; nothing was kept, "
                "name the right checksum or fetch it from elsewhere"
            )
        files.put_in_place(transfer.part, transfer.path)
        transfer.discard()
        _sound(transfer.path, checksum)
    except OSError as error:
        raise files.WriteError(
            f"{transfer.path.parent}: {(error.strerror or str(error)).lower()}; "
            "set AFFEKT_CACHE to a folder with room that may be written to"
        ) from error


def _persist(transfer: _Transfer, pauses_s: Sequence[float]) -> bool:
    """Runs a transfer until it ends or there is no pause left; whether any part came from before."""
    continued = False
    for pause in pauses_s:
        try:
            return transfer.run() or continued
        except _PassingError:
            continued = transfer.part.exists()
            time.sleep(pause)
    try:
        return transfer.run() or continued
    except _PassingError as error:
        raise DownloadError(f"{transfer.url}: {error}; try again later, what has come is kept") from None


class _ToHttpsAlone(HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme != "https":
            raise DownloadError(f"{req.full_url}: sent on to {newurl!a:.200}, what is not https; {_BY_HAND}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _open(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    handlers: list[HTTPRedirectHandler | ProxyHandler] = [_ToHttpsAlone()]
    if urlsplit(url).scheme == "http":
        handlers.append(ProxyHandler({}))
    try:
        response: http.client.HTTPResponse = build_opener(*handlers).open(
            Request(url, headers=headers), timeout=TIMEOUT_S
        )
    except HTTPError as error:
        error.close()
        told = f"the server says {error.code} {http.client.responses.get(error.code, '')}".rstrip()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _BeyondError(told) from None
        if 300 <= error.code < 400:
            raise DownloadError(f"{url}: sent on to what is not https; {_BY_HAND}") from None
        if error.code in _PASSING:
            raise _PassingError(told) from None
        raise DownloadError(f"{url}: {told}; look whether the file has moved, or {_BY_HAND}") from None
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DownloadError(f"{url}: the server's certificate is not trusted; {_BY_HAND}") from None
        raise _PassingError(f"cannot be reached ({error.reason})") from None
    except (OSError, http.client.HTTPException) as error:
        raise _PassingError(f"cannot be reached ({error or type(error).__name__})") from None
    return response


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_BLOCK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _PassingError(f"the connection was lost ({error or type(error).__name__})") from None


def _validator(headers: Message) -> str:
    """What tells this version of the file from another: a strong ETag, else the date of the last change."""
    tag = str(headers.get("ETag", ""))
    return tag if tag.startswith('"') else str(headers.get("Last-Modified", ""))


def _continues(headers: Message, have: int, validator: str) -> bool:
    begins = str(headers.get("Content-Range", "")).startswith(f"bytes {have}-")
    return begins and _validator(headers) in ("", validator)
