"""Recordings at addresses such as `s3://bucket/calls/a.wav`, by fsspec: listed, and read where they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import IO, Any, TypeVar

from affekt.errors import AffektError, AudioFormatError, AudioNotFoundError, MissingExtraError
from affekt.labels import nearest

SCHEMES: dict[str, str] = {
    "s3": "", "s3a": "", "file": "", "memory": "", "ftp": "",
    "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs",
    "http": "aiohttp", "https": "aiohttp", "sftp": "paramiko", "hf": "huggingface_hub",
}  # fmt: skip
"""Scheme -> the package that it needs besides `affekt[remote]`, where it needs one."""

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PATTERN = re.compile(r"[*?\[]")
_FLAT = ("http", "https")
"""A web server has no folders: an address is a recording."""

Result = TypeVar("Result")


def is_remote(name: str) -> bool:
    """Whether a name is an address with a scheme."""
    return _ADDRESS.match(name) is not None


def open_file(address: str) -> IO[bytes]:
    """The file at an address, open for reading; it can seek.

    Raises:
        AudioNotFoundError: it is not there, or cannot be read.
        AudioFormatError: an address of a kind that is not read, or not without another package.
        MissingExtraError: fsspec is not installed.
    """

    def opened() -> IO[bytes]:
        system, path = _system(address)
        stream: IO[bytes] = system.open(path, "rb")
        return stream

    return _told(address, opened)


def listed(address: str, wanted: Callable[[str], bool]) -> list[str] | None:
    """The addresses below a folder that are `wanted`, or that a pattern matches, sorted; None for a file.

    Hidden ones are left out.

    Raises:
        AudioNotFoundError, AudioFormatError, MissingExtraError: as `open_file`.
    """

    def found() -> list[str] | None:
        system, path = _system(address)
        if _PATTERN.search(path) and _scheme(address) not in _FLAT:
            return sorted(system.unstrip_protocol(one) for one in system.glob(path) if system.isfile(one))
        if _scheme(address) in _FLAT or not system.isdir(path):
            return None
        below = [one for one in system.find(path) if not _hidden(one, path)]
        return sorted(system.unstrip_protocol(one) for one in below if wanted(one))

    return _told(address, found)


def _hidden(one: str, folder: str) -> bool:
    return any(part.startswith(".") for part in one.removeprefix(folder).split("/"))


def _scheme(address: str) -> str:
    found = _ADDRESS.match(address)
    return found[1].lower() if found else ""


def _system(address: str) -> tuple[Any, str]:
    """The file system of an address and the path in it."""
    scheme = _scheme(address)
    if scheme not in SCHEMES or "::" in address:
        hint = "no chains" if "::" in address else f"not one of these{nearest(scheme, SCHEMES)}"
        raise AudioFormatError(
            address, f"an address that is not read, {hint}", "copy the recording here first"
        )
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError(f"{address}: reading addresses", "remote") from error
    system, path = fsspec.core.url_to_fs(address)
    return system, path


def _told(address: str, work: Callable[[], Result]) -> Result:
    try:
        return work()
    except AffektError:
        raise
    except ImportError as error:
        package = SCHEMES.get(_scheme(address), "")
        if not package:
            raise MissingExtraError(f"{address}: reading it", "remote") from error
        remedy = f'pip install "affekt[remote]" {package}'
        raise AudioFormatError(address, f"{_scheme(address)} needs another package", remedy) from error
    except FileNotFoundError as error:
        raise AudioNotFoundError(address, "no such file", "check the address") from error
    except Exception as error:
        # Each file system has errors of its own: of the network, of keys, of buckets.
        lines = str(error).split("\n")
        problem = f"cannot be read ({type(error).__name__}: {lines[0][:160]})"
        raise AudioNotFoundError(
            address, problem, "check the address, the network and your credentials"
        ) from error
