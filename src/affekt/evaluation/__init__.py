"""How right a system is: metrics, intervals over speakers, reports and figures."""

from __future__ import annotations

from affekt.evaluation.bootstrap import Interval, cluster_bootstrap, paired_cluster_bootstrap
from affekt.evaluation.compare import restrict_scores, shared_labels
from affekt.evaluation.metrics import confusion, macro_f1, recalls, uar, wa
from affekt.evaluation.plots import confusion_figure, learning_curve_figure, speakers_figure
from affekt.evaluation.report import Report, summarise

__all__ = [
    "Interval",
    "Report",
    "cluster_bootstrap",
    "confusion",
    "confusion_figure",
    "learning_curve_figure",
    "macro_f1",
    "paired_cluster_bootstrap",
    "recalls",
    "restrict_scores",
    "shared_labels",
    "speakers_figure",
    "summarise",
    "uar",
    "wa",
]
