"""Count the films above every threshold once, so that a slider can look up rates and intervals at any of them.

Bootstrap samples of patients are drawn once. What is kept of each is the number of films above each threshold, and
every rate is computed from such counts. `score_split` does so for one network's scores of one split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config
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
from covid_model.evaluation.metrics import (
    RATES,
    Confusion,
    Curve,
    area_intervals,
    cells,
    check,
    confusion,
    precision_recall,
    rates_of,
    roc,
)

THRESHOLDS = np.arange(101) / 100  # the steps of a slider
_CHUNK = 1_000_000  # patients' weights in memory at a time: 8 MB


@dataclass(frozen=True)
class ThresholdSweep:
    """The number of films of one kind above each threshold.

    Attributes:
        thresholds: (t,), increasing.
        above: (1 + draws, t); the first row counts the films themselves, the others the films of a bootstrap sample.
        total: (1 + draws,) films in total.
        has_films: (all patients,) bool, which patients have films of this kind.
        patients_above, patients_below: (t,) patients with a film above each threshold, and with one that is not.
    """

    thresholds: np.ndarray
    above: np.ndarray
    total: np.ndarray
    has_films: np.ndarray
    patients_above: np.ndarray
    patients_below: np.ndarray

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.has_films.sum())

    def index(self, threshold: float) -> int:
        """Return the index of a threshold. Raises ValueError if it was not counted."""
        index = int(np.abs(self.thresholds - threshold).argmin())
        if not np.isclose(self.thresholds[index], threshold, rtol=0, atol=1e-9):
            raise ValueError(f"Expected one of the thresholds of the sweep. Received: {threshold}")
        return index

    def share(self) -> np.ndarray:
        """Return the share of films above each threshold: (1 + draws, t), NaN for a sample without such films."""
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
    """Count several kinds of films on the same bootstrap samples.

    Args:
        scores: (n,) in [0, 1].
        kinds: Name -> (n,) bool, which films are of that kind.
        patients: (n,) the patient of each film, to draw whole patients. Without it, films are drawn.
        thresholds: (t,), increasing.
        draws: Bootstrap samples.
        seed: Of the random numbers.
    """
    scores, _ = check(scores, np.zeros(np.shape(scores)))
    member = cluster(scores.size, None if patients is None else np.asarray(patients))
    clusters = int(member.max()) + 1 if member.size else 0
    height = np.searchsorted(thresholds, scores, side="left")  # number of thresholds strictly below each score
    counts = {}
    for name, films in kinds.items():
        films = np.asarray(films, bool)
        steps = np.zeros((clusters, len(thresholds) + 1), np.float32)  # exact for whole numbers up to 2 ** 24
        np.add.at(steps, (member[films], height[films]), 1)
        # (clusters, t + 1): films of each patient above each threshold; all of them in the last column
        counts[name] = np.hstack([steps[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], steps.sum(axis=1, keepdims=True)])
    rows = {name: [count.sum(axis=0, keepdims=True)] for name, count in counts.items()}
    if clusters:
        for weights in draw(clusters, draws, seed, max(1, _CHUNK // clusters)):
            weights = weights.astype(np.float32)
            for name, count in counts.items():
                rows[name].append(weights @ count)
    return {name: _sweep(thresholds, counts[name], np.vstack(rows[name])) for name in kinds}


def _sweep(thresholds: np.ndarray, counts: np.ndarray, rows: np.ndarray) -> ThresholdSweep:
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
    """Return the share of films strictly above a threshold, with an interval by patient."""
    at = films.index(threshold)
    counts = films.above[:, at], films.total
    draws = np.divide(*counts, out=np.full(films.total.shape, np.nan), where=films.total > 0)[1:]
    return clustered_share(int(counts[0][0]), int(films.total[0]), draws, films.patients, level)


def rates_at(
    covid: ThresholdSweep, other: ThresholdSweep, threshold: float, level: float = LEVEL
) -> dict[str, Estimate]:
    """Return every rate of RATES at a threshold, with intervals by patient."""
    at = covid.index(threshold)
    tp, fp = covid.above[:, at].astype(np.float64), other.above[:, at].astype(np.float64)
    fn, tn = covid.total - tp, other.total - fp
    drawn = rates_of(np.stack([tp, fn, fp, tn], axis=-1))  # name -> (1 + draws,)
    everybody = (covid.has_films | other.has_films).sum()  # a patient may have films of both kinds
    shares = {  # films that count, films in total, and patients for `clustered_share`
        "accuracy": (tp + tn, tp + fn + fp + tn, everybody),
        "sensitivity": (tp, tp + fn, covid.patients),
        "specificity": (tn, tn + fp, other.patients),
        "ppv": (tp, tp + fp, max(covid.patients_above[at], other.patients_above[at])),
        "npv": (tn, tn + fn, max(covid.patients_below[at], other.patients_below[at])),
    }
    estimates = {name: percentile_interval(float(drawn[name][0]), drawn[name][1:], level) for name in RATES}
    for name, (count, total, people) in shares.items():
        estimates[name] = clustered_share(int(count[0]), int(total[0]), drawn[name][1:], int(people), level)
    return estimates


@dataclass(frozen=True)
class ScoredSplit:
    """A network's scores of some films, and everything that does not depend on the threshold.

    Attributes:
        name: Name of the network.
        title, short_title: Title of the network, and the one where space is tight.
        films: The films by id, with the columns covid, source and score.
        roc, precision_recall: The curves.
        areas: Areas under the curves: "auc" and "average_precision".
        sweeps: Sweeps of the COVID-19 films ("covid"), the others ("other") and the adults among these ("adults").
        baseline: Every metric of the majority-class baseline, which calls every film negative.
        by_patient: Whether intervals are by patient; by film if patients are not known.
    """

    name: str
    title: str
    short_title: str
    films: pd.DataFrame
    roc: Curve
    precision_recall: Curve
    areas: dict[str, Estimate]
    sweeps: dict[str, ThresholdSweep]
    baseline: dict[str, Estimate]
    by_patient: bool


@dataclass(frozen=True)
class ThresholdResult:
    """A scored split at a threshold. `adults`: the share of positives among adults without COVID-19."""

    scored: ScoredSplit
    threshold: float
    matrix: Confusion
    rates: dict[str, Estimate]
    adults: Estimate

    @property
    def name(self) -> str:
        return self.scored.name

    @property
    def title(self) -> str:
        return self.scored.title

    @property
    def short_title(self) -> str:
        return self.scored.short_title


def score_split(name: str, title: str, films: pd.DataFrame, short_title: str = "") -> ScoredSplit:
    """Evaluate a network's scores at every threshold. This draws the bootstrap samples, so cache the result.

    Args:
        name: Name of the network.
        title: Title of the network.
        films: The films by id, with the columns covid, source and score. With a column patient, whole patients are
            drawn.
        short_title: The title where space is tight. Defaults to the title.

    Raises:
        ValueError: A score is not a number in [0, 1].
    """
    scores, covid, patients = films["score"], films["covid"], films.get("patient")
    other = covid == 0
    kinds = {"covid": ~other, "other": other, "adults": other & (films["source"] != config.CHILDREN)}
    sweeps = sweep(scores, kinds, patients)
    return ScoredSplit(
        name,
        title,
        short_title or title,
        films,
        roc(scores, covid),
        precision_recall(scores, covid),
        area_intervals(scores, covid, patients),
        sweeps,
        majority_baseline(covid, sweeps["covid"], sweeps["other"]),
        patients is not None,
    )


def at_threshold(scored: ScoredSplit, threshold: float) -> ThresholdResult:
    """Look up the metrics at `threshold`. Raises ValueError if it is not one of `evaluation.THRESHOLDS`."""
    covid, other, adults = (scored.sweeps[kind] for kind in ("covid", "other", "adults"))
    rates = rates_at(covid, other, threshold) | scored.areas
    matrix = confusion(scored.films["score"], scored.films["covid"], threshold)
    return ThresholdResult(scored, threshold, matrix, rates, share_at(adults, threshold))


def majority_baseline(covid: pd.Series, positives: ThresholdSweep, negatives: ThresholdSweep) -> dict[str, Estimate]:
    """Return every metric of a baseline that calls every film negative, at a threshold of 1, which no score exceeds.

    Args:
        covid: (n,) ground truth.
        positives, negatives: Sweeps of the films with and without COVID-19.
    """
    zeros = np.zeros(len(covid))
    return rates_at(positives, negatives, 1.0) | {
        "auc": Estimate(roc(zeros, covid).area),
        "average_precision": Estimate(precision_recall(zeros, covid).area),
    }


def cell_films(cell: str, result: ThresholdResult, networks: Sequence[ScoredSplit]) -> pd.DataFrame:
    """Return the films of a cell of the confusion matrix, the clearest first.

    Returns:
        By film id: a column source, and a column of scores for each of `networks`.
    """
    films = result.scored.films
    films = films[cells(films["score"], films["covid"], result.threshold) == cell]
    films = films.sort_values("score", ascending=cell in ("fn", "tn"), kind="stable")
    scores = {network.name: network.films["score"].reindex(films.index) for network in networks}
    return films[["source"]].assign(**scores)
