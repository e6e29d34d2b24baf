"""Reads safetensors bytes more strictly than the format asks: nothing is skipped, everything is finite.

Layout (github.com/huggingface/safetensors): 8 bytes little-endian header size, a JSON header that maps each
tensor to its type, shape and byte range, then the bytes of all tensors without gap or overlap.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt import files

MAX_HEADER_BYTES = 2 * 2**20
# Of different sizes, so that the shape and the number of bytes leave no doubt of the type.
_TYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8", "U8": "|u1"}
_METADATA = "__metadata__"


def read(data: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file as read-only views of `data`, each finite.

    Raises:
        ValueError: the header or the bytes are not exactly as they should be.
    """
    header, start = _header(data)
    tensors: dict[str, NDArray[Any]] = {}
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: _offsets(*item)):
        begin, stop = _offsets(name, entry)
        if begin != end:
            raise ValueError(f"tensor {name!a:.80}: its bytes overlap others or leave a gap")
        tensors[name] = _tensor(name, entry, data[start + begin : start + stop], stop - begin)
        end = stop
    if start + end != len(data):
        raise ValueError(f"{len(data) - start} bytes of tensors where the header tells of {end}")
    return tensors


def shapes(tensors: dict[str, NDArray[Any]]) -> dict[str, list[int]]:
    """Name -> shape, sorted by name."""
    return {name: list(tensors[name].shape) for name in sorted(tensors)}


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    if len(data) < 8:
        raise ValueError("shorter than a safetensors header")
    (size,) = struct.unpack("<Q", data[:8])
    if size > min(MAX_HEADER_BYTES, len(data) - 8):
        raise ValueError(f"tells of a header of {size} bytes")
    text = data[8 : 8 + size]
    if not text.startswith(b"{"):
        raise ValueError("the header is not a JSON object")
    header = files.parse_json(text)
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("the header's metadata is not a mapping of texts")
    if not header:
        raise ValueError("holds no tensors")
    return header, 8 + size


def _offsets(name: str, entry: object) -> tuple[int, int]:
    match entry:
        case {"data_offsets": [begin, stop], **rest} if set(rest) == {"dtype", "shape"}:
            if type(begin) is int and type(stop) is int and 0 <= begin <= stop:
                return begin, stop
    raise ValueError(f"tensor {name!a:.80}: its header entry is malformed")


def _tensor(name: str, entry: dict[str, Any], raw: bytes, size: int) -> NDArray[Any]:
    kind, shape = entry["dtype"], entry["shape"]
    if not (isinstance(kind, str) and kind in _TYPES):
        raise ValueError(f"tensor {name!a:.80}: type {str(kind)!a:.40} is not one of {', '.join(_TYPES)}")
    if not (isinstance(shape, list) and len(shape) <= 8 and all(type(n) is int and n > 0 for n in shape)):
        raise ValueError(f"tensor {name!a:.80}: its shape is malformed")
    dtype = np.dtype(_TYPES[kind])
    if math.prod(shape) * dtype.itemsize != size or len(raw) != size:
        raise ValueError(f"tensor {name!a:.80}: shape and bytes disagree")
    values = np.frombuffer(raw, dtype).reshape(shape)
    if dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"tensor {name!a:.80}: holds NaN or infinite values")
    return values
