"""The films of either class by age, and what the source alone predicts."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import config


@dataclass(frozen=True)
class Row:
    """A row of the age pyramid: its name (<br> separates its lines) and the films of either class."""

    name: str
    covid: int
    other: int


CHILDREN = "1 to 5 years"  # of the children's source: none of its films states more
LINE = 21  # characters per line of a row's name
YOUNGEST, OLDEST = 20, 80  # years: one row below, one from here on, and one per decade between


def rows(films: pd.DataFrame) -> list[Row]:
    """Return the rows of the age pyramid, the oldest first, then one per source for films without an age.

    Args:
        films: Films with the columns source and covid, and age in years as a number or in words, if known.
    """
    years = stated_ages(films)
    child = films["source"].eq(config.CHILDREN)
    names = pd.Series(_decades(years), index=films.index)
    unknown = years.isna() & ~child
    names[unknown] = films.loc[unknown, "source"].map(_without_age)
    names[child] = CHILDREN
    decades = [_decade(start) for start in range(OLDEST, YOUNGEST - 20, -10)]
    order = [*decades, CHILDREN, *dict.fromkeys(names[unknown])]
    counts = pd.crosstab(names, films["covid"]).reindex(index=order, columns=[1, 0], fill_value=0)
    filled = counts.index[counts.sum(axis=1) > 0]
    inside = [index for index, name in enumerate(decades) if name in filled]
    between = decades[inside[0] : inside[-1] + 1] if inside else []  # empty decades between two others stay
    shown = {*between, *filled}
    return [Row(name, int(counts.at[name, 1]), int(counts.at[name, 0])) for name in order if name in shown]


def stated_ages(films: pd.DataFrame) -> pd.Series:
    """Return the age of each film in years; NaN if it states none, or states it in words."""
    if "age" not in films:
        return pd.Series(np.nan, index=films.index)
    return pd.to_numeric(films["age"], errors="coerce")


def accuracy_from_source(films: pd.DataFrame) -> tuple[float, float]:
    """Return the accuracy of the most frequent class of each film's source, and that of always "negative"."""
    covid = films.groupby("source")["covid"].agg(["sum", "size"])
    correct = np.maximum(covid["sum"], covid["size"] - covid["sum"])
    return float(correct.sum() / len(films)), float(1 - films["covid"].mean())


def _decades(years: pd.Series) -> list[str]:
    return ["" if np.isnan(age) else _decade(int(min(max(age // 10 * 10, YOUNGEST - 10), OLDEST))) for age in years]


def _decade(start: int) -> str:
    if start >= OLDEST:
        return f"{OLDEST} and over"
    return f"{start} to {start + 9}" if start >= YOUNGEST else f"under {YOUNGEST}"


def _without_age(source: str) -> str:
    """Return the name of the row of a source's films without an age, in lines short enough for a phone."""
    title = config.SOURCE_TITLES.get(source, source).replace("COVID-19 ", "").removesuffix(" initiative")
    return "<br>".join(textwrap.wrap(f"age not stated: {title}", LINE))
