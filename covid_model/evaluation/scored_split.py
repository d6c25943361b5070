"""One network's scores of one split, and its metrics at a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.evaluation import Confusion, Curve, Estimate, ThresholdSweep


@dataclass(frozen=True)
class ScoredSplit:
    """A network's scores of some films, and everything that does not depend on the threshold.

    Attributes:
        name: Name of the network.
        title: Title of the network.
        films: The films by id, with the columns covid, source and score.
        roc, precision_recall: The curves.
        areas: Areas under the curves: "auc" and "average_precision".
        sweeps: Sweeps of the COVID-19 films ("covid"), the others ("other") and the adults among these ("adults").
        baseline: Every metric of the majority-class baseline, which calls every film negative.
        by_patient: Whether intervals are by patient; by film if patients are not known.
    """

    name: str
    title: str
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


def score_split(name: str, title: str, films: pd.DataFrame) -> ScoredSplit:
    """Evaluate a network's scores at every threshold. This draws the bootstrap samples, so cache the result.

    Args:
        name: Name of the network.
        title: Title of the network.
        films: The films by id, with the columns covid, source and score. With a column patient, whole patients are
            drawn.

    Raises:
        ValueError: A score is not a number in [0, 1].
    """
    scores, covid, patients = films["score"], films["covid"], films.get("patient")
    other = covid == 0
    kinds = {"covid": ~other, "other": other, "adults": other & (films["source"] != config.CHILDREN)}
    sweeps = evaluation.sweep(scores, kinds, patients)
    return ScoredSplit(
        name,
        title,
        films,
        evaluation.roc(scores, covid),
        evaluation.precision_recall(scores, covid),
        evaluation.area_intervals(scores, covid, patients),
        sweeps,
        majority_baseline(covid, sweeps["covid"], sweeps["other"]),
        patients is not None,
    )


def at_threshold(scored: ScoredSplit, threshold: float) -> ThresholdResult:
    """Look up the metrics at `threshold`. Raises ValueError if it is not one of `evaluation.THRESHOLDS`."""
    covid, other, adults = (scored.sweeps[kind] for kind in ("covid", "other", "adults"))
    rates = evaluation.rates_at(covid, other, threshold) | scored.areas
    matrix = evaluation.confusion(scored.films["score"], scored.films["covid"], threshold)
    return ThresholdResult(scored, threshold, matrix, rates, evaluation.share_at(adults, threshold))


def majority_baseline(covid: pd.Series, positives: ThresholdSweep, negatives: ThresholdSweep) -> dict[str, Estimate]:
    """Return every metric of a baseline that calls every film negative, at a threshold of 1, which no score exceeds.

    Args:
        covid: (n,) ground truth.
        positives, negatives: Sweeps of the films with and without COVID-19.
    """
    zeros = np.zeros(len(covid))
    return evaluation.rates_at(positives, negatives, 1.0) | {
        "auc": Estimate(evaluation.roc(zeros, covid).area),
        "average_precision": Estimate(evaluation.precision_recall(zeros, covid).area),
    }


def cell_films(cell: str, result: ThresholdResult, networks: Sequence[ScoredSplit]) -> pd.DataFrame:
    """Return the films of a cell of the confusion matrix, the clearest first.

    Returns:
        By film id: a column source, and a column of scores for each of `networks`.
    """
    films = result.scored.films
    films = films[evaluation.cells(films["score"], films["covid"], result.threshold) == cell]
    films = films.sort_values("score", ascending=cell in ("fn", "tn"), kind="stable")
    scores = {network.name: network.films["score"].reindex(films.index) for network in networks}
    return films[["source"]].assign(**scores)
