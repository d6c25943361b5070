"""What a verdict is worth where COVID-19 is rarer, or more common, than among the films at hand.

Sensitivity and specificity are taken from the films; the share of COVID-19 (the prevalence) is set. Bayes' rule does
the rest (Altman and Bland 1994, doi 10.1136/bmj.309.6947.102).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from covid_model.evaluation.estimates import LEVEL, Band, Estimate, band
from covid_model.evaluation.tally import Tally, share_at

PER = 1000  # people that natural frequencies are told of


@dataclass(frozen=True)
class Ward:
    """PPV and NPV (n,) at each of `prevalence` (n,), all in [0, 1], with intervals by patient."""

    prevalence: np.ndarray
    ppv: Band
    npv: Band


def ward(covid: Tally, other: Tally, threshold: float, prevalence: ArrayLike, level: float = LEVEL) -> Ward:
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
        return Ward(share, Band(nothing, nothing, nothing), Band(nothing, nothing, nothing))
    if {sensitivity.value, specificity.value} & {0.0, 1.0}:
        limits = [
            _values(np.array([getattr(sensitivity, end)]), np.array([getattr(specificity, end)]), share)
            for end in ("value", "low", "high")
        ]
        return Ward(share, *(Band(*(one[kind][0] for one in limits)) for kind in (0, 1)))
    at = covid.place(threshold)
    ppv, npv = _values(covid.share()[:, at], 1 - other.share()[:, at], share)
    return Ward(share, band(ppv, level), band(npv, level))


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
