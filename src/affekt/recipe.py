"""Recipes: everything that decides a training run, as strict YAML with `key.sub=value` overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from affekt.errors import MissingExtraError, UsageError
from affekt.labels import EMOTIONS, nearest

Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and field.annotation is not bool:
            raise ValueError("true or false stands where another value belongs")
        return value


class NetworkRecipe(_Section):
    """The shape of `resnet-stats`."""

    width: int = Field(16, ge=4, le=512)
    """Channels of the first stage: 16 is thin, 32 the paper family's."""
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Residual blocks of the four stages: ResNet-34; 2, 2, 2, 2 is ResNet-18."""
    stem_stride: Literal[1, 2, 4] = 2
    """How much the stem shortens frequency and time; 1 as speaker networks have it, 2 and 4 are faster."""
    mels: int = Field(64, ge=16, le=256)
    """Mel bins of the frontend."""
    window_ms: float = Field(25.0, ge=5, le=200)
    """Length of the frontend's analysis window."""
    hop_ms: float = Field(10.0, ge=2, le=100)
    """Time between frames."""
    normalisation: Literal["none", "utterance", "bin"] = "utterance"
    """What the frontend takes away: nothing, the utterance's level, or each mel bin's mean with it."""
    embedding: int = Field(128, ge=2, le=4096)
    """Size of the embedding."""

    @model_validator(mode="after")
    def _hears_every_sample(self) -> Self:
        if self.hop_ms > self.window_ms:
            raise ValueError(
                "hop_ms is longer than window_ms; what lies between two windows would not be heard"
            )
        return self


class AugmentRecipe(_Section):
    """How a training clip is changed each time it is seen; all zero: not at all."""

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


class TrainRecipe(_Section):
    """The loop."""

    epochs: int = Field(40, ge=1)
    """Passes over the training clips."""
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
    class_weights: bool = True
    """Weigh classes by the inverse of their frequency."""
    clip_norm: float = Field(5.0, gt=0)
    """Gradients longer than this are shortened to it."""
    validation_speakers: float = Field(0.2, ge=0)
    """Speakers kept aside to choose the epoch: a share below 1, else a count; 0 trains on all of them."""
    patience: int | None = Field(None, ge=1)
    """Stop after this many epochs without a better validation uar; none: run all epochs."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """bfloat16 autocast where the processor has it, unless said otherwise."""


class Recipe(_Section):
    """A training run; the defaults are the thin network on whole utterances."""

    system: Literal["resnet-stats"] = "resnet-stats"
    """Which of Affekt's systems."""
    data: tuple[str, ...] = ()
    """Corpora (`emodb:FOLDER`), tables (`clips.csv`) or a folder of folders (`folder:FOLDER`)."""
    labels: tuple[str, ...] | None = None
    """Emotions to tell apart, in order; none: all that the data have."""
    seed: int = Field(0, ge=0)
    """Seeds the weights, the order of clips and their augmentation."""
    network: NetworkRecipe = NetworkRecipe()
    augment: AugmentRecipe = AugmentRecipe()
    train: TrainRecipe = TrainRecipe()

    @field_validator("data", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value

    @field_validator("labels")
    @classmethod
    def _known(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in value or ():
            if name not in EMOTIONS:
                raise ValueError(f"'{name}' is not an emotion{nearest(name, EMOTIONS)}")
        if value is not None and len(set(value)) != len(value):
            raise ValueError("an emotion stands twice")
        return value


def shipped() -> list[str]:
    """The names of the recipes that come with Affekt."""
    folder = resources.files("affekt") / "recipes"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load(source: str | None = None, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe from a shipped name or a YAML file, with overrides such as `train.epochs=20`.

    Raises:
        UsageError: no such recipe, not plain YAML, an unknown key (the nearest is named) or a bad value.
    """
    values = _read(source) if source is not None else {}
    for override in overrides:
        _apply(values, override)
    return parse(values, source or "recipe")


def parse(values: Mapping[str, Any], name: str) -> Recipe:
    """Checks a recipe's values; `name` is where they come from, for the error."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{name}: {_explain(error)}") from None


def dump(recipe: Recipe) -> str:
    """The resolved recipe as YAML, defaults included."""
    return str(_yaml().safe_dump(recipe.model_dump(mode="json"), sort_keys=False))


def _read(source: str) -> dict[str, Any]:
    path = Path(source)
    if source in shipped():
        text = (resources.files("affekt") / "recipes" / f"{source}.yaml").read_text("utf-8")
    elif path.is_file():
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{source}: cannot be read as UTF-8 text ({error})") from None
    else:
        raise UsageError(f"{source}: no such recipe; shipped are {', '.join(shipped())}, or give a YAML file")
    try:
        values = _plain(text)
    except ValueError as error:
        raise UsageError(f"{source}: not valid YAML ({error})") from None
    if not isinstance(values or {}, dict):
        raise UsageError(f"{source}: a recipe is a mapping of keys to values")
    return values or {}


def _apply(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise UsageError(f"{override}: an override is written key=value, such as train.epochs=20")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise UsageError(f"{key}: '{section}' holds a value, not keys")
    try:
        values[last] = _plain(text)
    except ValueError as error:
        raise UsageError(f"{override:.200}: the value is not valid YAML ({error})") from None


def _plain(text: str) -> Any:
    """YAML of numbers, texts, lists and mappings; no other tags, no key twice.

    Raises:
        ValueError: it is not such YAML; the message is one line.
    """
    yaml = _yaml()

    class Loader(yaml.SafeLoader):  # type: ignore[name-defined,misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if len(set(keys)) != len(keys):
                raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{key}: {first['msg'].removeprefix('Value error, ')}"
    section: type[BaseModel] = Recipe
    for part in first["loc"][:-1]:
        annotation = section.model_fields[str(part)].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
        section = annotation
    return f"unknown key '{key}'{nearest(str(first['loc'][-1]), section.model_fields)}"


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("reading recipes", "train") from None
    return yaml
