"""Which regions of time and frequency decided, and how far such a map is to be trusted."""

from affekt.explanation.maps import Grid, Map
from affekt.explanation.methods import METHODS
from affekt.explanation.naming import Pictures
from affekt.explanation.regions import Region
from affekt.explanation.result import Explanation, Failure
from affekt.explanation.run import explain, explain_each
from affekt.explanation.sanity import Deletion, Likeness, Sanity

__all__ = [
    "METHODS",
    "Deletion",
    "Explanation",
    "Failure",
    "Grid",
    "Likeness",
    "Map",
    "Pictures",
    "Region",
    "Sanity",
    "explain",
    "explain_each",
]
