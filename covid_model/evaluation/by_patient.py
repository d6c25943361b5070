"""Statistics that experiments share: bootstrap intervals by patient, and values ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config
from covid_model.evaluation.bootstrap import Estimate, bootstrap, drawn_mean, percentile_interval, resample, share
from covid_model.evaluation.metrics import area_intervals, weighted_areas
from covid_model.verdict import is_positive

DECIMALS = 4


def mean(values: ArrayLike, patients: ArrayLike) -> Estimate:
    """Return the mean of `values` (n,) with an interval by patient (n,)."""
    values, patients = np.asarray(values, np.float64), np.asarray(patients)
    if values.size == 0:
        return Estimate(None)
    return percentile_interval(float(values.mean()), drawn_mean(values, patients))


def auc_change(before: ArrayLike, after: ArrayLike, covid: ArrayLike, patients: ArrayLike) -> Estimate:
    """Return the AUC of scores `after` (n,) minus that of `before`, with an interval by patient.

    Both AUCs are computed on the same bootstrap samples, so the interval is of paired differences.
    """
    truth = np.asarray(covid, bool)
    if not truth.any() or truth.all():
        return Estimate(None)
    value, draws = 0.0, 0.0
    for sign, scores in ((-1, np.asarray(before, np.float64)), (1, np.asarray(after, np.float64))):
        order = np.argsort(-scores, kind="stable")
        last = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)  # of each distinct score
        areas = partial(_auc, order=order, truth=truth[order], last=last)
        value += sign * float(areas(np.ones((1, scores.size)))["auc"][0])
        draws += sign * bootstrap(areas, scores.size, np.asarray(patients))["auc"]
    return percentile_interval(value, draws)


def _auc(weights: np.ndarray, order: np.ndarray, truth: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    return {"auc": weighted_areas(weights[:, order], truth, last)["auc"]}


def rank_correlation(x: ArrayLike, y: ArrayLike, patients: ArrayLike) -> Estimate:
    """Return Spearman's rank correlation in [-1, 1] with an interval by patient; no value if `x` or `y` is constant."""
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


def to_json(value: Any) -> Any:
    """Return a value as JSON holds it: dataclasses as objects, arrays as lists, floats rounded, NaN as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: to_json(part) for key, part in asdict(value).items() if part is not None or key == "value"}
    if isinstance(value, Mapping):
        return {str(key): to_json(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [to_json(part) for part in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return round(float(value), DECIMALS) if np.isfinite(value) else None
    return value


def threshold_key(threshold: float) -> str:
    """Return the key of the results at `threshold` in an experiment's record."""
    return f"at_{threshold:g}"


def accuracy_and_auc(table: pd.DataFrame, scores: np.ndarray, threshold: float) -> dict[str, Any]:
    """Return the rates at 0.5 and `threshold`, and the AUC, with intervals by patient.

    Args:
        table: (n) films with the columns covid, source and patient.
        scores: (n,) in [0, 1].
        threshold: In [0, 1].

    Returns:
        films, covid, auc, and for each threshold (see `threshold_key`): accuracy, sensitivity, specificity and
        adults_positive, the share of positives among adults without COVID-19.
    """
    truth, patients = table["covid"].to_numpy() == 1, table["patient"].to_numpy()
    adults = ~truth & (table["source"] != config.CHILDREN).to_numpy()
    result: dict[str, Any] = {"films": len(table), "covid": int(truth.sum())}
    for cut in (config.HALF, threshold):
        positive = is_positive(scores, cut)
        result[threshold_key(cut)] = {
            "accuracy": share(positive == truth, patients),
            "sensitivity": share(positive[truth], patients[truth]),
            "specificity": share(~positive[~truth], patients[~truth]),
            "adults_positive": share(positive[adults], patients[adults]),
        }
    return result | {"auc": area_intervals(scores, truth, patients)["auc"]}
