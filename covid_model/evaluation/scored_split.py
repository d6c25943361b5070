"""One network's scores of one split, and what they come to at a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.evaluation import Confusion, Curve, Estimate, ThresholdSweep


@dataclass(frozen=True)
class ScoredSplit:
    """A network's scores of some films (indexed by id; columns covid, source, score), and what no threshold moves.

    Attributes:
        tallies: of COVID-19 films ("covid"), others ("other"), and those of adults among these ("adults").
        floor: every measure of one who answers "no" to all of the films.
        by_patient: whether the intervals are by patient (by film where no patient is known).
    """

    name: str
    title: str
    films: pd.DataFrame
    roc: Curve
    precision_recall: Curve
    areas: dict[str, Estimate]
    tallies: dict[str, ThresholdSweep]
    floor: dict[str, Estimate]
    by_patient: bool


@dataclass(frozen=True)
class ThresholdResult:
    """The same at a threshold. `adults`: the share of adults without COVID-19 called positive."""

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
    """Draws the bootstrap samples, once: keep what comes. With a column `patient`, they are of patients.

    Raises ValueError where a score is no number in [0, 1].
    """
    scores, covid = films["score"], films["covid"]
    patients = films.get("patient")
    other = covid == 0
    kinds = {"covid": ~other, "other": other, "adults": other & (films["source"] != config.CHILDREN)}
    tallies = evaluation.sweep(scores, kinds, patients)
    areas = evaluation.area_intervals(scores, covid, patients)
    return ScoredSplit(
        name,
        title,
        films,
        evaluation.roc(scores, covid),
        evaluation.precision_recall(scores, covid),
        areas,
        tallies,
        always_no(covid, tallies),
        patients is not None,
    )


def at_threshold(of: ScoredSplit, threshold: float) -> ThresholdResult:
    """Looks up what was tallied. Raises ValueError where the threshold is none of evaluation.THRESHOLDS."""
    covid, other, adults = (of.tallies[kind] for kind in ("covid", "other", "adults"))
    rates = evaluation.rates_at(covid, other, threshold)
    matrix = evaluation.confusion(of.films["score"], of.films["covid"], threshold)
    return ThresholdResult(of, threshold, matrix, rates | of.areas, evaluation.share_at(adults, threshold))


def always_no(covid: pd.Series, tallies: dict[str, ThresholdSweep]) -> dict[str, Estimate]:
    """Every measure of one who answers "no" to all films: at a threshold of 1, which no score lies above."""
    nothing = np.zeros(len(covid))
    return evaluation.rates_at(tallies["covid"], tallies["other"], 1.0) | {
        "auc": Estimate(evaluation.roc(nothing, covid).area),
        "average_precision": Estimate(evaluation.precision_recall(nothing, covid).area),
    }


def films_of(cell: str, of: ThresholdResult, networks: Sequence[ScoredSplit]) -> pd.DataFrame:
    """The films of a cell, the plainest first: columns source and, a column a network, its score."""
    films = of.scored.films
    films = films[evaluation.cells(films["score"], films["covid"], of.threshold) == cell]
    films = films.sort_values("score", ascending=cell in ("fn", "tn"), kind="stable")
    scores = {other.name: other.films["score"].reindex(films.index) for other in networks}
    return films[["source"]].assign(**scores)
