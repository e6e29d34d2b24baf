"""The shapes of the systems' networks, as a recipe gives them."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from affekt.geometry import SAMPLE_RATE
from affekt.geometry.attention import SMALLEST, AttentionGrid
from affekt.geometry.segments import SegmentGrid, segment_grid
from affekt.recipe.section import Section, Share


class NetworkRecipe(Section):
    """The shape of `resnet-stats`."""

    width: int = Field(16, ge=4, le=512)
    """Channels of the first stage: 16 is thin, 32 the paper family's."""
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Residual blocks of the four stages: ResNet-34; 2, 2, 2, 2 is ResNet-18."""
    stem_stride: Literal[1, 2, 4] = 2
    """How much the stem shortens frequency and time; 1 as speaker networks have it, 2 and 4 are faster."""
    features: Literal["log-mel", "kaldi", "speechbrain"] = "log-mel"
    """The frontend: Affekt's own, or the one that a public network was trained with."""
    mels: int = Field(64, ge=16, le=256)
    """Mel bins of the frontend."""
    window_ms: float = Field(25.0, ge=5, le=200)
    """Length of the frontend's analysis window."""
    hop_ms: float = Field(10.0, ge=2, le=100)
    """Time between frames."""
    normalisation: Literal["none", "utterance", "bin"] = "utterance"
    """What the frontend takes away: nothing, the utterance's level, or each mel bin's mean with it."""
    variance: Literal["population", "sample"] = "population"
    """The pooling's variance over frames."""
    embedding: int = Field(128, ge=2, le=4096)
    """Size of the embedding."""

    @model_validator(mode="after")
    def _hears_every_sample(self) -> Self:
        _check_frontend(self)
        return self


class AttentiveNetworkRecipe(Section):
    """The shape of `resnet-attention`."""

    channels: tuple[int, int, int, int] = (128, 128, 256, 256)
    """Channels of the four stages."""
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Residual blocks of the four stages."""
    attention: int = Field(128, ge=2, le=4096)
    """Size of the layer that decides where to look."""
    features: Literal["log-mel", "kaldi", "speechbrain"] = "speechbrain"
    """The frontend: Affekt's own, or the one that a public network was trained with."""
    mels: int = Field(80, ge=16, le=256)
    """Mel bins of the frontend."""
    window_ms: float = Field(25.0, ge=5, le=200)
    """Length of the frontend's analysis window."""
    hop_ms: float = Field(10.0, ge=2, le=100)
    """Time between frames."""
    normalisation: Literal["none", "utterance", "bin"] = "utterance"
    """What the frontend takes away."""
    embedding: int = Field(256, ge=2, le=4096)
    """Size of the embedding."""

    @model_validator(mode="after")
    def _hears_every_sample(self) -> Self:
        _check_frontend(self)
        return self


class AttentionFcnNetworkRecipe(Section):
    """The shape of `attention-fcn`."""

    TRUNK: ClassVar[frozenset[str]] = frozenset({"trunk", "width", "batch_norm"})
    """What a network that has learnt pictures brings; all else is of sounds."""
    FREE: ClassVar[frozenset[str]] = frozenset({"channels", "attention_scale"})
    """What may differ from the network that one starts from: no tensor depends on it, or can be fitted."""

    trunk: Literal["alexnet", "alexnet-lrn"] = "alexnet"
    """torchvision's AlexNet, whose public weights fit, or the first one, with its response normalisation."""
    width: float = Field(1.0, ge=1 / 32, le=4)
    """Channels of every layer, as a share of AlexNet's."""
    batch_norm: bool = False
    """Batch normalisation behind each convolution: not AlexNet's, but learns from scratch far more easily."""
    channels: Literal[1, 3] = 1
    """Input channels of the first layer; with 3 the spectrogram stands in each of them."""
    attention: int = Field(256, ge=2, le=4096)
    """Size of the layer that decides where to look."""
    attention_scale: float = Field(0.3, ge=0, le=1)
    """The paper's lambda: 0 is the mean over all positions, 1 a plain softmax."""
    window_ms: float = Field(40.0, ge=5, le=200)
    """Length of the frontend's analysis window."""
    hop_ms: float = Field(10.0, ge=2, le=100)
    """Time between frames."""
    dft: int = Field(800, ge=256, le=4096)
    """Points of the Fourier transform: 800 is a bin every 20 Hz, 1600 every 10 Hz."""
    high_hz: float = Field(4000.0, ge=500, le=8000)
    """The spectrogram ends here."""
    normalisation: Literal["none", "utterance"] = "none"
    """What the frontend takes away: nothing, or the utterance's level."""

    @property
    def bins(self) -> int:
        """Bins of the spectrogram."""
        return round(self.high_hz * self.dft / SAMPLE_RATE)

    @property
    def embedding(self) -> int:
        """Size of the embedding: the channels of the last layer."""
        return round(256 * self.width)

    def grid(self) -> AttentionGrid:
        """Where the positions of the attention map lie."""
        return AttentionGrid(
            window=round(self.window_ms * SAMPLE_RATE / 1000),
            hop=round(self.hop_ms * SAMPLE_RATE / 1000),
            bin_hz=SAMPLE_RATE / self.dft,
            bins=self.bins,
            local=self.normalisation == "none",
        )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.hop_ms > self.window_ms:
            raise ValueError("hop_ms is longer than window_ms; what lies between two windows is not heard")
        if self.dft < round(self.window_ms * SAMPLE_RATE / 1000):
            raise ValueError("dft is shorter than window_ms; raise it, or shorten the window")
        if self.bins < SMALLEST:
            raise ValueError(
                f"{self.bins} bins up to high_hz where {SMALLEST} are needed; raise high_hz or dft"
            )
        return self


class FacenetNetworkRecipe(Section):
    """The shape of `facenet`."""

    FREE: ClassVar[frozenset[str]] = frozenset(
        {
            "picture",
            "size",
            "segment_seconds",
            "overlap",
            "window_ms",
            "hop_ms",
            "high_hz",
            "channels",
            "normalisation",
            "dropout",
        }
    )
    """What may differ from the network that one starts from: no tensor depends on it."""

    picture: Literal["spectrogram", "waveform"] = "spectrogram"
    """What is drawn of each segment."""
    size: int = Field(160, ge=80, le=320)
    """Rows and columns of a picture."""
    segment_seconds: float = Field(1.0, ge=0.5, le=3)
    """Length of a segment."""
    overlap: Share = Field(0.5, le=0.9)
    """The share of a segment that the next one hears too."""
    window_ms: float = Field(40.0, ge=5, le=200)
    """Length of the spectrogram's analysis window."""
    hop_ms: float = Field(10.0, ge=2, le=100)
    """Time between the spectrogram's frames."""
    high_hz: float = Field(4000.0, ge=500, le=8000)
    """The spectrogram ends here."""
    channels: Literal["repeat", "deltas"] = "repeat"
    """The spectrogram in all three channels, or with its slope and the slope of that."""
    normalisation: Literal["segment", "utterance", "none"] = "segment"
    """Whose level a picture is relative to; with `utterance`, long recordings cannot be heard in pieces."""
    width: float = Field(1.0, ge=1 / 16, le=2)
    """Channels of every layer, as a share of Inception-ResNet-v1's."""
    embedding: int = Field(512, ge=2, le=4096)
    """Size of the embedding."""
    dropout: float = Field(0.6, ge=0, lt=1)
    """The share of the pooled features that is left out in training."""

    def grid(self) -> SegmentGrid:
        """Where the segments of a recording lie."""
        return segment_grid(
            picture=self.picture,
            size=self.size,
            segment_seconds=self.segment_seconds,
            overlap=self.overlap,
            window_ms=self.window_ms,
            hop_ms=self.hop_ms,
            normalisation=self.normalisation,
        )

    @model_validator(mode="after")
    def _hears_every_sample(self) -> Self:
        if self.hop_ms > self.window_ms:
            raise ValueError("hop_ms is longer than window_ms; what lies between two windows is not heard")
        return self


class BaselineNetworkRecipe(Section):
    """The shape of `opensmile-svm`, which is no network."""

    functionals: Literal["ComParE_2016", "eGeMAPSv02"] = "ComParE_2016"
    """openSMILE's features of a clip: 6373 or 88 of them."""
    cost: float = Field(1e-3, gt=0, le=1e6)
    """The support vector machine's C: what a clip on the wrong side costs."""
    decisions: Literal["one-vs-one", "one-vs-rest"] = "one-vs-one"
    """Classes two by two, and the one that wins most often; or each against all others."""
    class_weights: bool = False
    """Weigh classes by the inverse of their frequency."""

    @property
    def embedding(self) -> int:
        """Size of the embedding: the functionals, standardised."""
        return COUNTS[self.functionals]


COUNTS = {"ComParE_2016": 6373, "eGeMAPSv02": 88}
"""How many functionals openSMILE gives of a clip, by feature set."""


def _check_frontend(network: NetworkRecipe | AttentiveNetworkRecipe) -> None:
    if network.hop_ms > network.window_ms:
        raise ValueError("hop_ms is longer than window_ms; what lies between two windows would not be heard")
    fixed = ("window_ms", "hop_ms", "normalisation")
    if network.features != "log-mel":
        for key in fixed:
            if getattr(network, key) != type(network).model_fields[key].default:
                raise ValueError(f"{key} is of the features log-mel; {network.features} has its own")
