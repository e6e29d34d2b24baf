"""Learning from what another model says of the clips."""

from __future__ import annotations

from pydantic import Field

from affekt.recipe.section import Section, Share


class DistilRecipe(Section):
    """A teacher, and how much its scores count beside the labels; without one nothing of it counts."""

    teacher: str | None = None
    """A model folder of any system that names all the emotions; it hears each clip once, as it is."""
    weight: Share = 0.5
    """The share of the loss that is the teacher's; the rest is cross-entropy with the labels."""
    temperature: float = Field(2.0, ge=0.5, le=20)
    """Scores of both are softened by it before they are compared; 1 is as they are."""
