"""The goals of each network, set before training, and its results on X-rays it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from covid_model import config, evaluation
from covid_model.formatting import decimal, percent
from covid_model.reports.model_card.prose import Table
from covid_model.verdict import is_positive

ACCURACY, SENSITIVITY, ALARMS, AREA = "Accuracy", "Sensitivity", "False positives among adults", "AUC"
OTHERS = "False positives"


@dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes:
        measure: ACCURACY, SENSITIVITY, ALARMS, AREA or OTHERS.
        split, source: The films; every source if `source` is None.
        bound: The minimum, or the maximum for false positives: in [0, 1], or a number of films if `count`.
        count: Whether `bound` is a number of films.
    """

    measure: str
    split: str
    source: str | None
    bound: float
    count: bool = False

    @property
    def at_most(self) -> bool:
        return self.measure in (ALARMS, OTHERS)


GOALS = {  # by network
    "fine-tuned": (
        Goal(ACCURACY, "test", None, 0.983),
        Goal(SENSITIVITY, "test", None, 0.92),
        Goal(ALARMS, "test", None, 4, count=True),
        Goal(AREA, "extra-test", "siim", 0.94),
        Goal(AREA, "extra-test", "radiography", 0.98),
        Goal(ALARMS, "extra-test", "radiography", 0.02),
        Goal(ALARMS, "extra-test", "nih", 0.02),
        Goal(AREA, "external", "actualmed", 0.93),
        Goal(SENSITIVITY, "external", "figure1", 0.85),
        Goal(OTHERS, "external", "figure1", 2, count=True),
    ),
    "frozen": (
        Goal(AREA, "extra-test", "siim", 0.88),
        Goal(AREA, "external", "actualmed", 0.93),
        Goal(ALARMS, "extra-test", "nih", 0.03),
        Goal(ALARMS, "test", None, 5, count=True),
    ),
    "paper": (
        Goal(ACCURACY, "test", None, 0.975),
        Goal(SENSITIVITY, "test", None, 0.95),
    ),
}


def table(name: str, scores: pd.DataFrame, threshold: float) -> Table | None:
    """Return each goal of the network `name` beside the result; None if it has none, or a goal's films no scores.

    Args:
        name: The network's.
        scores: One network's films by id, with the columns split, source, covid and score.
        threshold: In [0, 1].
    """
    rows = []
    for goal in GOALS.get(name, ()):
        films = films_of(goal, scores)
        if films.empty or films["covid"].nunique() < (1 if goal.at_most else 2):
            return None
        result = measured(goal, films, threshold)
        short = result - goal.bound if goal.at_most else goal.bound - result
        where = config.SPLIT_TITLES[goal.split]
        where += f", {config.SOURCE_TITLES[goal.source]}" if goal.source else ""
        bound = f"at {'most' if goal.at_most else 'least'} {_figure(goal, goal.bound)}"
        total = f" of {len(films):,}" if goal.count else ""
        missed_by = f"missed by {_difference(goal, short)}" if short > 0 else "reached"
        rows.append((f"{where}: {goal.measure}", bound + total, _figure(goal, result) + total, missed_by))
    columns = ("X-rays and metric", "Goal", "Result", "Outcome")
    return Table(f"Goals set before training, threshold {threshold:g}", columns, tuple(rows)) if rows else None


def films_of(goal: Goal, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the films that a goal is about."""
    own = scores["split"] == goal.split
    if goal.source:
        own &= scores["source"] == goal.source
    if goal.at_most:
        own &= (scores["covid"] == 0) & (scores["source"] != config.CHILDREN)
    return scores[own]


def measured(goal: Goal, films: pd.DataFrame, threshold: float) -> float:
    """Return the result in the unit of the goal's bound."""
    positive, covid = is_positive(films["score"], threshold), films["covid"] == 1
    if goal.measure == AREA:
        return float(evaluation.roc(films["score"], films["covid"]).area)
    if goal.at_most:
        return float(positive.sum() if goal.count else positive.mean())
    return float((positive == covid).mean() if goal.measure == ACCURACY else positive[covid].mean())


def _figure(goal: Goal, value: float) -> str:
    if goal.count:
        return f"{value:.0f}"
    return decimal(value) if goal.measure == AREA else percent(value)


def _difference(goal: Goal, value: float) -> str:
    if goal.count or goal.measure == AREA:
        return _figure(goal, value)
    return f"{100 * value:.1f} percentage points"
