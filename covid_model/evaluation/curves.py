"""The ROC and the precision-recall curve, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from covid_model.evaluation.matrix import check


@dataclass(frozen=True)
class Curve:
    """x and y (n,) in [0, 1]; `area` under it, None (and an empty curve) where a class is missing.

    `area` is the AUC of a ROC curve and the average precision of a precision-recall curve.
    """

    x: np.ndarray
    y: np.ndarray
    area: float | None


_NOTHING = Curve(np.empty(0), np.empty(0), None)


def roc(scores: ArrayLike, covid: ArrayLike) -> Curve:
    """x: share of other films called positive (1 - specificity); y: share of COVID-19 films found (sensitivity)."""
    scores, truth = check(scores, covid)
    if not truth.any() or truth.all():
        return _NOTHING
    from sklearn.metrics import roc_auc_score, roc_curve

    x, y, _ = roc_curve(truth, scores)
    return Curve(x, y, float(roc_auc_score(truth, scores)))


def precision_recall(scores: ArrayLike, covid: ArrayLike) -> Curve:
    """x: recall (sensitivity), falling from 1 to 0; y: precision (PPV). A staircase: do not join it by slopes."""
    scores, truth = check(scores, covid)
    if not truth.any() or truth.all():
        return _NOTHING
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, scores, drop_intermediate=True)
    return Curve(recall, precision, float(average_precision_score(truth, scores)))
