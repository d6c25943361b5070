"""Whether a score of 0.8 means four films in five: scores in bins, beside the share of COVID-19 in each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from covid_model.evaluation.bootstrap import DRAWS, Estimate, share
from covid_model.evaluation.confusion import check

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The films with scores above `low` and at most `high` (the first bin holds 0 too).

    `score` is their mean score, None where there is no film; `covid` the share of them that are COVID-19 films.
    """

    low: float
    high: float
    films: int
    score: float | None
    covid: Estimate


def reliability(
    scores: ArrayLike, covid: ArrayLike, patients: ArrayLike | None = None, bins: int = BINS, draws: int = DRAWS
) -> list[Bin]:
    """`bins` bins of equal width, the points of a reliability diagram, with intervals by patient (by film without)."""
    scores, truth = check(scores, covid)
    patients = np.arange(scores.size) if patients is None else np.asarray(patients).astype(str)
    edges = np.linspace(0, 1, bins + 1)
    number = np.digitize(scores, edges[1:-1], right=True)
    found = []
    for one, (low, high) in enumerate(itertools.pairwise(edges)):
        own = number == one
        mean = float(scores[own].mean()) if own.any() else None
        found.append(Bin(float(low), float(high), int(own.sum()), mean, share(truth[own], patients[own], draws)))
    return found


def recorded_bins(record: Sequence[Mapping[str, Any]]) -> list[Bin]:
    """The bins that an audit's record holds (low, high, films, score, covid each); it holds no intervals."""
    return [Bin(one["low"], one["high"], one["films"], one["score"], Estimate(one["covid"])) for one in record]


def calibration_error(bins: list[Bin]) -> float | None:
    """Expected calibration error (Naeini et al. 2015): |mean score - share of COVID-19| by bin, weighted by films."""
    known = [one for one in bins if one.films]
    films = sum(one.films for one in known)
    return sum(one.films * abs(one.score - one.covid.value) for one in known) / films if films else None


def brier(scores: ArrayLike, covid: ArrayLike) -> float | None:
    """Brier's score: the mean square of score less truth, 0 at best; None without films."""
    scores, truth = check(scores, covid)
    if not scores.size:
        return None
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(truth, scores, pos_label=True, labels=[False, True]))
