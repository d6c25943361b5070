"""What the network that ships was to reach on films it never saw, set before it was trained, and what it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from covid_model import evaluation, settings
from covid_model.model_card.section import Table
from covid_model.phrases import decimal, percent

ACCURACY, SENSITIVITY, ALARMS, AREA = "Accuracy", "Sensitivity", "Adults without COVID-19 called positive", "AUC"
OTHERS = "Films without COVID-19 called positive"


@dataclass(frozen=True)
class Goal:
    """One goal: `bound` is to be reached at least; at most for false alarms.

    Attributes:
        measure: one of those above.
        split, source: whose films; every source where `source` is None.
        bound: a share or an area, 0 to 1; a number of films where `count` is true.
    """

    measure: str
    split: str
    source: str | None
    bound: float
    count: bool = False

    @property
    def at_most(self) -> bool:
        return self.measure in (ALARMS, OTHERS)


GOALS = (
    Goal(ACCURACY, "test", None, 0.985),
    Goal(SENSITIVITY, "test", None, 0.95),
    Goal(ALARMS, "test", None, 6, count=True),
    Goal(AREA, "extra-test", None, 0.99),
    Goal(SENSITIVITY, "extra-test", None, 0.93),
    Goal(ALARMS, "extra-test", None, 0.02),
    Goal(AREA, "external", "actualmed", 0.85),
    Goal(SENSITIVITY, "external", "figure1", 0.85),
    Goal(OTHERS, "external", "figure1", 2, count=True),
)


def table(scores: pd.DataFrame, threshold: float) -> Table | None:
    """Each goal beside what came; None where a goal's films have no scores.

    Args:
        scores: one network's, by film id: split, source, covid, score.
    """
    rows = []
    for goal in GOALS:
        films = films_of(goal, scores)
        if films.empty or films["covid"].nunique() < (1 if goal.at_most else 2):
            return None
        found = measured(goal, films, threshold)
        short = goal.bound - found if not goal.at_most else found - goal.bound
        where = settings.SPLIT_TITLES[goal.split]
        where += f", {settings.SOURCE_TITLES[goal.source]}" if goal.source else ""
        bound = f"at {'most' if goal.at_most else 'least'} {_figure(goal, goal.bound)}"
        of = f" of {len(films):,}" if goal.count else ""
        away = f"by {_difference(goal, short)}" if short > 0 else "reached"
        rows.append((f"{where}: {goal.measure}", bound + of, _figure(goal, found) + of, away))
    columns = ("Films and measure", "Aimed at", "Reached", "Falls short")
    return Table(f"What was aimed at before training, at {threshold:g}", columns, tuple(rows))


def films_of(goal: Goal, scores: pd.DataFrame) -> pd.DataFrame:
    """The films that a goal is about."""
    own = scores["split"] == goal.split
    if goal.source:
        own &= scores["source"] == goal.source
    if goal.at_most:
        own &= (scores["covid"] == 0) & (scores["source"] != settings.CHILDREN)
    return scores[own]


def measured(goal: Goal, films: pd.DataFrame, threshold: float) -> float:
    """What came, in the unit of the goal's bound."""
    called, covid = films["score"] > threshold, films["covid"] == 1
    if goal.measure == AREA:
        return float(evaluation.roc(films["score"], films["covid"]).area)
    if goal.at_most:
        return float(called.sum() if goal.count else called.mean())
    return float((called == covid).mean() if goal.measure == ACCURACY else called[covid].mean())


def _figure(goal: Goal, value: float) -> str:
    if goal.count:
        return f"{value:.0f}"
    return decimal(value) if goal.measure == AREA else percent(value)


def _difference(goal: Goal, value: float) -> str:
    if goal.count or goal.measure == AREA:
        return _figure(goal, value)
    return f"{100 * value:.1f} points"
