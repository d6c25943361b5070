"""Scores, truth and a threshold in; counts, rates with intervals and curves out. Pure functions over arrays.

Everywhere: `scores` are floats in [0, 1], `covid` is truth (1 or True for a COVID-19 film), and a film is *positive*
where its score lies strictly above the threshold. What cannot be computed (the sensitivity of a set without COVID
films, say) is None, never an error; a score that is not a number is a ValueError.

scikit-learn and SciPy take one to two seconds to import, so they are imported where they are used.
"""

from __future__ import annotations

from covid_model.evaluation.curves import Curve, precision_recall, roc
from covid_model.evaluation.estimates import DRAWS, LEVEL, SEED, Estimate, proportion
from covid_model.evaluation.groups import adults_without_covid, by_group
from covid_model.evaluation.matrix import CELLS, Confusion, cells, check, confusion
from covid_model.evaluation.metrics import RATES, always_no, area_intervals, from_confusion, rates, share_above

__all__ = [
    "CELLS",
    "DRAWS",
    "LEVEL",
    "RATES",
    "SEED",
    "Confusion",
    "Curve",
    "Estimate",
    "adults_without_covid",
    "always_no",
    "area_intervals",
    "by_group",
    "cells",
    "check",
    "confusion",
    "from_confusion",
    "precision_recall",
    "proportion",
    "rates",
    "roc",
    "share_above",
]
