"""Which functionals a baseline's folder asks for, known from `config.json` alone."""

from __future__ import annotations

from pydantic import ValidationError

from affekt.config import BASELINE, ModelConfig
from affekt.errors import ModelFolderError


def functional_set(config: ModelConfig) -> str | None:
    """The set of functionals that the graph hears in place of samples; None where it hears samples.

    Raises:
        ModelFolderError: the recipe's settings are not those of the baseline.
    """
    if config.system != BASELINE:
        return None
    from affekt.recipe import COUNTS, BaselineNetworkRecipe

    try:
        found = BaselineNetworkRecipe.model_validate(config.recipe.get("network", {})).functionals
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ModelFolderError(f"config.json: recipe: network: {problem:.120}") from error
    if config.embedding_size != COUNTS[found]:
        raise ModelFolderError(f"config.json: embedding_size: {found} has {COUNTS[found]} functionals")
    return found
