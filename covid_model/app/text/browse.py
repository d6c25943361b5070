"""The films of the gallery: which set, which of them, in which order, which sheet. No streamlit in here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.config import CELL_NAMES, SPLIT_LABELS

SET, SOURCE, TRUTH, VERDICT, ORDER = "set", "source", "truth", "verdict", "order"  # in the address, by their labels
HEATMAPS, SHEET = "heatmaps", "sheet"
FILTERS = (SET, SOURCE, TRUTH, VERDICT, ORDER, HEATMAPS, SHEET)
LEFT = "films-left"  # in the session: all that was set when a film was opened here
SHOWN = "films-shown"  # in the session: what was picked last, for another pick starts at its first sheet

ALL, FREE, SIMULATED = "all", "free", "simulated"
SETS = SPLIT_LABELS | {
    ALL: ("All", "Every film of the list, those that networks were trained on among them"),
    FREE: (
        "Real and free",
        "Real films that anyone may have, under CC BY or as the NIH Clinical Center makes them public",
    ),
    SIMULATED: ("Simulated", "Films rendered from a CT for this demo, so that anyone may have them"),
}
TRUTHS = {"covid": "COVID-19", "other": "Other"}
ALL_SOURCES = "All sources"
ORDERS = {
    "highest": "Highest score first",
    "lowest": "Lowest score first",
    "covid": "COVID-19 first",
    "other": "Other films first",
    "wrong": "Most wrong first",
}
_KEPT = ("finding", "url", "license", "doi")  # columns of the list of films that a card or a credit shows


@dataclass(frozen=True)
class Sheet:
    """A part of a table small enough to look at: its rows, and their place among all of them, counted from 1."""

    rows: pd.DataFrame
    number: int
    sheets: int
    first: int
    last: int


def table(scores: pd.DataFrame, network: str, films: pd.DataFrame | None = None) -> pd.DataFrame:
    """One network's films, indexed by id: split, source, covid, score, finding, url, license, doi.

    Args:
        scores: columns id, split, source, covid, network, score; one row a film and network.
        films: the list of films, indexed by id; without it, what comes from it is empty.

    Rows without a score in [0, 1] or a truth of 0 or 1 are left out.
    """
    usable = scores["score"].between(0, 1) & scores["covid"].isin((0, 1))
    rows = scores[(scores["network"] == network) & usable].drop_duplicates("id")
    rows = rows.set_index("id")[["split", "source", "covid", "score"]]
    known = pd.DataFrame(index=rows.index) if films is None else films.reindex(rows.index)
    return rows.assign(**{name: known[name].fillna("") if name in known else "" for name in _KEPT})


def select_set(films: pd.DataFrame, name: str, threshold: float, free: Collection[str] = ()) -> pd.DataFrame:
    """The films of one of SETS, with the cell of the confusion matrix (of evaluation.CELLS) that each falls into.

    Args:
        free: the ids of the set FREE.
    """
    part = films if name == ALL else films[films.index.isin(free) if name == FREE else films["split"] == name]
    return part.assign(cell=evaluation.cells(part["score"], part["covid"], threshold))


def filtered(
    films: pd.DataFrame, source: str | None = None, truth: str | None = None, cells: Collection[str] = ()
) -> pd.DataFrame:
    """The films of one source, of one truth (of TRUTHS) and of some cells; whatever is not given leaves all in."""
    keep = np.ones(len(films), bool)
    if source is not None:
        keep &= (films["source"] == source).to_numpy()
    if truth is not None:
        keep &= (films["covid"] == (truth == "covid")).to_numpy()
    if cells:
        keep &= films["cell"].isin(list(cells)).to_numpy()
    return films[keep]


def in_order(films: pd.DataFrame, order: str) -> pd.DataFrame:
    """The films in one of ORDERS. "wrong": by how far the score lies from the truth, 0 or 1."""
    if order == "wrong":
        wrong = (films["score"] - films["covid"]).abs()
        return films.loc[wrong.sort_values(ascending=False, kind="stable").index]
    if order in TRUTHS:
        return films.sort_values(["covid", "score"], ascending=[order == "other", False], kind="stable")
    return films.sort_values("score", ascending=order == "lowest", kind="stable")


def sheet(films: pd.DataFrame, number: int, size: int | None = None) -> Sheet:
    """The sheet with this number, counted from 1; the nearest one where there is none of that number."""
    size = config.SHEET if size is None else size
    sheets = max(1, -(-len(films) // size))
    number = min(max(number, 1), sheets)
    rows = films.iloc[(number - 1) * size : number * size]
    first = (number - 1) * size + 1
    return Sheet(rows, number, sheets, first, first + len(rows) - 1)


def sheet_of(scores: pd.Series, score: float, size: int | None = None) -> int:
    """The number of the sheet on which a film of this score would stand, the highest of `scores` (n,) first."""
    size = config.SHEET if size is None else size
    before = min(int((scores > score).sum()), max(len(scores) - 1, 0))
    return before // size + 1


def summary(films: pd.DataFrame, shown: Sheet) -> str:
    """How many films there are, what they are, and which of them are on the sheet."""
    counts = films["cell"].value_counts()
    cells = ", ".join(
        f"{counts[cell]:,} {name.lower() if counts[cell] > 1 else name.lower()[:-1]}"
        for cell, name in CELL_NAMES.items()
        if counts.get(cell)
    )
    taught = films["split"].isin(config.TRAINING_SPLITS)
    note = " That includes films that networks were trained on." if taught.any() and not taught.all() else ""
    place = f", {shown.first:,} to {shown.last:,} shown" if shown.sheets > 1 else ""
    return f"{len(films):,} {'films' if len(films) > 1 else 'film'}{place}: {cells}.{note}"
