"""The attention map of a model folder: where its positions lie, known from `config.json` alone."""

from __future__ import annotations

from pydantic import ValidationError

from affekt.config import ModelConfig
from affekt.errors import ModelFolderError
from affekt.geometry.attention import AttentionGrid


def attention_grid(config: ModelConfig) -> AttentionGrid | None:
    """Where the positions of `Output.attention` lie in a recording; None for a system without attention.

    Raises:
        ModelFolderError: the recipe's network is not one of the system.
    """
    if config.system != "attention-fcn":
        return None
    from affekt.recipe import AttentionFcnNetworkRecipe

    try:
        return AttentionFcnNetworkRecipe.model_validate(config.recipe.get("network", {})).grid()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise ModelFolderError(f"config.json: recipe: network: {problem:.120}") from error
