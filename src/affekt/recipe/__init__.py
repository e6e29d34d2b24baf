"""Recipes: everything that decides a training run, as strict YAML with `key.sub=value` overrides."""

from affekt.recipe.networks import AttentionFcnNetworkRecipe, AttentiveNetworkRecipe, NetworkRecipe
from affekt.recipe.reading import dump, load, parse, shipped
from affekt.recipe.sections import (
    RECIPES,
    AttentionFcnRecipe,
    AttentiveRecipe,
    AugmentRecipe,
    DistortionRecipe,
    ImagesRecipe,
    Recipe,
    SpeakersRecipe,
    TrainRecipe,
    TransferRecipe,
)

__all__ = [
    "RECIPES",
    "AttentionFcnNetworkRecipe",
    "AttentionFcnRecipe",
    "AttentiveNetworkRecipe",
    "AttentiveRecipe",
    "AugmentRecipe",
    "DistortionRecipe",
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
