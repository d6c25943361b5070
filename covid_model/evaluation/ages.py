"""Who is in the data: the films of either class by age, and what the source alone gives away. No streamlit in here."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd

from covid_model import config


@dataclass(frozen=True)
class Row:
    """A row of the pyramid: its name (lines parted by <br>) and the films of either class."""

    name: str
    covid: int
    other: int


CHILDREN = "1 to 5 years"  # of the children's source: none of its films states more
LINE = 21  # characters of a row's name that stand on one line
YOUNGEST, OLDEST = 20, 80  # years: ages below and from there on share a row, those between have one a decade


def rows(films: pd.DataFrame) -> list[Row]:
    """The pyramid's rows, the oldest on top, then those whose films state no age, a row a source.

    Args:
        films: the list's rows (columns source and covid; `age` in years as a number or in words, if at all).
    """
    years = stated(films)
    child = films["source"].eq(config.CHILDREN)
    names = pd.Series(_decades(years), index=films.index)
    silent = years.isna() & ~child
    names[silent] = films.loc[silent, "source"].map(_silent)
    names[child] = CHILDREN
    decades = [_decade(start) for start in range(OLDEST, YOUNGEST - 20, -10)]
    order = [*decades, CHILDREN, *dict.fromkeys(names[silent])]
    found = pd.crosstab(names, films["covid"]).reindex(index=order, columns=[1, 0], fill_value=0)
    known = found.index[found.sum(axis=1) > 0]
    inside = [at for at, name in enumerate(decades) if name in known]
    between = decades[inside[0] : inside[-1] + 1] if inside else []
    shown = {*between, *known}
    return [Row(name, int(found.at[name, 1]), int(found.at[name, 0])) for name in order if name in shown]


def stated(films: pd.DataFrame) -> pd.Series:
    """The age that each film states in years; NaN where it states none, or words."""
    if "age" not in films:
        return pd.Series(np.nan, index=films.index)
    return pd.to_numeric(films["age"], errors="coerce")


def of_source(films: pd.DataFrame) -> tuple[float, float]:
    """How often one is right who knows a film's source alone (and what is commoner there), and who always says no."""
    covid = films.groupby("source")["covid"].agg(["sum", "size"])
    best = np.maximum(covid["sum"], covid["size"] - covid["sum"])
    return float(best.sum() / len(films)), float(1 - films["covid"].mean())


def _decades(years: pd.Series) -> list[str]:
    return ["" if np.isnan(age) else _decade(int(min(max(age // 10 * 10, YOUNGEST - 10), OLDEST))) for age in years]


def _decade(start: int) -> str:
    if start >= OLDEST:
        return f"{OLDEST} and over"
    return f"{start} to {start + 9}" if start >= YOUNGEST else f"under {YOUNGEST}"


def _silent(source: str) -> str:
    """The name of the row of a source's films that state no age, in lines short enough for a phone."""
    title = config.SOURCE_TITLES.get(source, source).replace("COVID-19 ", "").removesuffix(" initiative")
    return "<br>".join(textwrap.wrap(f"age not stated: {title}", LINE))
