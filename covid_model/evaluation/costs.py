"""What a threshold costs, and which one costs least, when a miss weighs more, or less, than a false alarm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from covid_model import settings
from covid_model.evaluation.estimates import LEVEL, Band, Estimate, band, percentile_interval
from covid_model.evaluation.tally import Tally


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
    covid: Tally,
    other: Tally,
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
    near = settings.HALF if near is None else near
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
