"""What a network makes of a set of films: figures with intervals, and the headline's words. No streamlit in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import evaluation, settings
from covid_model.evaluation import Confusion, Curve, Estimate, Tally
from covid_model.phrases import counted as counted
from covid_model.phrases import decimal as decimal
from covid_model.phrases import interval as interval
from covid_model.phrases import percent as percent

CELL_NAMES = {"tp": "True positives", "fn": "False negatives", "fp": "False positives", "tn": "True negatives"}
CARDS = {  # the headline's figures and their labels
    "adults": "Adults’ false alarms",
    "sensitivity": "COVID-19 films called positive",
    "accuracy": "Accuracy",
    "always_no": "Accuracy of always “no”",
}


@dataclass(frozen=True)
class Scored:
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
    tallies: dict[str, Tally]
    floor: dict[str, Estimate]
    by_patient: bool


@dataclass(frozen=True)
class Called:
    """The same at a threshold. `adults`: the share of adults without COVID-19 called positive."""

    scored: Scored
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


@dataclass(frozen=True)
class Card:
    """A figure of the headline: what it is, itself, what stands below it."""

    label: str
    large: str
    small: str | None
    interval: str | None
    help: str
    alarm: bool = False


def scored(name: str, title: str, films: pd.DataFrame) -> Scored:
    """Draws the bootstrap samples, once: keep what comes. With a column `patient`, they are of patients.

    Raises ValueError where a score is no number in [0, 1].
    """
    scores, covid = films["score"], films["covid"]
    patients = films.get("patient")
    other = covid == 0
    kinds = {"covid": ~other, "other": other, "adults": other & (films["source"] != settings.CHILDREN)}
    tallies = evaluation.tally(scores, kinds, patients)
    areas = evaluation.area_intervals(scores, covid, patients)
    return Scored(
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


def called(of: Scored, threshold: float) -> Called:
    """Looks up what was tallied. Raises ValueError where the threshold is none of evaluation.THRESHOLDS."""
    covid, other, adults = (of.tallies[kind] for kind in ("covid", "other", "adults"))
    rates = evaluation.rates_at(covid, other, threshold)
    matrix = evaluation.confusion(of.films["score"], of.films["covid"], threshold)
    return Called(of, threshold, matrix, rates | of.areas, evaluation.share_at(adults, threshold))


def always_no(covid: pd.Series, tallies: dict[str, Tally]) -> dict[str, Estimate]:
    """Every measure of one who answers "no" to all films: at a threshold of 1, which no score lies above."""
    nothing = np.zeros(len(covid))
    return evaluation.rates_at(tallies["covid"], tallies["other"], 1.0) | {
        "auc": Estimate(evaluation.roc(nothing, covid).area),
        "average_precision": Estimate(evaluation.precision_recall(nothing, covid).area),
    }


# --- Words ------------------------------------------------------------------------------------------


def cards(of: Called) -> list[Card]:
    """The figures that belong together: false alarms on adults, films found, accuracy, and the accuracy's floor."""
    found = []
    for name, estimate, asks, alarm in (
        ("adults", of.adults, "Adults without COVID-19 who are called positive.", True),
        ("sensitivity", of.rates["sensitivity"], "Sensitivity at this threshold.", False),
    ):
        if estimate:
            share, about = percent(estimate.value), f"95 %: {interval(estimate)}"
            found.append(Card(CARDS[name], counted(estimate), share, about, asks, alarm and estimate.count > 0))
    for name, estimate, asks in (
        ("accuracy", of.rates["accuracy"], "The share of films called as they are."),
        ("always_no", of.scored.floor["accuracy"], "What anyone gets who calls every film negative."),
    ):
        about = f"95 %: {interval(estimate)}"
        found.append(Card(CARDS[name], percent(estimate.value), counted(estimate), about, asks))
    return found


def adults_note(of: Called) -> tuple[str, str] | None:
    """Title and text on what the accuracy hides; None where there are no adults without COVID-19, or no children."""
    other = of.matrix.other
    if not of.adults or of.adults.total == other:
        return None
    children = f"{percent((other - of.adults.total) / other)} of the films without COVID-19 here"
    title = f"{counted(of.adults)} adults without COVID-19 are called positive"
    if not of.adults.count:
        none = "" if of.matrix.tp else "No film at all is called positive here, nor is any COVID-19 film found. "
        return title, f"{none}Few films here put it to the test: {children} are of children, easily told from adults."
    accuracy, floor = (one["accuracy"].value for one in (of.rates, of.scored.floor))
    hidden = f"An accuracy of {percent(accuracy)} hides it: " if accuracy >= floor else ""
    return title, (
        f"{hidden}{children} are of children of 1 to 5 years, and all COVID-19 films are adults'. A network that only "
        "tells adults from children scores well here."
    )


def more_adults(elsewhere: Scored | None, threshold: float) -> str | None:
    """What a network calls the adults without COVID-19 of `extra-test`, in a sentence; None where none is scored."""
    found = evaluation.share_at(elsewhere.tallies["adults"], threshold) if elsewhere else None
    if not found:
        return None
    called = f"{counted(found)} positive ({percent(found.value)})"
    return f"Of the adults without COVID-19 in the set “{settings.SPLIT_TITLES['extra-test']}” it calls {called}."


def films_of(cell: str, of: Called, networks: Sequence[Scored]) -> pd.DataFrame:
    """The films of a cell, the plainest first: columns source and, a column a network, its score."""
    films = of.scored.films
    films = films[evaluation.cells(films["score"], films["covid"], of.threshold) == cell]
    films = films.sort_values("score", ascending=cell in ("fn", "tn"), kind="stable")
    scores = {other.name: other.films["score"].reindex(films.index) for other in networks}
    return films[["source"]].assign(**scores)
