"""What the network that ships was to reach on films it never saw, set before it was trained, and what it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from covid_model import config, evaluation
from covid_model.formatting import decimal, percent
from covid_model.model.network_spec import NetworkSpec
from covid_model.reports.model_card.prose import Table

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
        where = config.SPLIT_TITLES[goal.split]
        where += f", {config.SOURCE_TITLES[goal.source]}" if goal.source else ""
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
        own &= (scores["covid"] == 0) & (scores["source"] != config.CHILDREN)
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


# --- A further stage of training that was not taken: what the validation films said of it, and what it would have done

LOOKED_AT = {  # at validation films, after the last step
    "val_loss": "Loss",
    "val_auc": "AUC, all sources together",
    "within": "AUC within a source, mean over sources with both classes",
}


def told(spec: NetworkSpec, record: Mapping[str, Any], scores: pd.DataFrame | None) -> tuple[str | Table, ...]:
    """Why the stage was put aside, and the goals beside what came with and without it.

    Args:
        spec: the network that ships.
        record: assets/results/put_aside.json: the stage's recipe, its history, its scores of the reported films
            (those of training have none).
        scores: the network's own scores by film id, as `goals.table` wants them; None where they are missing.
    """
    recipe, last = record["recipe"], record["history"][-1]
    text = (
        f"A further stage went on from this network for {recipe['steps']:,} batches, the first "
        f"{recipe['frozen_blocks']} of VGG-19's blocks at rest, the group drawn least at "
        f"{100 * min(recipe['shares'].values()):g} % of a batch. On the validation films the loss rose and the AUC "
        "over all of them did not; only the AUC within sources rose a little. So it was put aside. Its scores of the "
        "reported films had been made by then and were seen; they are told here."
    )
    rows = tuple(
        (words, decimal(spec.history[-1][key]), decimal(last[key]))
        for key, words in LOOKED_AT.items()
        if spec.history and key in spec.history[-1] and key in last
    )
    looked = Table("What the validation films said", ("Validation films", "The network that ships", "Put aside"), rows)
    reached = None if scores is None else _reached(spec, record["scores"], scores)
    return tuple(part for part in (text, looked if rows else None, reached) if part is not None)


def _reached(spec: NetworkSpec, found: Mapping[str, float], scores: pd.DataFrame) -> Table | None:
    """The goals, what came, and what came of the stage put aside; None where a goal's films have no scores."""
    theirs = scores.assign(score=pd.Series(found, dtype=float)).dropna(subset="score")
    pair = table(scores, spec.threshold), table(theirs, spec.threshold)
    if None in pair:
        return None
    beside = zip(pair[0].rows, pair[1].rows, strict=True)
    rows = tuple((what, bound, own, other) for (what, bound, own, _), (_, _, other, _) in beside)
    columns = ("Films and measure", "Aimed at", "The network that ships", "Put aside")
    return Table(f"What it would have reached, at {spec.threshold:g}", columns, rows)
