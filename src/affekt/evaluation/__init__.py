"""How right a system is: metrics, intervals over speakers, reports and figures."""

from __future__ import annotations

from affekt.evaluation.bootstrap import Interval, cluster_bootstrap, paired_cluster_bootstrap
from affekt.evaluation.calibration import brier, ece, nll, reliability, risk_coverage
from affekt.evaluation.compare import restrict_scores, shared_labels
from affekt.evaluation.label_sets import label_sets, threshold
from affekt.evaluation.metrics import confusion, macro_f1, recalls, uar, wa
from affekt.evaluation.paired import holm, permutation_p
from affekt.evaluation.plots import confusion_figure, learning_curve_figure, speakers_figure
from affekt.evaluation.report import Report, summarise
from affekt.evaluation.score_plots import reliability_figure, risk_coverage_figure
from affekt.evaluation.temperature import fit_temperature, tempered
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
    "brier",
    "cluster_bootstrap",
    "confusion",
    "confusion_figure",
    "ece",
    "eer",
    "eer_interval",
    "fit_temperature",
    "holm",
    "label_sets",
    "learning_curve_figure",
    "macro_f1",
    "make_trials",
    "min_dcf",
    "nll",
    "paired_cluster_bootstrap",
    "permutation_p",
    "read_trials",
    "recalls",
    "reliability",
    "reliability_figure",
    "restrict_scores",
    "risk_coverage",
    "risk_coverage_figure",
    "shared_labels",
    "speakers_figure",
    "summarise",
    "tempered",
    "threshold",
    "uar",
    "wa",
    "write_trials",
]
