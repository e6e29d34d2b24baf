"""Folds: which clips are trained on, watched and tested, by named protocols that keep speakers apart."""

from affekt.splits.folds import Fold, Folds, check_leaks, make_folds, train_validation
from affekt.splits.protocols import PROTOCOLS

__all__ = ["PROTOCOLS", "Fold", "Folds", "check_leaks", "make_folds", "train_validation"]
