"""Films above every threshold, as they are and in every bootstrap sample of patients: counted once, looked up after.

A slider asks for the same intervals again and again at other thresholds. The samples are therefore drawn once; what
is kept of them is how many films of a sample score above each threshold, and every rate is made of such counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from covid_model.evaluation.bootstrap import (
    DRAWS,
    LEVEL,
    SEED,
    Estimate,
    cluster,
    clustered_share,
    draw,
    percentile_interval,
)
from covid_model.evaluation.confusion import check
from covid_model.evaluation.metrics import RATES, rates_of

THRESHOLDS = np.arange(101) / 100  # where a slider in hundredths can stand
_CHUNK = 1_000_000  # weights of patients held at a time: 8 MB
COVID, OTHER, ADULTS = "covid", "other", "adults"  # kinds of films that are tallied


@dataclass(frozen=True)
class ThresholdSweep:
    """Films of one kind above each threshold.

    Attributes:
        thresholds: (t,), rising.
        above: (1 + draws, t); the first row counts the films themselves, the others those of a bootstrap sample.
        total: (1 + draws,) films in all.
        whose: (all patients,) bool, of which patients the films are.
        patients_above, patients_below: (t,) patients with a film above a threshold, and with one that is not.
    """

    thresholds: np.ndarray
    above: np.ndarray
    total: np.ndarray
    whose: np.ndarray
    patients_above: np.ndarray
    patients_below: np.ndarray

    @property
    def patients(self) -> int:
        """How many patients the films are of."""
        return int(self.whose.sum())

    def place(self, threshold: float) -> int:
        """Where a threshold stands among `thresholds`. Raises ValueError for one that was not tallied."""
        at = int(np.abs(self.thresholds - threshold).argmin())
        if not np.isclose(self.thresholds[at], threshold, rtol=0, atol=1e-9):
            raise ValueError(f"Expected one of the thresholds that were tallied. Received: {threshold}")
        return at

    def share(self) -> np.ndarray:
        """(1 + draws, t) share of the films above each threshold; NaN where a sample has no such film."""
        total = self.total[:, None]
        return np.divide(self.above, total, out=np.full(self.above.shape, np.nan), where=total > 0)


def sweep(
    scores: ArrayLike,
    kinds: Mapping[str, ArrayLike],
    patients: ArrayLike | None = None,
    thresholds: np.ndarray = THRESHOLDS,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, ThresholdSweep]:
    """Tally several kinds of films on the same bootstrap samples.

    Args:
        scores: (n,) in [0, 1].
        kinds: name -> (n,) bool, the films of a kind.
        patients: (n,) whose film each is: whole patients are drawn. Without it, films are.
        thresholds: (t,), rising.
    """
    scores, _ = check(scores, np.zeros(np.shape(scores)))
    member = cluster(scores.size, None if patients is None else np.asarray(patients))
    clusters = int(member.max()) + 1 if member.size else 0
    height = np.searchsorted(thresholds, scores, side="left")  # how many thresholds a score lies strictly above
    counts = {}
    for name, films in kinds.items():
        films = np.asarray(films, bool)
        steps = np.zeros((clusters, len(thresholds) + 1), np.float32)  # exact for whole numbers up to 2 ** 24
        np.add.at(steps, (member[films], height[films]), 1)
        # (clusters, t + 1): films of a patient above each threshold, and at last all of them
        counts[name] = np.hstack([steps[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], steps.sum(axis=1, keepdims=True)])
    rows = {name: [count.sum(axis=0, keepdims=True)] for name, count in counts.items()}
    if clusters:
        for weights in draw(clusters, draws, seed, max(1, _CHUNK // clusters)):
            weights = weights.astype(np.float32)
            for name, count in counts.items():
                rows[name].append(weights @ count)
    return {name: _tally(thresholds, counts[name], np.vstack(rows[name])) for name in kinds}


def _tally(thresholds: np.ndarray, counts: np.ndarray, rows: np.ndarray) -> ThresholdSweep:
    above, films = counts[:, :-1], counts[:, -1]
    return ThresholdSweep(
        thresholds,
        rows[:, :-1],
        rows[:, -1],
        films > 0,
        (above > 0).sum(axis=0),
        (films[:, None] > above).sum(axis=0),
    )


def share_at(films: ThresholdSweep, threshold: float, level: float = LEVEL) -> Estimate:
    """The share of films strictly above a threshold."""
    at = films.place(threshold)
    counts = films.above[:, at], films.total
    draws = np.divide(*counts, out=np.full(films.total.shape, np.nan), where=films.total > 0)[1:]
    return clustered_share(int(counts[0][0]), int(films.total[0]), draws, films.patients, level)


def rates_at(
    covid: ThresholdSweep, other: ThresholdSweep, threshold: float, level: float = LEVEL
) -> dict[str, Estimate]:
    """Every rate of RATES at a threshold, with intervals by patient."""
    at = covid.place(threshold)
    tp, fp = covid.above[:, at].astype(np.float64), other.above[:, at].astype(np.float64)
    fn, tn = covid.total - tp, other.total - fp
    drawn = rates_of(np.stack([tp, fn, fp, tn], axis=-1))  # name -> (1 + draws,)
    everybody = (covid.whose | other.whose).sum()  # one may have films of both kinds
    agree = {  # of each share of films: who counts, of whom, and how many patients these are where all agree
        "accuracy": (tp + tn, tp + fn + fp + tn, everybody),
        "sensitivity": (tp, tp + fn, covid.patients),
        "specificity": (tn, tn + fp, other.patients),
        "ppv": (tp, tp + fp, max(covid.patients_above[at], other.patients_above[at])),
        "npv": (tn, tn + fn, max(covid.patients_below[at], other.patients_below[at])),
    }
    found = {name: percentile_interval(float(drawn[name][0]), drawn[name][1:], level) for name in RATES}
    for name, (count, total, people) in agree.items():
        found[name] = clustered_share(int(count[0]), int(total[0]), drawn[name][1:], int(people), level)
    return found
