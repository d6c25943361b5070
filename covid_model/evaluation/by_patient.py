"""What experiments share in arithmetic: intervals by patient, and figures made ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config, evaluation
from covid_model.evaluation import Estimate
from covid_model.evaluation.bootstrap import bootstrap, drawn_mean, percentile_interval, resample, share
from covid_model.evaluation.metrics import weighted_areas
from covid_model.verdict import is_positive

DECIMALS = 4


def mean(values: ArrayLike, patients: ArrayLike) -> Estimate:
    """The mean of `values` (n,) with a bootstrap interval by patient."""
    values, patients = np.asarray(values, np.float64), np.asarray(patients)
    if values.size == 0:
        return Estimate(None)
    return percentile_interval(float(values.mean()), drawn_mean(values, patients))


def auc_change(before: ArrayLike, after: ArrayLike, covid: ArrayLike, patients: ArrayLike) -> Estimate:
    """By how much the AUC of scores `after` (n,) is above that of `before` on the same films, drawn by patient."""
    truth = np.asarray(covid, bool)
    if not truth.any() or truth.all():
        return Estimate(None)
    value, draws = 0.0, 0.0
    for sign, scores in ((-1, np.asarray(before, np.float64)), (1, np.asarray(after, np.float64))):
        order = np.argsort(-scores, kind="stable")
        last = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)  # of each distinct score
        areas = partial(_auc, order=order, truth=truth[order], last=last)
        value += sign * float(areas(np.ones((1, scores.size)))["auc"][0])
        draws += sign * bootstrap(areas, scores.size, np.asarray(patients))["auc"]  # the same patients both times
    return percentile_interval(value, draws)


def _auc(weights: np.ndarray, order: np.ndarray, truth: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    return {"auc": weighted_areas(weights[:, order], truth, last)["auc"]}


def rank_correlation(x: ArrayLike, y: ArrayLike, patients: ArrayLike) -> Estimate:
    """Spearman's rank correlation in [-1, 1], with a bootstrap interval by patient; none where a side is constant."""
    from scipy.stats import rankdata, spearmanr

    x, y = rankdata(x), rankdata(y)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Estimate(None)
    draws = []
    for chunk in resample(len(x), np.asarray(patients)):
        for weights in chunk:
            rows = np.repeat(np.arange(len(x)), weights)
            varies = np.ptp(x[rows]) > 0 and np.ptp(y[rows]) > 0
            draws.append(spearmanr(x[rows], y[rows]).statistic if varies else np.nan)
    return percentile_interval(float(spearmanr(x, y).statistic), np.array(draws))


def plain(value: Any) -> Any:
    """A figure as JSON holds it: dataclasses and mappings as objects, arrays as lists, floats rounded, NaN as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(part) for key, part in asdict(value).items() if part is not None or key == "value"}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return round(float(value), DECIMALS) if np.isfinite(value) else None
    return value


def threshold_key(threshold: float) -> str:
    """The key that a record keeps what was measured at `threshold` under."""
    return f"at_{threshold:g}"


def accuracy_and_auc(table: pd.DataFrame, scores: np.ndarray, threshold: float) -> dict[str, Any]:
    """Accuracy, sensitivity, specificity and adults called positive at 0.5 and `threshold`, and the AUC; by patient."""
    truth, patients = table["covid"].to_numpy() == 1, table["patient"].to_numpy()
    adults = ~truth & (table["source"] != config.CHILDREN).to_numpy()
    found: dict[str, Any] = {"films": len(table), "covid": int(truth.sum())}
    for mark in (config.HALF, threshold):
        positive = is_positive(scores, mark)
        found[threshold_key(mark)] = {
            "accuracy": share(positive == truth, patients),
            "sensitivity": share(positive[truth], patients[truth]),
            "specificity": share(~positive[~truth], patients[~truth]),
            "adults_positive": share(positive[adults], patients[adults]),
        }
    return found | {"auc": evaluation.area_intervals(scores, truth, patients)["auc"]}
