"""How right a system is: metrics, intervals over speakers, reports and figures."""

from __future__ import annotations

from affekt.evaluation.bootstrap import Interval, cluster_bootstrap, paired_cluster_bootstrap
from affekt.evaluation.compare import restrict_scores, shared_labels
from affekt.evaluation.metrics import confusion, macro_f1, recalls, uar, wa
from affekt.evaluation.plots import confusion_figure, learning_curve_figure, speakers_figure
from affekt.evaluation.report import Report, summarise
from affekt.evaluation.verification import (
    Trial,
    eer,
    eer_interval,
    make_trials,
    min_dcf,
    read_trials,
    write_trials,
)

__all__ = [
    "Interval",
    "Report",
    "Trial",
    "cluster_bootstrap",
    "confusion",
    "confusion_figure",
    "eer",
    "eer_interval",
    "learning_curve_figure",
    "macro_f1",
    "make_trials",
    "min_dcf",
    "paired_cluster_bootstrap",
    "read_trials",
    "recalls",
    "restrict_scores",
    "shared_labels",
    "speakers_figure",
    "summarise",
    "uar",
    "wa",
    "write_trials",
]
