"""What an explanation says, as data and as a picture."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from affekt.explanation.maps import Map
from affekt.explanation.overview import Overview
from affekt.explanation.regions import Region
from affekt.explanation.sanity import Sanity
from affekt.inputs import spelled
from affekt.prediction import Prediction, status_of

_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a recogniser says what it says of one recording.

    Fields:
        prediction: what it says.
        emotion: the explained label: the predicted one, unless another was asked for.
        method: one of `METHODS`.
        unit: of the map's values, which only mean something beside each other.
        map: how much each region of time and frequency speaks for `emotion`.
        regions: the connected parts of the map's top tenth, the weightiest first.
        sanity: how far the map is to be trusted; None where it was not asked for.
        pieces: how many consecutive stretches were explained, each by itself.
        averaged: whether columns of the map were averaged, to at most 600.
        overview: waveform and spectrogram, for pictures.
    """

    prediction: Prediction
    emotion: str
    method: str
    unit: str
    map: Map
    regions: tuple[Region, ...]
    sanity: Sanity | None
    pieces: int
    averaged: bool
    overview: Overview = field(repr=False)

    @property
    def meaning(self) -> str:
        """What the map's values stand for, in words."""
        return (
            "what the network looks at" if self.method == "attention" else f"what speaks for {self.emotion}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold: times in seconds, frequencies in Hz."""
        said = self.prediction.to_dict()
        warnings = said.pop("warnings")
        said["file"] = spelled(said["file"])
        grid = self.map.grid
        return {
            **said,
            "status": status_of(warnings),
            "error": None,
            "message": None,
            "emotion": self.emotion,
            "method": self.method,
            "pieces": self.pieces,
            "regions": [one.to_dict() for one in self.regions],
            "sanity": self.sanity.to_dict() if self.sanity else None,
            "map": {
                "unit": self.unit,
                "averaged": self.averaged,
                "times": [round(float(one), 4) for one in grid.times],
                "frequencies": [round(float(one), 2) for one in grid.hertz],
                "values": [[float(f"{value:.5g}") for value in row] for row in self.map.values],
            },
        }

    def lines(self) -> list[str]:
        """For people: what it says, the weightiest regions, and how far to trust them."""
        said = self.prediction
        other = "" if self.emotion == said.label else f"; explained: {self.emotion}"
        shown = [f"{printable(said.file)}: {said.label} {said.confidence:.0%}{other} ({self.method})"]
        for one in self.regions[:_SHOWN]:
            place = f"{one.start:.2f} to {one.end:.2f} s, {one.low_hz:.0f} to {one.high_hz:.0f} Hz"
            shown.append(f"  {place}: {one.share:.0%} of {self.meaning}")
        if not self.regions:
            shown.append(f"  nothing speaks for {self.emotion}")
        return [*shown, *(f"  {line}" for line in self.trust())]

    def trust(self) -> list[str]:
        """What the sanity scores say, a few words each."""
        if self.sanity is None:
            return ["not checked"]
        found, likeness = self.sanity.deletion, self.sanity.likeness.spearman
        lines = []
        if found is not None:
            lines = [
                f"top tenth silenced: score {found.score:.2f} → {found.score - found.drop:.2f}",
                f"as much elsewhere: {found.score - found.random_drop:.2f} ± {found.random_sd:.2f}",
                f"as much of the loudest: {found.score - found.loudest_drop:.2f}",
            ]
        value = "not known" if likeness is None else f"{likeness:+.2f}"
        return [*lines, f"likeness to random weights: {value}"]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Draws a picture, as PNG, or smaller as WebP where the file is called `.webp`.

        Raises:
            MissingExtraError: matplotlib is not installed.
            WriteError: the disk refuses.
        """
        from affekt.explanation.picture import draw

        draw(self, Path(path))


@dataclass(frozen=True)
class Failure:
    """A recording that could not be explained: the error's `code`, and a line that says what to do."""

    file: str
    code: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold, with the keys that both results share."""
        return {
            "file": spelled(self.file),
            "status": f"error:{self.code}",
            "error": self.code,
            "message": " ".join(spelled(self.message).split()),
        }


def printable(text: str) -> str:
    """Text that moves no terminal's cursor and that a font can draw."""
    return "".join(one if one.isprintable() else "�" for one in text)
