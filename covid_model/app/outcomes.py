"""What the Test set page says of a network on a set of films: figures, words and tables. No streamlit in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import evaluation, settings
from covid_model.app import words
from covid_model.evaluation import Confusion, Curve, Estimate

CELL_NAMES = {"tp": "True positives", "fn": "False negatives", "fp": "False positives", "tn": "True negatives"}
MEASURES = {  # name and what it asks
    "accuracy": ("Accuracy", "films called as they are"),
    "sensitivity": ("Sensitivity", "COVID-19 films called positive"),
    "specificity": ("Specificity", "other films called negative"),
    "ppv": ("PPV, precision", "positive films that are COVID-19"),
    "npv": ("NPV", "negative films that are not"),
    "f1": ("F1", "harmonic mean of sensitivity and PPV"),
    "balanced_accuracy": ("Balanced accuracy", "mean of sensitivity and specificity"),
    "auc": ("AUC", "area under the ROC curve, at any threshold"),
    "average_precision": ("Average precision", "area under precision and recall, at any threshold"),
}
AREAS = ("auc", "average_precision")  # shown as decimals, the custom for areas


@dataclass(frozen=True)
class Scored:
    """A network's scores of some films (indexed by id; columns covid, source, score), and what no threshold moves."""

    name: str
    title: str
    films: pd.DataFrame
    roc: Curve
    precision_recall: Curve
    areas: dict[str, Estimate]


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
    """Raises ValueError where a score is no number in [0, 1]."""
    scores, covid = films["score"], films["covid"]
    return Scored(
        name,
        title,
        films,
        evaluation.roc(scores, covid),
        evaluation.precision_recall(scores, covid),
        evaluation.area_intervals(scores, covid),
    )


def called(of: Scored, threshold: float) -> Called:
    scores, covid, source = (of.films[column] for column in ("score", "covid", "source"))
    matrix = evaluation.confusion(scores, covid, threshold)
    adults = evaluation.adults_without_covid(scores, covid, source, threshold)
    return Called(of, threshold, matrix, evaluation.from_confusion(matrix) | of.areas, adults)


def always_no(films: pd.DataFrame) -> dict[str, Estimate]:
    """Every measure of one who answers "no" to all of `films`."""
    covid, nothing = films["covid"], np.zeros(len(films))
    return evaluation.always_no(covid) | {
        "auc": Estimate(evaluation.roc(nothing, covid).area),
        "average_precision": Estimate(evaluation.precision_recall(nothing, covid).area),
    }


# --- Words ------------------------------------------------------------------------------------------


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def decimal(area: float | None) -> str:
    return "–" if area is None else f"{area:.3f}"


def interval(estimate: Estimate, number: Callable[[float | None], str] = percent) -> str:
    """ "97.0 to 98.7 %", or nothing where there is no interval."""
    return "" if estimate.low is None else f"{number(estimate.low).removesuffix(' %')} to {number(estimate.high)}"


def counted(estimate: Estimate) -> str:
    return f"{estimate.count:,} of {estimate.total:,}"


def cards(of: Called, floor: dict[str, Estimate]) -> list[Card]:
    """The figures that belong together: false alarms on adults, films found, accuracy, and the accuracy's floor."""
    found = []
    for label, estimate, asks, alarm in (
        ("Adults’ false alarms", of.adults, "Adults without COVID-19 who are called positive.", True),
        ("COVID-19 films called positive", of.rates["sensitivity"], "Sensitivity at this threshold.", False),
    ):
        if estimate:
            share, about = percent(estimate.value), f"95 %: {interval(estimate)}"
            found.append(Card(label, counted(estimate), share, about, asks, alarm and estimate.count > 0))
    for label, estimate, asks in (
        ("Accuracy", of.rates["accuracy"], "The share of films called as they are."),
        ("Accuracy of always “no”", floor["accuracy"], "What anyone gets who calls every film negative."),
    ):
        found.append(Card(label, percent(estimate.value), counted(estimate), f"95 %: {interval(estimate)}", asks))
    return found


def adults_note(of: Called) -> tuple[str, str] | None:
    """Title and text on what the accuracy hides; None where there are no adults without COVID-19, or no children."""
    other = of.matrix.other
    if not of.adults or of.adults.total == other:
        return None
    children = f"{percent((other - of.adults.total) / other)} of the films without COVID-19 here"
    title = f"{counted(of.adults)} adults without COVID-19 are called positive"
    if not of.adults.count:
        return title, f"Few films here put it to the test: {children} are of children, easily told from adults."
    return title, (
        f"An accuracy of {percent(of.rates['accuracy'].value)} hides it: {children} are of children of 1 to 5 years, "
        "and all COVID-19 films are adults'. A network that only tells adults from children scores well here."
    )


def more_adults(table: pd.DataFrame, network: str, threshold: float) -> str | None:
    """What the network calls the adults without COVID-19 of `extra-test`, in a sentence; None where none is scored.

    Args:
        table: every score, with the columns network, split, source, covid, score.
    """
    rows = table[(table["network"] == network) & (table["split"] == "extra-test")]
    found = evaluation.adults_without_covid(rows["score"], rows["covid"], rows["source"], threshold)
    if not found.total:
        return None
    called = f"{counted(found)} positive ({percent(found.value)})"
    return f"Of the adults without COVID-19 in the set “More adults” it calls {called}."


# --- Tables -----------------------------------------------------------------------------------------


def measures(networks: Sequence[Called], floor: dict[str, Estimate], with_paper: bool) -> pd.DataFrame:
    """A row a measure, as Markdown: a column a network, then the floor, then what the paper reports."""
    rows = []
    for name, (title, meaning) in MEASURES.items():
        number = decimal if name in AREAS else percent
        row = {"": f"**{title}**  \n:small[{meaning}]"}
        for of in networks:
            about = interval(of.rates[name], number)
            row[f"Ours: {words.plain(of.title)}"] = f"**{number(of.rates[name].value)}**" + (
                f"  \n:small[{about}]" if about else ""
            )
        row["Always “no”"] = number(floor[name].value)
        if with_paper:
            row["The paper"] = f"**{percent(settings.PAPER_ACCURACY)}**" if name == "accuracy" else "–"
        rows.append(row)
    return pd.DataFrame(rows).set_index("")


def measures_note(with_paper: bool) -> str:
    """What stands below the measures, as Markdown."""
    note = "Intervals: Wilson's for shares of films; bootstrap over films for F1, balanced accuracy and the areas."
    if with_paper:
        films, covid = settings.PAPER_TEST
        note += (
            f" The paper, [{settings.PAPER_TITLE}](https://doi.org/{settings.PAPER_DOI}), gives this accuracy in its "
            f"abstract, for {films:,} test films with {covid} of COVID-19: always “no” would score "
            f"{percent((films - covid) / films)} on them."
        )
    return note


def films_of(cell: str, of: Called, networks: Sequence[Scored]) -> pd.DataFrame:
    """The films of a cell, the plainest first: columns source and, a column a network, its score."""
    films = of.scored.films
    films = films[evaluation.cells(films["score"], films["covid"], of.threshold) == cell]
    films = films.sort_values("score", ascending=cell in ("fn", "tn"), kind="stable")
    scores = {other.name: other.films["score"].reindex(films.index) for other in networks}
    return films[["source"]].assign(**scores)
