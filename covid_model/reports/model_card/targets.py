"""The goals of the default network, set before training, and its results on X-rays it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from covid_model import config, evaluation
from covid_model.formatting import decimal, percent
from covid_model.model.network_spec import NetworkSpec
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
    """Return each goal beside the result; None if a goal's films have no scores.

    Args:
        scores: One network's films by id, with the columns split, source, covid and score.
        threshold: In [0, 1].
    """
    rows = []
    for goal in GOALS:
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
    return Table(f"Goals set before training, threshold {threshold:g}", columns, tuple(rows))


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


# --- A further training stage that was not used: its validation metrics, and its results on the goals

VALIDATION = {  # metrics on validation films after the last step
    "val_loss": "Loss",
    "val_auc": "AUC over all sources",
    "within": "AUC within a source, mean over the sources with both classes",
}


def further_stage(spec: NetworkSpec, record: Mapping[str, Any], scores: pd.DataFrame | None) -> tuple[str | Table, ...]:
    """Return why the stage was not used, and the goals beside the results with and without it.

    Args:
        spec: The default network.
        record: assets/results/put_aside.json: the stage's recipe, its history, and its scores of the reported films
            (training films have none).
        scores: The network's own scores, as in `table`; None if they are missing.
    """
    recipe, last = record["recipe"], record["history"][-1]
    text = (
        f"A further stage trained this network for another {recipe['steps']:,} batches, with the first "
        f"{recipe['frozen_blocks']} blocks of VGG-19 frozen and at least {100 * min(recipe['shares'].values()):g} % of "
        "each batch from every group. On the validation X-rays, the loss rose, the AUC over all of them did not, and "
        "only the AUC within sources rose a little. So the stage was not used. Its scores of the reported X-rays had "
        "been computed and seen by then, so they are reported here."
    )
    rows = tuple(
        (words, decimal(spec.history[-1][key]), decimal(last[key]))
        for key, words in VALIDATION.items()
        if spec.history and key in spec.history[-1] and key in last
    )
    validation = Table("Validation X-rays", ("Metric", "This network", "With the further stage"), rows)
    reached = None if scores is None else _reached(spec, record["scores"], scores)
    return tuple(part for part in (text, validation if rows else None, reached) if part is not None)


def _reached(spec: NetworkSpec, stage: Mapping[str, float], scores: pd.DataFrame) -> Table | None:
    """Return the goals and the results without and with the stage; None if a goal's films have no scores."""
    theirs = scores.assign(score=pd.Series(stage, dtype=float)).dropna(subset="score")
    pair = table(scores, spec.threshold), table(theirs, spec.threshold)
    if None in pair:
        return None
    beside = zip(pair[0].rows, pair[1].rows, strict=True)
    rows = tuple((metric, bound, own, other) for (metric, bound, own, _), (_, _, other, _) in beside)
    columns = ("X-rays and metric", "Goal", "This network", "With the further stage")
    return Table(f"Results of the further stage, threshold {spec.threshold:g}", columns, rows)
