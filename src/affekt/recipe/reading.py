"""Reading recipes: strict YAML with `key.sub=value` overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from affekt.errors import MissingExtraError, UsageError
from affekt.labels import nearest
from affekt.recipe.sections import RECIPES, Recipe


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
    system = values.get("system", "resnet-stats")
    if system not in RECIPES:
        raise UsageError(f"{name}: system: '{system}' is not one{nearest(str(system), RECIPES)}")
    shape = RECIPES[system]
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{name}: {_explain(error, shape)}") from None


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


def _explain(error: ValidationError, shape: type[Recipe]) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        problem = str(first["msg"]).removeprefix("Value error, ")
        return f"{key}: {problem}" if key else problem
    section: type[BaseModel] = shape
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
