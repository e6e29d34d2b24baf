"""Rows as files for annotation tools and players, one for each recording: Audacity, ELAN, Praat, WebVTT.

Audacity: https://manual.audacityteam.org/man/importing_and_exporting_labels.html. ELAN: the schema EAF 3.0,
https://www.mpi.nl/tools/elan/EAFv3.0.xsd. Praat: its manual, "TextGrid file formats". WebVTT: W3C.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from affekt import files
from affekt.errors import UsageError
from affekt.naming import NamesBelow

Row = dict[str, Any]

TIERS = ("emotion", "confidence")
"""The tiers of ELAN and Praat."""

_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_NO_DATE = "1970-01-01T00:00:00+00:00"
"""ELAN wants one; the same rows make the same file."""


class Stretch(NamedTuple):
    """A label from `start` to `end` seconds; `confidence` is 0 to 1, or None."""

    start: float
    end: float
    label: str
    confidence: float | None = None


def render(form: str, stretches: Sequence[Stretch], recording: str = "") -> str:
    """The text of a file in one of `FORMATS`.

    Args:
        form: `audacity`, `eaf`, `textgrid` or `vtt`.
        stretches: gaps stay empty, overlaps go to the earlier one.
        recording: the recording's file, which ELAN opens.
    """
    return _RENDER[form](_apart(stretches), recording)


def _apart(stretches: Sequence[Stretch]) -> list[Stretch]:
    """In order and without overlaps, as tiers want them: a later one begins where the one before ends."""
    found: list[Stretch] = []
    for one in sorted(stretches, key=lambda one: one.start):
        start = max(one.start, found[-1].end) if found else one.start
        if start < one.end:
            found.append(one._replace(start=start))
    return found


def check(folder: Path, form: str) -> None:
    """Whether files of this format can go into this folder: better known before than after.

    Raises:
        UsageError: `folder` is a file, or its name ends like one.
    """
    is_file = folder.exists() and not folder.is_dir()
    if is_file or folder.suffix.lower() == FORMATS[form].lower():
        raise UsageError(f"{folder}: {form} is a file for each recording; name a folder for them")


@contextlib.contextmanager
def to_folder(folder: Path, form: str) -> Iterator[Callable[[Row], None]]:
    """Gives a function that takes rows; each recording's file is written, whole, with its last row.

    Rows of one recording come one after the other; those with an error have no stretch, and a recording that
    has nothing else has no file. The rows of one channel make a file of their own.

    Raises:
        UsageError: `folder` is a file, or its name ends like one.
        WriteError: the disk refuses.
    """
    check(folder, form)
    names = NamesBelow(folder, FORMATS[form])
    held: list[Row] = []

    def flush() -> None:
        if held:
            stretches = [Stretch(row["start"], row["end"], row["emotion"], row["confidence"]) for row in held]
            path = names.path(_named(held[0]))
            files.write_text(path, render(form, stretches, held[0]["file"]))
            held.clear()

    def write(row: Row) -> None:
        if held and _named(row) != _named(held[0]):
            flush()
        if row["error"] is None:
            held.append(row)

    yield write
    flush()


def _named(row: Row) -> str:
    """The recording, or one channel of it."""
    name = str(row["file"])
    if row.get("channel") is None:
        return name
    path = Path(name)
    return str(path.with_name(f"{path.stem}.{row['channel']}{path.suffix}"))


def _audacity(stretches: Sequence[Stretch], recording: str) -> str:
    return "".join(f"{one.start:.6f}\t{one.end:.6f}\t{_line(one.label)}\n" for one in stretches)


def _vtt(stretches: Sequence[Stretch], recording: str) -> str:
    cues = [f"{_clock(one.start)} --> {_clock(one.end)}\n{_cue(one)}\n" for one in stretches]
    return "\n".join(["WEBVTT\n", *cues])


def _cue(one: Stretch) -> str:
    label = _line(one.label).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return label if one.confidence is None else f"{label} {one.confidence:.0%}"


def _clock(seconds: float) -> str:
    """`hh:mm:ss.ttt`."""
    whole, milliseconds = divmod(round(1000 * seconds), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{milliseconds:03d}"


def _textgrid(stretches: Sequence[Stretch], recording: str) -> str:
    end = stretches[-1].end if stretches else 0.0
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.6f}",
        "tiers? <exists>", f"size = {len(TIERS)}", "item []:",
    ]  # fmt: skip
    for number, tier in enumerate(TIERS, 1):
        texts = _gapless(stretches, tier)
        lines += [
            f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{tier}"',
            "        xmin = 0", f"        xmax = {end:.6f}", f"        intervals: size = {len(texts)}",
        ]  # fmt: skip
        for at, (start, stop, text) in enumerate(texts, 1):
            quoted = text.replace('"', '""')
            lines += [
                f"        intervals [{at}]:", f"            xmin = {start:.6f}",
                f"            xmax = {stop:.6f}", f'            text = "{quoted}"',
            ]  # fmt: skip
    return "\n".join([*lines, ""])


def _gapless(stretches: Sequence[Stretch], tier: str) -> list[tuple[float, float, str]]:
    """Praat's intervals leave nothing out: a gap is one without text."""
    found: list[tuple[float, float, str]] = []
    at = 0.0
    for one in stretches:
        if one.start - at > 5e-7:
            found.append((at, one.start, ""))
        found.append((one.start, one.end, _text(one, tier)))
        at = one.end
    return found


def _text(one: Stretch, tier: str) -> str:
    if tier == "emotion":
        return _line(one.label)
    return "" if one.confidence is None else f"{one.confidence:.3f}"


def _eaf(stretches: Sequence[Stretch], recording: str) -> str:
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "affekt", "DATE": _NO_DATE, "FORMAT": "3.0", "VERSION": "3.0",
            "xmlns:xsi": _NAMESPACE, "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )  # fmt: skip
    header = ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if os.path.isfile(recording):  # noqa: PTH113
        media = {"MEDIA_URL": Path(recording).absolute().as_uri(), "MIME_TYPE": _mime(recording)}
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", media)
    kept = [one for one in stretches if round(1000 * one.end) > round(1000 * one.start)]
    texts = {tier: [_text(one, tier) for one in kept] for tier in TIERS}
    count = sum(bool(text) for told in texts.values() for text in told)
    last = ElementTree.SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"})
    last.text = str(count)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    for at, one in enumerate(kept):
        for place, seconds in ((2 * at + 1, one.start), (2 * at + 2, one.end)):
            slot = {"TIME_SLOT_ID": f"ts{place}", "TIME_VALUE": str(round(1000 * seconds))}
            ElementTree.SubElement(order, "TIME_SLOT", slot)
    _add_tiers(root, texts)
    kind = {"LINGUISTIC_TYPE_ID": "default-lt", "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", kind)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _add_tiers(root: ElementTree.Element, texts: dict[str, list[str]]) -> None:
    number = 0
    for tier, told in texts.items():
        kind = {"LINGUISTIC_TYPE_REF": "default-lt", "TIER_ID": tier}
        parent = ElementTree.SubElement(root, "TIER", kind)
        for at, text in enumerate(told):
            if text:
                number += 1
                slots = {"TIME_SLOT_REF1": f"ts{2 * at + 1}", "TIME_SLOT_REF2": f"ts{2 * at + 2}"}
                outer = ElementTree.SubElement(parent, "ANNOTATION")
                inner = ElementTree.SubElement(
                    outer, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}", **slots}
                )
                ElementTree.SubElement(inner, "ANNOTATION_VALUE").text = text


def _mime(recording: str) -> str:
    return {".wav": "audio/x-wav", ".mp4": "video/mp4", ".mov": "video/quicktime"}.get(
        Path(recording).suffix.lower(), "audio/*"
    )


def _line(text: str) -> str:
    """Text on one line, without what XML cannot hold."""
    spaced = " ".join(text.split())
    return "".join(one for one in spaced if one.isprintable())


_RENDER: dict[str, Callable[[Sequence[Stretch], str], str]] = {
    "audacity": _audacity,
    "eaf": _eaf,
    "textgrid": _textgrid,
    "vtt": _vtt,
}

FORMATS = {"audacity": ".txt", "eaf": ".eaf", "textgrid": ".TextGrid", "vtt": ".vtt"}
"""Format -> the suffix of its files."""
