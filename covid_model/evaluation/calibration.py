"""Calibration: whether a score of 0.8 means COVID-19 in four films of five."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from covid_model.evaluation.bootstrap import DRAWS, Estimate, share
from covid_model.evaluation.metrics import check

BINS = 10


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
    scores: ArrayLike, covid: ArrayLike, patients: ArrayLike | None = None, bins: int = BINS, draws: int = DRAWS
) -> list[Bin]:
    """Return the points of a reliability diagram: `bins` bins of equal width.

    Args:
        scores, covid: (n,) scores in [0, 1] and ground truth.
        patients: (n,) the patient of each film, for intervals by patient; without it they are by film.
        bins: Number of bins.
        draws: Bootstrap samples.
    """
    scores, truth = check(scores, covid)
    patients = np.arange(scores.size) if patients is None else np.asarray(patients).astype(str)
    edges = np.linspace(0, 1, bins + 1)
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
