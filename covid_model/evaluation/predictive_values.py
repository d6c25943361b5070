"""What a verdict is worth where COVID-19 is rarer, or more common, than among the films at hand.

Sensitivity and specificity are taken from the films; the share of COVID-19 (the prevalence) is set. Bayes' rule does
the rest (Altman and Bland 1994, doi 10.1136/bmj.309.6947.102).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from covid_model import config
from covid_model.evaluation.bootstrap import LEVEL, Band, Estimate, band, percentile_interval
from covid_model.evaluation.threshold_sweep import ThresholdSweep, share_at

PER = 1000  # people that natural frequencies are told of


@dataclass(frozen=True)
class PredictiveValues:
    """PPV and NPV (n,) at each of `prevalence` (n,), all in [0, 1], with intervals by patient."""

    prevalence: np.ndarray
    ppv: Band
    npv: Band


def predictive_values(
    covid: ThresholdSweep, other: ThresholdSweep, threshold: float, prevalence: ArrayLike, level: float = LEVEL
) -> PredictiveValues:
    """The predictive values that a threshold would have at other prevalences.

    The intervals come from the bootstrap samples of patients, sensitivity and specificity of one sample together.
    Where one of the two is 0 or 1, as it then is in every sample, the limits are those that its Wilson interval gives
    (both values rise with both rates): wide rather than falsely sure.

    Args:
        prevalence: (n,), each in [0, 1]. Raises ValueError for others.
    """
    share = np.atleast_1d(np.asarray(prevalence, np.float64))
    if share.ndim != 1 or not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"Expected prevalences in [0, 1]. Received: {prevalence}")
    sensitivity, specificity = share_at(covid, threshold, level), inverse(share_at(other, threshold, level))
    if not sensitivity or not specificity:
        nothing = np.full(share.shape, np.nan)
        return PredictiveValues(share, Band(nothing, nothing, nothing), Band(nothing, nothing, nothing))
    if {sensitivity.value, specificity.value} & {0.0, 1.0}:
        limits = [
            _values(np.array([getattr(sensitivity, end)]), np.array([getattr(specificity, end)]), share)
            for end in ("value", "low", "high")
        ]
        return PredictiveValues(share, *(Band(*(one[kind][0] for one in limits)) for kind in (0, 1)))
    at = covid.place(threshold)
    ppv, npv = _values(covid.share()[:, at], 1 - other.share()[:, at], share)
    return PredictiveValues(share, band(ppv, level), band(npv, level))


def _values(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PPV and NPV, (rows, n) each, of rates (rows,) at prevalences (n,); NaN where nobody is called so."""
    found, missed = sensitivity[:, None] * prevalence, (1 - sensitivity[:, None]) * prevalence
    alarms, right = (1 - specificity[:, None]) * (1 - prevalence), specificity[:, None] * (1 - prevalence)
    return tuple(
        np.divide(over, over + under, out=np.full(over.shape, np.nan), where=over + under > 0)
        for over, under in ((found, alarms), (right, missed))
    )


def inverse(estimate: Estimate) -> Estimate:
    """The share of the others: 1 less the value, the limits swapped."""
    if not estimate or estimate.low is None:
        return Estimate(None if not estimate else 1 - estimate.value)
    count = None if estimate.count is None else estimate.total - estimate.count
    return Estimate(1 - estimate.value, 1 - estimate.high, 1 - estimate.low, count, estimate.total)


@dataclass(frozen=True)
class Frequencies:
    """The four cells of PER people: whole numbers that add up to it."""

    found: int
    missed: int
    alarms: int
    right: int

    @property
    def covid(self) -> int:
        return self.found + self.missed

    @property
    def positive(self) -> int:
        return self.found + self.alarms


def frequencies(sensitivity: float, specificity: float, prevalence: float, people: int = PER) -> Frequencies:
    """What would come of `people`, in whole people."""
    covid = round(people * prevalence)
    found, alarms = round(covid * sensitivity), round((people - covid) * (1 - specificity))
    return Frequencies(found, covid - found, alarms, people - covid - alarms)


# --- What a threshold costs, and which one costs least, when a miss weighs more, or less, than a false alarm


@dataclass(frozen=True)
class Costs:
    """What each threshold costs a film, in false alarms: a false alarm costs 1, a miss `miss`.

    Attributes:
        thresholds: (t,), rising.
        cost: (t,), with intervals by patient.
        missed, alarms: (t,) share of all films that are missed, and that are false alarms.
        best: the threshold that costs least on these films, with the interval of what is best in samples of them.
        always_no, always_yes: what it costs to call every film negative, and every film positive.
    """

    thresholds: np.ndarray
    cost: Band
    missed: np.ndarray
    alarms: np.ndarray
    best: Estimate
    always_no: float
    always_yes: float


def costs(
    covid: ThresholdSweep,
    other: ThresholdSweep,
    prevalence: float,
    miss: float,
    level: float = LEVEL,
    near: float | None = None,
) -> Costs | None:
    """The expected cost of each threshold, by which Metz (1978, doi 10.1016/S0001-2998(78)80014-2) picks a point on a
    ROC curve: prevalence x miss x (1 - sensitivity) + (1 - prevalence) x (1 - specificity).

    Of thresholds that cost the same, the one nearest to `near` is the best. None where one kind of film is missing.

    Args:
        prevalence: share of COVID-19, in [0, 1].
        miss: what a miss costs in false alarms, above 0. Raises ValueError for others.
    """
    near = config.HALF if near is None else near
    if not (0 <= prevalence <= 1 and miss > 0):
        raise ValueError(f"Expected a prevalence in [0, 1] and a cost above 0. Received: {prevalence} and {miss}")
    if not covid.total[0] or not other.total[0]:
        return None
    missed = prevalence * (1 - covid.share())  # (1 + draws, t)
    alarms = (1 - prevalence) * other.share()
    cost = miss * missed + alarms
    order = np.argsort(np.abs(covid.thresholds - near), kind="stable")
    known = ~np.isnan(cost).any(axis=1)  # a sample may hold films of one kind alone
    best = covid.thresholds[order[cost[known][:, order].argmin(axis=1)]]
    return Costs(
        covid.thresholds,
        band(cost, level),
        missed[0],
        alarms[0],
        percentile_interval(float(best[0]), best[1:], level),
        prevalence * miss,
        1 - prevalence,
    )
