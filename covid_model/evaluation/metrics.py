"""The confusion matrix, the rates from it, ROC and precision-recall curves, areas, calibration."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config
from covid_model.evaluation.bootstrap import (
    DRAWS,
    LEVEL,
    Estimate,
    bootstrap,
    drawn_mean,
    percentile_interval,
    resample,
    share,
)
from covid_model.verdict import is_positive

# --- Confusion matrix ---

CELLS = ("tp", "fn", "fp", "tn")  # in reading order: COVID-19 in the top row, positive in the left column


@dataclass(frozen=True)
class Confusion:
    """Number of films in each cell: true positives, false negatives, false positives and true negatives."""

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def covid(self) -> int:
        return self.tp + self.fn

    @property
    def other(self) -> int:
        return self.fp + self.tn

    @property
    def positive(self) -> int:
        return self.tp + self.fp

    @property
    def negative(self) -> int:
        return self.fn + self.tn

    @property
    def total(self) -> int:
        return self.covid + self.other

    def count(self, cell: str) -> int:
        """Return the number of films in one of CELLS."""
        return int(getattr(self, cell))

    def row_share(self, cell: str) -> float | None:
        """Return the cell's share of the films with the same ground truth, in [0, 1]; None if there are none."""
        row = self.covid if cell in ("tp", "fn") else self.other
        return self.count(cell) / row if row else None


def check(scores: ArrayLike, covid: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return `scores` as float64 (n,) and `covid` as bool (n,).

    Raises:
        ValueError: The shapes differ, a score is NaN or outside [0, 1], or the ground truth is not 0 or 1.
    """
    scores = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(covid)
    if scores.ndim != 1 or truth.shape != scores.shape:
        raise ValueError(f"Expected two arrays of one length. Received: shapes {scores.shape} and {truth.shape}")
    if np.isnan(scores).any():
        raise ValueError(f"Expected a score for every film. Received: {int(np.isnan(scores).sum())} that are NaN")
    if scores.size and (scores.min() < 0 or scores.max() > 1):
        raise ValueError(f"Expected scores in [0, 1]. Received: {scores.min()} to {scores.max()}")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError(f"Expected a ground truth of 0 and 1. Received: {np.unique(truth).tolist()}")
    return scores, truth.astype(bool)


def cells(scores: ArrayLike, covid: ArrayLike, threshold: float) -> np.ndarray:
    """Return the cell of each film, (n,) strings of CELLS."""
    scores, truth = check(scores, covid)
    positive = is_positive(scores, threshold)
    return np.select([truth & positive, truth & ~positive, ~truth & positive], CELLS[:3], CELLS[3])


def confusion(scores: ArrayLike, covid: ArrayLike, threshold: float) -> Confusion:
    """Return the confusion matrix at `threshold`, which may be any number, 0 and 1 included."""
    by_film = cells(scores, covid, threshold)
    return Confusion(*(int((by_film == cell).sum()) for cell in CELLS))


# --- Rates, curves and the areas under them ---

RATES = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "balanced_accuracy")


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    over, under = np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)
    return np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)


def rates_of(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return every rate of counts (..., 4), in the order of CELLS: name -> (...,), NaN if undefined."""
    tp, fn, fp, tn = np.moveaxis(np.asarray(counts), -1, 0)
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    return {
        "accuracy": _ratio(tp + tn, tp + fn + fp + tn),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": _ratio(tp, tp + fp),
        "npv": _ratio(tn, tn + fn),
        "f1": np.where(tp + fn > 0, _ratio(2 * tp, 2 * tp + fp + fn), np.nan),
        "balanced_accuracy": (sensitivity + specificity) / 2,
    }


def rates(scores: ArrayLike, covid: ArrayLike, threshold: float) -> dict[str, float | None]:
    """Return every rate of RATES at `threshold`, in [0, 1]; `threshold_sweep.rates_at` gives them with intervals."""
    matrix = confusion(scores, covid, threshold)
    values = rates_of(np.array([matrix.count(cell) for cell in CELLS]))
    return {name: None if np.isnan(value) else float(value) for name, value in values.items()}


def area_intervals(scores: ArrayLike, covid: ArrayLike, patients: ArrayLike | None = None) -> dict[str, Estimate]:
    """Return "auc" (area under the ROC curve) and "average_precision", bootstrapped by film, or by patient if given.

    The values are scikit-learn's. Both are None if a class is missing.
    """
    scores, truth = check(scores, covid)
    if not truth.any() or truth.all():
        return {"auc": Estimate(None), "average_precision": Estimate(None)}
    from sklearn.metrics import average_precision_score, roc_auc_score

    values = {"auc": roc_auc_score(truth, scores), "average_precision": average_precision_score(truth, scores)}
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)  # the last film of each distinct score
    drawn = bootstrap(
        lambda weights: weighted_areas(weights[:, order], truth[order], last),
        scores.size,
        None if patients is None else np.asarray(patients),
    )
    return {name: percentile_interval(value, drawn[name]) for name, value in values.items()}


def area_from_counts(auc: float, covid: int, other: int, level: float = LEVEL) -> Estimate:
    """Return an AUC with the interval that follows from the number of films of each class alone.

    The standard error is that of Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747.
    """
    from scipy.stats import norm

    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (covid - 1) * (first - auc**2) + (other - 1) * (second - auc**2)
    half = float(norm.ppf((1 + level) / 2)) * (variance / (covid * other)) ** 0.5
    return Estimate(auc, max(0.0, auc - half), min(1.0, auc + half))


def weighted_areas(weights: np.ndarray, truth: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    """Return both areas for many sample weights at once.

    scikit-learn with `sample_weight` computes the same for one vector of weights, and takes a second for a thousand.

    Args:
        weights: (n, films), sorted by score, highest first.
        truth: (films,) bool, in the same order.
        last: (distinct scores,) index of the last film of each distinct score.
    """
    tp = np.cumsum(weights * truth, axis=1, dtype=np.float64)[:, last]  # (n, distinct scores)
    fp = np.cumsum(weights * ~truth, axis=1, dtype=np.float64)[:, last]
    gained, alarms = np.diff(tp, axis=1, prepend=0), np.diff(fp, axis=1, prepend=0)
    auc = _ratio(((tp - gained / 2) * alarms).sum(axis=1), tp[:, -1] * fp[:, -1])
    precision = _ratio(tp, tp + fp)
    precision = np.where(np.isnan(precision), 0, precision)  # nothing drawn yet: nothing gained either
    return {"auc": auc, "average_precision": _ratio((gained * precision).sum(axis=1), tp[:, -1])}


# --- The ROC and the precision-recall curve, by scikit-learn ---


@dataclass(frozen=True)
class Curve:
    """A curve of x and y (n,) in [0, 1]. If a class is missing, it is empty and `area` is None.

    `area` is the AUC of a ROC curve, and the average precision of a precision-recall curve.
    """

    x: np.ndarray
    y: np.ndarray
    area: float | None


_EMPTY = Curve(np.empty(0), np.empty(0), None)


def roc(scores: ArrayLike, covid: ArrayLike) -> Curve:
    """Return the ROC curve. x: false positive rate (1 - specificity); y: sensitivity."""
    scores, truth = check(scores, covid)
    if not truth.any() or truth.all():
        return _EMPTY
    from sklearn.metrics import roc_auc_score, roc_curve

    x, y, _ = roc_curve(truth, scores)
    return Curve(x, y, float(roc_auc_score(truth, scores)))


def precision_recall(scores: ArrayLike, covid: ArrayLike) -> Curve:
    """Return the precision-recall curve. x: recall (sensitivity), from 1 down to 0; y: precision (PPV), in steps."""
    scores, truth = check(scores, covid)
    if not truth.any() or truth.all():
        return _EMPTY
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, scores, drop_intermediate=True)
    return Curve(recall, precision, float(average_precision_score(truth, scores)))


# --- Figures by patient ---

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


BINS = 10


# --- Calibration: whether a score of 0.8 means COVID-19 in four films of five ---


@dataclass(frozen=True)
class Bin:
    """The films with scores in (low, high]; the first bin includes 0.

    Attributes:
        low, high: Edges of the bin, in [0, 1].
        films: Number of films.
        score: Mean score; None if there is no film.
        covid: Share of COVID-19 films.
    """

    low: float
    high: float
    films: int
    score: float | None
    covid: Estimate


def reliability(
    scores: ArrayLike, covid: ArrayLike, patients: ArrayLike | None = None, draws: int = DRAWS
) -> list[Bin]:
    """Return the points of a reliability diagram: BINS bins of equal width.

    Args:
        scores, covid: (n,) scores in [0, 1] and ground truth.
        patients: (n,) the patient of each film, for intervals by patient; without it they are by film.
        draws: Bootstrap samples.
    """
    scores, truth = check(scores, covid)
    patients = np.arange(scores.size) if patients is None else np.asarray(patients).astype(str)
    edges = np.linspace(0, 1, BINS + 1)
    bin_of_film = np.digitize(scores, edges[1:-1], right=True)
    points = []
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = bin_of_film == index
        mean = float(scores[inside].mean()) if inside.any() else None
        estimate = share(truth[inside], patients[inside], draws)
        points.append(Bin(float(low), float(high), int(inside.sum()), mean, estimate))
    return points


def recorded_bins(record: Sequence[Mapping[str, Any]]) -> list[Bin]:
    """Return the bins of an experiment's record, which has no intervals."""
    return [Bin(row["low"], row["high"], row["films"], row["score"], Estimate(row["covid"])) for row in record]


def calibration_error(bins: list[Bin]) -> float | None:
    """Return the expected calibration error (Naeini et al. 2015): |score - share of COVID-19| weighted by films."""
    known = [point for point in bins if point.films]
    films = sum(point.films for point in known)
    return sum(point.films * abs(point.score - point.covid.value) for point in known) / films if films else None


def brier(scores: ArrayLike, covid: ArrayLike) -> float | None:
    """Return the Brier score, the mean squared difference of score and ground truth, 0 at best; None without films."""
    scores, truth = check(scores, covid)
    if not scores.size:
        return None
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(truth, scores, pos_label=True, labels=[False, True]))
