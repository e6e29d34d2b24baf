"""What decides a training run: the sections of a recipe and their bounds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from affekt.labels import EMOTIONS, nearest
from affekt.recipe.distil import DistilRecipe
from affekt.recipe.losses import LossesRecipe
from affekt.recipe.networks import (
    AttentionFcnNetworkRecipe,
    AttentiveNetworkRecipe,
    BaselineNetworkRecipe,
    FacenetNetworkRecipe,
    NetworkRecipe,
)
from affekt.recipe.section import Section, Share


class DistortionRecipe(Section):
    """Rooms and noise that clips are put into."""

    noise: Share = 0.0
    """How many clips get noise."""
    snr: tuple[float, float] = (5.0, 20.0)
    """Lowest and highest signal-to-noise ratio in dB."""
    noises: str | None = None
    """A folder of noise recordings; none: noise of three colours and the babble of other clips."""
    reverberation: Share = 0.0
    """How many clips get reverberation."""
    responses: str | None = None
    """A folder of measured impulse responses; none: simulated rooms."""


class AugmentRecipe(DistortionRecipe):
    """How a training clip is changed each time it is seen; all zero: not at all."""

    copies: int = Field(0, ge=0, le=20)
    """0: each clip is changed each time it is seen; else it is seen as it is and in so many changed ones."""
    time_masks: int = Field(2, ge=0, le=20)
    """SpecAugment: time masks for each clip."""
    time_width: Share = 0.15
    """The widest time mask, as a share of the clip."""
    frequency_masks: int = Field(2, ge=0, le=20)
    """SpecAugment: frequency masks for each clip."""
    frequency_width: Share = 0.2
    """The widest frequency mask, as a share of the mel bins."""
    stretch: float = Field(0.15, ge=0, le=0.5)
    """Tempo is changed by up to this share, either way."""
    warp: float = Field(0.1, ge=0, le=0.3)
    """The frequency axis is scaled by up to this share, either way."""
    speed: float = Field(0, ge=0, le=0.5)
    """The samples are played faster or slower by up to this share: pitch, formants and tempo together."""
    gain: Share = 0.0
    """How many clips are made louder or softer, in 16 bits: clipped where too loud, lost where too soft."""
    gain_db: tuple[float, float] = (-30.0, 20.0)
    """By how much, lowest and highest, in dB."""
    telephone: Share = 0.0
    """How many clips are heard over a telephone line: 300 to 3400 Hz, 8 kHz, 8 bits of mu-law."""
    codec: Share = 0.0
    """How many clips are coded as MP3 and decoded again."""
    codec_kbit: tuple[int, int] = (8, 32)
    """Lowest and highest bit rate of that, in kbit/s."""
    mixup: Share = 0.0
    """How many clips another clip is mixed into, which then has up to half of the label."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for name, least, most in (("gain_db", -60.0, 40.0), ("codec_kbit", 8, 160)):
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise ValueError(f"{name} is {low} to {high}; give a range from {least:g} to {most:g}")
        return self


class TransferRecipe(Section):
    """How a network that starts from another one (`init`) is tuned; without `init` nothing of it counts."""

    rate: float = Field(1.0, gt=0, le=10)
    """The learning rate below the head, as a share of the head's."""
    decay: float = Field(1.0, gt=0, le=1)
    """Each level further from the head learns at this share of the rate of the level above it."""
    freeze: bool = False
    """Leave all but the head as it is: a linear probe."""
    unfreeze_epochs: int = Field(0, ge=0)
    """Gradual unfreezing: the head learns alone for so many epochs, and a level more after as many again."""


class SpeakersRecipe(DistortionRecipe):
    """How a network learns to tell speakers apart, before it learns emotion."""

    crop_seconds: float = Field(3.0, ge=0.5, le=30)
    """What is heard of a clip at a time; a clip stands in an epoch as often as such a piece fits into it."""
    loss: Literal["softmax", "am", "aam"] = "aam"
    """Plain, additive-margin or additive-angular-margin softmax over cosines."""
    scale: float = Field(30.0, gt=0, le=100)
    """What cosines are multiplied by."""
    margin: float = Field(0.2, ge=0, lt=1)
    """How much better than all others the right speaker must be: in cosine (am) or radians (aam)."""
    margin_start: Share = 0.1
    """The share of all steps after which the margin begins to rise from 0 ..."""
    margin_end: Share = 0.5
    """... and that after which it is whole."""
    speeds: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = (1.0, 0.9, 1.1)
    """Speed perturbation: each speaker at each speed is a speaker of its own."""
    noise: Share = 0.5
    """How many pieces get noise."""
    reverberation: Share = 0.3
    """How many pieces get reverberation."""
    test_speakers: float = Field(0.1, gt=0)
    """Speakers to test on where no `split` is named test: a share below 1, else a count."""
    trials: int = Field(20, ge=1, le=10_000)
    """Trials of each kind, the same and another speaker, for each speaker tested on."""


class ImagesRecipe(Section):
    """How a network learns to tell pictures apart, before it learns emotion."""

    size: int = Field(64, ge=63, le=256)
    """Pictures are scaled to so many pixels a side."""
    smallest_crop: float = Field(0.7, gt=0, le=1)
    """The shortest side of a random crop, as a share of the picture's."""
    flip: Share = 0.5
    """How many pictures are mirrored."""
    colour: float = Field(0.3, ge=0, lt=1)
    """Brightness, contrast and saturation are each changed by up to this share, either way."""
    test_share: float = Field(0.1, gt=0, lt=1)
    """The share of each class that is tested on, where no folder is called `test`."""


class TrainRecipe(Section):
    """The loop."""

    epochs: int = Field(40, ge=1)
    """Passes over the training clips."""
    share: float = Field(1.0, gt=0, le=1)
    """The share of each class's training clips that is used; a larger share holds all of a smaller one."""
    batch_clips: int = Field(32, ge=2)
    """Most clips in a batch."""
    batch_seconds: float = Field(160.0, gt=0)
    """Most seconds in a batch, padding included."""
    learning_rate: float = Field(3e-3, gt=0)
    """The peak of the one-cycle schedule."""
    warmup: float = Field(0.3, gt=0, lt=1)
    """The share of all steps in which the learning rate rises."""
    weight_decay: float = Field(0.05, ge=0)
    """AdamW's weight decay."""
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Probability spread over the other classes."""
    absent_classes: Share = 0.0
    """How much a class that a clip's corpus lacks counts against it: 0 is left out, 1 is as any other."""
    losses: LossesRecipe = LossesRecipe()
    balance: Literal["none", "classes", "corpora"] = "none"
    """Batches hold equally many clips of each class, or of each corpus. An epoch is as long as without: of a
    larger one it holds a part, another one each time, and of a smaller one some clips several times."""
    batch_classes: int | None = Field(None, ge=2)
    """With `balance`, how many classes or corpora stand in one batch; none: all."""
    corpus_clips: Annotated[int, Field(ge=2)] | Literal["smallest"] | None = None
    """An epoch hears at most so many clips of each corpus, or as many of each as the smallest has; other ones
    each time."""
    statistics: Literal["batch", "process"] = "batch"
    """Where several processes share a batch, normalise by statistics of all of it, as one process does, or
    let each process take those of its own part: other numbers, and far fewer messages."""
    class_weights: bool = True
    """Weigh classes by the inverse of their frequency in their corpus."""
    clip_norm: float = Field(5.0, gt=0)
    """Gradients longer than this are shortened to it."""
    average: float = Field(0.0, ge=0, lt=1)
    """Measure and keep not the last weights but their average over the steps, each step counting so much less
    than the one after it (0.99: about the last hundred); 0: the last weights."""
    validation_speakers: float = Field(0.2, ge=0)
    """Speakers kept aside to choose the epoch: a share below 1, else a count; 0 trains on all of them."""
    split_seed: int | None = Field(None, ge=0)
    """Draws the validation speakers, and breaks ties between folds; none: `seed`, which draws all else."""
    patience: int | None = Field(None, ge=1)
    """Stop after this many epochs without a better validation uar; none: run all epochs."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """bfloat16 autocast where the processor has it, unless said otherwise."""

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        if self.losses.triplet and self.balance == "none":
            raise ValueError("losses.triplet needs several clips of each class in a batch: balance=classes")
        if self.batch_classes is not None and self.balance == "none":
            raise ValueError("batch_classes is of a balance; say balance=classes or balance=corpora")
        return self


class Recipe(Section):
    """A training run; the defaults are the thin network on whole utterances."""

    system: Literal["resnet-stats"] = "resnet-stats"
    """Which of Affekt's systems."""
    task: Literal["emotion", "speakers", "images"] = "emotion"
    """What is learnt; `affekt pretrain` sets it."""
    init: str | None = None
    """A model folder or a public checkpoint to start from; it brings its network's shape."""
    init_sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """The SHA-256 of a public checkpoint that is to be downloaded, where Affekt knows none."""
    data: tuple[str, ...] = ()
    """Corpora (`emodb:FOLDER`), tables (`clips.csv`) or a folder of folders (`folder:FOLDER`)."""
    extra: tuple[str, ...] = ()
    """More of them, which are learnt from beside the data and never tested on."""
    labels: tuple[str, ...] | None = None
    """Emotions to tell apart, in order; none: all that the data have."""
    merge: dict[str, str | None] = Field(default_factory=dict)
    """Own words or emotions to take for an emotion (`{excitement: happiness}`), or for none."""
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Rows to keep, by column (`{part: [improvised]}`)."""
    leak_check: Literal["sound", "bytes"] = "sound"
    """Refuse folds with the same sound in two parts, whatever gain, rate or codec, or only equal bytes."""
    seed: int = Field(0, ge=0)
    """Seeds the weights, the order of clips and their augmentation."""
    network: NetworkRecipe = NetworkRecipe()
    augment: AugmentRecipe = AugmentRecipe()
    transfer: TransferRecipe = TransferRecipe()
    speakers: SpeakersRecipe = SpeakersRecipe()
    images: ImagesRecipe = ImagesRecipe()
    train: TrainRecipe = TrainRecipe()
    distil: DistilRecipe = DistilRecipe()

    @model_validator(mode="after")
    def _adversary_moves_something(self) -> Self:
        if self.train.losses.adversarial and self.init is not None and self.transfer.freeze:
            raise ValueError(
                "train.losses.adversarial: transfer.freeze leaves it nothing to change; drop one"
            )
        return self

    @field_validator("data", "extra", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value

    @field_validator("where", mode="before")
    @classmethod
    def _one_value_or_many(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: (one,) if isinstance(one, str) else one for key, one in value.items()}

    @field_validator("labels")
    @classmethod
    def _known(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in value or ():
            if name not in EMOTIONS:
                raise ValueError(f"'{name}' is not an emotion{nearest(name, EMOTIONS)}")
        if value is not None and len(set(value)) != len(value):
            raise ValueError("an emotion stands twice")
        return value


class AttentiveRecipe(Recipe):
    """A training run of the system `resnet-attention`."""

    system: Literal["resnet-attention"] = "resnet-attention"  # type: ignore[assignment]
    network: AttentiveNetworkRecipe = AttentiveNetworkRecipe()  # type: ignore[assignment]


class AttentionFcnRecipe(Recipe):
    """A training run of the system `attention-fcn`."""

    system: Literal["attention-fcn"] = "attention-fcn"  # type: ignore[assignment]
    network: AttentionFcnNetworkRecipe = AttentionFcnNetworkRecipe()  # type: ignore[assignment]


class FacenetRecipe(Recipe):
    """A training run of the system `facenet`."""

    system: Literal["facenet"] = "facenet"  # type: ignore[assignment]
    network: FacenetNetworkRecipe = FacenetNetworkRecipe()  # type: ignore[assignment]


class BaselineRecipe(Recipe):
    """A training run of the baseline `opensmile-svm`: nothing of it is of networks, or of their loop."""

    system: Literal["opensmile-svm"] = "opensmile-svm"  # type: ignore[assignment]
    network: BaselineNetworkRecipe = BaselineNetworkRecipe()  # type: ignore[assignment]

    @model_validator(mode="after")
    def _of_networks_alone(self) -> Self:
        fresh = Recipe()
        for key in ("task", "init", "augment", "transfer", "speakers", "images"):
            if getattr(self, key) != getattr(fresh, key):
                raise ValueError(f"{key} is of networks; opensmile-svm has nothing of it")
        for key in sorted(set(TrainRecipe.model_fields) - {"share", "split_seed", "validation_speakers"}):
            if getattr(self.train, key) != getattr(fresh.train, key):
                raise ValueError(f"train.{key} is of networks; opensmile-svm has nothing of it")
        return self


RECIPES: dict[str, type[Recipe]] = {
    "resnet-stats": Recipe,
    "resnet-attention": AttentiveRecipe,
    "attention-fcn": AttentionFcnRecipe,
    "facenet": FacenetRecipe,
    "opensmile-svm": BaselineRecipe,
}
"""The shape of a recipe, by its system."""
