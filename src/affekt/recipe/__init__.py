"""Recipes: everything that decides a training run, as strict YAML with `key.sub=value` overrides."""

from affekt.recipe.networks import (
    COUNTS,
    AttentionFcnNetworkRecipe,
    AttentiveNetworkRecipe,
    BaselineNetworkRecipe,
    FacenetNetworkRecipe,
    NetworkRecipe,
)
from affekt.recipe.reading import dump, load, parse, shipped
from affekt.recipe.sections import (
    RECIPES,
    AttentionFcnRecipe,
    AttentiveRecipe,
    AugmentRecipe,
    BaselineRecipe,
    DistortionRecipe,
    FacenetRecipe,
    ImagesRecipe,
    Recipe,
    SpeakersRecipe,
    TrainRecipe,
    TransferRecipe,
)

__all__ = [
    "COUNTS",
    "RECIPES",
    "AttentionFcnNetworkRecipe",
    "AttentionFcnRecipe",
    "AttentiveNetworkRecipe",
    "AttentiveRecipe",
    "AugmentRecipe",
    "BaselineNetworkRecipe",
    "BaselineRecipe",
    "DistortionRecipe",
    "FacenetNetworkRecipe",
    "FacenetRecipe",
    "ImagesRecipe",
    "NetworkRecipe",
    "Recipe",
    "SpeakersRecipe",
    "TrainRecipe",
    "TransferRecipe",
    "dump",
    "load",
    "parse",
    "shipped",
]
