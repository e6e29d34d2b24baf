"""Whether a space of embeddings is one of emotions or of speakers: in numbers, and as a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from affekt import files
from affekt.errors import MissingExtraError, UsageError

Method = Literal["pca", "tsne"]
Array = NDArray[np.float64]

MOST_NAMED = 12
"""Groups that are named beside the map; of more, the names are left out."""


@dataclass(frozen=True)
class Agreement:
    """How far a space is sorted by a label, in its own dimensions, by cosine.

    Attributes:
        neighbours: the share of clips whose nearest clip has the same label, among clips that differ in the
            other label: of the emotion, among clips of other speakers.
        chance: what that would be without any order.
        silhouette: mean silhouette (Rousseeuw, 1987), -1 to 1; None for a single label.
    """

    neighbours: float
    chance: float
    silhouette: float | None

    def line(self) -> str:
        """The same for a person to read."""
        silhouette = "" if self.silhouette is None else f", silhouette {self.silhouette:+.3f}"
        return f"nearest neighbour agrees in {self.neighbours:.1%} (chance {self.chance:.1%}){silhouette}"


@dataclass(frozen=True)
class EmbeddingMap:
    """Clips in two dimensions, and how far they are sorted by emotion and by speaker."""

    points: Array
    emotions: tuple[str, ...]
    speakers: tuple[str, ...]
    method: Method
    by_emotion: Agreement
    by_speaker: Agreement

    def to_json(self) -> dict[str, Any]:
        """The numbers, as plain data."""
        return {
            "clips": len(self.points),
            "method": self.method,
            "emotion": vars(self.by_emotion),
            "speaker": vars(self.by_speaker),
        }

    def lines(self) -> list[str]:
        """The numbers, for a person to read."""
        return [
            f"by emotion, among other speakers: {self.by_emotion.line()}",
            f"by speaker, among other emotions: {self.by_speaker.line()}",
        ]


def embedding_map(
    vectors: Array,
    emotions: Sequence[str],
    speakers: Sequence[str],
    *,
    method: Method = "pca",
    seed: int = 0,
) -> EmbeddingMap:
    """A map of vectors [clips, size], each of a known emotion and speaker.

    Args:
        method: `pca`, the two directions of most variance, or `tsne` (van der Maaten and Hinton, JMLR 2008),
            which keeps neighbours together and no distances; both of vectors of length 1.

    Raises:
        UsageError: fewer than four clips.
        MissingExtraError: scikit-learn is not installed.
    """
    if len(vectors) < 4:
        raise UsageError(f"{len(vectors)} clips with an emotion and a speaker; a map needs at least four")
    try:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE
    except ImportError:
        raise MissingExtraError("a map of embeddings", "train") from None
    values = np.asarray(vectors, np.float64)
    units = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    if method == "tsne":
        made = TSNE(perplexity=min(30.0, (len(units) - 1) / 3), init="pca", random_state=seed)
    else:
        made = PCA(2, random_state=seed)
    return EmbeddingMap(
        np.asarray(made.fit_transform(units)),
        tuple(emotions),
        tuple(speakers),
        method,
        agreement(units, emotions, speakers),
        agreement(units, speakers, emotions),
    )


def agreement(units: Array, labels: Sequence[str], others: Sequence[str]) -> Agreement:
    """How far unit vectors [clips, size] are sorted by `labels`, apart from what `others` do."""
    from sklearn.metrics import silhouette_score

    own, other = (np.unique(list(one), return_inverse=True)[1] for one in (labels, others))
    hits, chances = [], []
    for at in range(len(units)):
        rivals = np.flatnonzero(other != other[at])
        if len(rivals):
            nearest = rivals[np.argmax(units[rivals] @ units[at])]
            hits.append(own[nearest] == own[at])
            chances.append(np.mean(own[rivals] == own[at]))
    groups = len(np.unique(own))
    silhouette = None
    if 1 < groups < len(units):
        silhouette = float(silhouette_score(units, own, metric="cosine"))
    if not hits:
        return Agreement(float("nan"), float("nan"), silhouette)
    return Agreement(float(np.mean(hits)), float(np.mean(chances)), silhouette)


def draw(found: EmbeddingMap, path: Path, title: str = "") -> None:
    """The map twice side by side, coloured by emotion and by speaker, the numbers below, as PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
        WriteError: the disk refuses.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("drawing a map", "train") from None
    figure = Figure(figsize=(12, 6), layout="constrained")
    sides = figure.subplots(1, 2)
    parts = (
        ("emotion", found.emotions, found.by_emotion),
        ("speaker", found.speakers, found.by_speaker),
    )
    for side, (name, labels, numbers) in zip(sides, parts, strict=True):
        _scatter(side, found.points, labels)
        side.set_title(f"by {name}\n{numbers.line()}", fontsize=10)
        side.set_xticks([])
        side.set_yticks([])
    kind = "first two principal components" if found.method == "pca" else "t-SNE"
    figure.suptitle(f"{title}{': ' if title else ''}{len(found.points)} clips, {kind}", fontsize=11)
    with files.atomic(path, "wb") as stream:
        figure.savefig(stream, format="png")


def _scatter(side: Any, points: Array, labels: Sequence[str]) -> None:
    from matplotlib import colormaps

    colours: Callable[[int], Any] = colormaps["tab20" if len(set(labels)) > 10 else "tab10"]
    names = sorted(set(labels))
    for at, name in enumerate(names):
        here = points[[label == name for label in labels]]
        side.scatter(*here.T, s=12, alpha=0.75, color=colours(at % 20), label=name, linewidths=0)
    if len(names) <= MOST_NAMED:
        side.legend(fontsize=8, markerscale=1.5, loc="best", framealpha=0.8)
