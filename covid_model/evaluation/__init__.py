"""Evaluate scores against the ground truth: counts, rates with intervals, curves. Pure functions over arrays.

Everywhere, `scores` are floats in [0, 1], `covid` is the ground truth (1 or True for a COVID-19 film), and a film is
*positive* if its score is strictly above the threshold. A metric that is undefined, such as the sensitivity of a set
without COVID-19 films, is None and never an error; a score that is not a number raises ValueError.

scikit-learn and SciPy take one to two seconds to import, so functions import them when they need them.
"""

from __future__ import annotations

from covid_model.evaluation.bootstrap import DRAWS, LEVEL, Band, Estimate, proportion
from covid_model.evaluation.metrics import (
    CELLS,
    RATES,
    Bin,
    Confusion,
    Curve,
    area_from_counts,
    area_intervals,
    brier,
    calibration_error,
    cells,
    check,
    confusion,
    precision_recall,
    rates,
    recorded_bins,
    reliability,
    roc,
)
from covid_model.evaluation.predictive_values import (
    Costs,
    PredictiveValues,
    costs,
    frequencies,
    inverse,
    predictive_values,
)
from covid_model.evaluation.subgroups import Part, adults_without_covid, parts
from covid_model.evaluation.threshold_sweep import THRESHOLDS, ThresholdSweep, rates_at, share_at, sweep
