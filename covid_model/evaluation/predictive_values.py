"""Predictive values and costs at other prevalences than the films' own.

Sensitivity and specificity come from the films, the prevalence of COVID-19 is chosen, and Bayes' rule gives the
predictive values (Altman and Bland 1994, doi 10.1136/bmj.309.6947.102).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from covid_model import config
from covid_model.evaluation.bootstrap import LEVEL, Band, Estimate, band, percentile_interval
from covid_model.evaluation.threshold_sweep import ThresholdSweep, share_at

PER = 1000  # people in natural frequencies


@dataclass(frozen=True)
class PredictiveValues:
    """PPV and NPV (n,) at each of `prevalence` (n,), all in [0, 1], with intervals by patient."""

    prevalence: np.ndarray
    ppv: Band
    npv: Band


def predictive_values(
    covid: ThresholdSweep, other: ThresholdSweep, threshold: float, prevalence: ArrayLike, level: float = LEVEL
) -> PredictiveValues:
    """Return the predictive values of a threshold at other prevalences.

    Intervals come from the bootstrap samples of patients, with sensitivity and specificity of the same sample. If one
    of the two is 0 or 1, it is so in every sample and the interval would be too narrow. The limits are then those of
    its Wilson interval, which is valid because both predictive values increase with both rates.

    Args:
        covid, other: Sweeps of the films with and without COVID-19.
        threshold: One of the sweeps' thresholds.
        prevalence: (n,), each in [0, 1].
        level: Of the intervals.

    Raises:
        ValueError: A prevalence is outside [0, 1].
    """
    share = np.atleast_1d(np.asarray(prevalence, np.float64))
    if share.ndim != 1 or not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"Expected prevalences in [0, 1]. Received: {prevalence}")
    sensitivity, specificity = share_at(covid, threshold, level), inverse(share_at(other, threshold, level))
    if not sensitivity or not specificity:
        undefined = Band(*[np.full(share.shape, np.nan)] * 3)
        return PredictiveValues(share, undefined, undefined)
    if {sensitivity.value, specificity.value} & {0.0, 1.0}:
        limits = [
            _values(np.array([getattr(sensitivity, end)]), np.array([getattr(specificity, end)]), share)
            for end in ("value", "low", "high")
        ]
        return PredictiveValues(share, *(Band(*(values[kind][0] for values in limits)) for kind in (0, 1)))
    at = covid.index(threshold)
    ppv, npv = _values(covid.share()[:, at], 1 - other.share()[:, at], share)
    return PredictiveValues(share, band(ppv, level), band(npv, level))


def _values(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return PPV and NPV, (rows, n) each, of rates (rows,) at prevalences (n,); NaN if nobody has that verdict."""
    tp, fn = sensitivity[:, None] * prevalence, (1 - sensitivity[:, None]) * prevalence
    fp, tn = (1 - specificity[:, None]) * (1 - prevalence), specificity[:, None] * (1 - prevalence)
    return tuple(
        np.divide(right, right + wrong, out=np.full(right.shape, np.nan), where=right + wrong > 0)
        for right, wrong in ((tp, fp), (tn, fn))
    )


def inverse(estimate: Estimate) -> Estimate:
    """Return 1 minus a share, with its limits swapped."""
    if not estimate or estimate.low is None:
        return Estimate(None if not estimate else 1 - estimate.value)
    count = None if estimate.count is None else estimate.total - estimate.count
    return Estimate(1 - estimate.value, 1 - estimate.high, 1 - estimate.low, count, estimate.total)


@dataclass(frozen=True)
class Frequencies:
    """The confusion matrix of PER people: whole numbers that add up to it."""

    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int

    @property
    def covid(self) -> int:
        return self.true_positives + self.false_negatives

    @property
    def positive(self) -> int:
        return self.true_positives + self.false_positives


def frequencies(sensitivity: float, specificity: float, prevalence: float) -> Frequencies:
    """Return the expected confusion matrix of PER people, in whole people."""
    covid = round(PER * prevalence)
    tp, fp = round(covid * sensitivity), round((PER - covid) * (1 - specificity))
    return Frequencies(tp, covid - tp, fp, PER - covid - fp)


# --- The cost of each threshold if a false negative costs more, or less, than a false positive


@dataclass(frozen=True)
class Costs:
    """The expected cost per film of each threshold, in units of one false positive.

    Attributes:
        thresholds: (t,), increasing.
        cost: (t,), with intervals by patient.
        false_negatives, false_positives: (t,) their share of all films.
        best: The cheapest threshold, with the interval of the cheapest one in the bootstrap samples.
        always_negative, always_positive: The cost of calling every film negative, and every film positive.
    """

    thresholds: np.ndarray
    cost: Band
    false_negatives: np.ndarray
    false_positives: np.ndarray
    best: Estimate
    always_negative: float
    always_positive: float


def costs(
    covid: ThresholdSweep,
    other: ThresholdSweep,
    prevalence: float,
    miss: float,
    level: float = LEVEL,
    near: float | None = None,
) -> Costs | None:
    """Return the expected cost of each threshold, or None if one kind of film is missing.

    The cost is prevalence x miss x (1 - sensitivity) + (1 - prevalence) x (1 - specificity), by which Metz (1978, doi
    10.1016/S0001-2998(78)80014-2) picks a point on a ROC curve.

    Args:
        covid, other: Sweeps of the films with and without COVID-19.
        prevalence: Share of COVID-19, in [0, 1].
        miss: Cost of a false negative in false positives, above 0.
        level: Of the intervals.
        near: Of thresholds with the same cost, the nearest to this one is the best. Defaults to `config.HALF`.

    Raises:
        ValueError: `prevalence` or `miss` is out of range.
    """
    near = config.HALF if near is None else near
    if not (0 <= prevalence <= 1 and miss > 0):
        raise ValueError(f"Expected a prevalence in [0, 1] and a cost above 0. Received: {prevalence} and {miss}")
    if not covid.total[0] or not other.total[0]:
        return None
    false_negatives = prevalence * (1 - covid.share())  # (1 + draws, t)
    false_positives = (1 - prevalence) * other.share()
    cost = miss * false_negatives + false_positives
    order = np.argsort(np.abs(covid.thresholds - near), kind="stable")
    known = ~np.isnan(cost).any(axis=1)  # a sample may hold only films of one kind
    best = covid.thresholds[order[cost[known][:, order].argmin(axis=1)]]
    return Costs(
        covid.thresholds,
        band(cost, level),
        false_negatives[0],
        false_positives[0],
        percentile_interval(float(best[0]), best[1:], level),
        prevalence * miss,
        1 - prevalence,
    )
