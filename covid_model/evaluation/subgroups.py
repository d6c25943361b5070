"""Evaluate parts of the films: splits, sources, adults; compare two networks on each; count the patients' ages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config
from covid_model.evaluation.bootstrap import Estimate, proportion, share
from covid_model.evaluation.metrics import area_intervals, auc_change, check, mean
from covid_model.evaluation.threshold_sweep import ThresholdSweep, sweep
from covid_model.verdict import is_positive


def adults_without_covid(scores: ArrayLike, covid: ArrayLike, source: ArrayLike, threshold: float) -> Estimate:
    """Return the share of positive films among those without COVID-19 from any source but the children's."""
    scores, truth = check(scores, covid)
    adults = ~truth & (np.asarray(source).astype(str) != config.CHILDREN)
    return proportion(int(is_positive(scores[adults], threshold).sum()), int(adults.sum()))


# --- Every split and source apart, at any threshold


@dataclass(frozen=True)
class Part:
    """A network's films of one split and source, evaluated at every threshold.

    Attributes:
        split: Name of the split.
        source: Name of the source; None for all sources of a split that has several.
        films: Number of films.
        patients: Number of patients; None if it is not known.
        covid, other: Sweeps of the films with and without COVID-19.
        auc: Area under the ROC curve.
    """

    split: str
    source: str | None
    films: int
    patients: int | None
    covid: ThresholdSweep
    other: ThresholdSweep
    auc: Estimate


def parts(films: pd.DataFrame, splits: Iterable[str] | None = None) -> list[Part]:
    """Evaluate every split and source. Each part draws its own bootstrap samples, so cache the result.

    Args:
        films: One network's films, with the columns split, source, covid and score. With a column patient, intervals
            are by patient, else by film.
        splits: Splits to evaluate. Defaults to `config.SPLITS`.

    Raises:
        ValueError: A score is not a number in [0, 1].
    """
    splits = config.SPLITS if splits is None else splits
    results = []
    for split in splits:
        whole = films[films["split"] == split]
        sources = [source for source in config.SOURCE_TITLES if (whole["source"] == source).any()]
        for source in [*([None] if len(sources) > 1 else []), *sources]:
            part = whole if source is None else whole[whole["source"] == source]
            patients, covid = part.get("patient"), part["covid"] == 1
            sweeps = sweep(part["score"], {"covid": covid, "other": ~covid}, patients)
            auc = area_intervals(part["score"], part["covid"], patients)["auc"]
            count = None if patients is None else patients.nunique()
            results.append(Part(split, source, len(part), count, sweeps["covid"], sweeps["other"], auc))
    return results


# --- Groups of films that the network was not trained on, at one threshold

TEST, ADULTS, MORE = "test", "test-adults", "extra-test"  # names of groups; the others are named by their source


@dataclass(frozen=True)
class Group:
    """A group's rates at a threshold.

    Attributes:
        name: Title of the group; <br> separates its lines.
        sensitivity: Share of its COVID-19 films that are positive.
        false_positive_rate: Share of its other films that are positive (1 - specificity).
    """

    name: str
    sensitivity: Estimate
    false_positive_rate: Estimate


def by_group(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the films of each group by its name, without empty groups.

    Args:
        table: One network's films by id, with the columns split, source, covid, score and patient.
    """
    test = table[table["split"] == "test"]
    external = table[table["split"] == "external"]
    groups = {
        TEST: test,
        ADULTS: test[test["source"] != config.CHILDREN],
        MORE: table[table["split"] == "extra-test"],
    }
    groups |= {source: external[external["source"] == source] for source in config.SOURCE_TITLES}
    return {name: films for name, films in groups.items() if len(films)}


def title(name: str) -> str:
    """Return a group's title on a chart; <br> separates its lines."""
    known = {
        TEST: "Test set",
        ADULTS: "Test set's<br>adults",
        MORE: config.SPLIT_TITLES["extra-test"],
    }
    return known.get(name) or "External:<br>" + config.SOURCE_TITLES.get(name, name).removesuffix(" initiative")


def measure(table: pd.DataFrame, threshold: float) -> dict[str, Group]:
    """Return the rates of each group of `by_group` at `threshold`, with intervals by patient."""
    return {name: _rates(name, films, threshold) for name, films in by_group(table).items()}


def _rates(name: str, films: pd.DataFrame, threshold: float) -> Group:
    positive, covid = is_positive(films["score"], threshold), films["covid"] == 1
    return Group(title(name), *(share(positive[mask], films["patient"][mask]) for mask in (covid, ~covid)))


def external_false_positives(groups: dict[str, Group]) -> tuple[int, int]:
    """Return how many films without COVID-19 from other hospitals are positive, and how many there are."""
    rates = [group.false_positive_rate for name, group in groups.items() if name not in (TEST, ADULTS, MORE)]
    return sum(rate.count for rate in rates), sum(rate.total for rate in rates)


def auc(table: pd.DataFrame, name: str) -> Estimate:
    """Return the AUC of a group of `by_group` with an interval by patient; without a value if a class is missing."""
    films = by_group(table).get(name)
    if films is None:
        return Estimate(None)
    return area_intervals(films["score"], films["covid"], films["patient"])["auc"]


# --- Two networks on the same films

MORE_IS_BETTER = {"sensitivity": True, "false_positive_rate": False, "auc": True}


@dataclass(frozen=True)
class Change:
    """The difference between two networks on the same films.

    Attributes:
        group: Name of the group.
        measure: "sensitivity", "false_positive_rate" or "auc".
        before, after: The measure for either network.
        difference: `after` minus `before`, with an interval by patient.
    """

    group: str
    measure: str
    before: Estimate
    after: Estimate
    difference: Estimate

    @property
    def verdict(self) -> str:
        """ "better" or "worse" if the whole interval is on one side of 0, else "unclear"."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or low <= 0 <= high:
            return "unclear"
        return "better" if (low > 0) == MORE_IS_BETTER.get(self.measure, True) else "worse"


def compare(before: pd.DataFrame, after: pd.DataFrame, threshold: float) -> list[Change]:
    """Compare two networks in every group and measure, on the films that both have scored."""
    both = before.index.intersection(after.index)
    old_groups, new_groups = by_group(before.loc[both]), by_group(after.loc[both])
    changes = []
    for name, old in old_groups.items():
        new = new_groups[name]
        old_rates, new_rates = _rates(name, old, threshold), _rates(name, new, threshold)
        positive_before, positive_after = (is_positive(films["score"], threshold).astype(float) for films in (old, new))
        for measured, truth in (("false_positive_rate", 0), ("sensitivity", 1)):
            mask = old["covid"] == truth
            if mask.any():
                difference = mean((positive_after - positive_before)[mask], old["patient"][mask])
                figures = getattr(old_rates, measured), getattr(new_rates, measured)
                changes.append(Change(name, measured, *figures, difference))
        if old["covid"].nunique() == 2:
            difference = auc_change(old["score"], new["score"], old["covid"], old["patient"])
            changes.append(Change(name, "auc", auc(old, name), auc(new, name), difference))
    return changes


# --- Ages of the patients ---


@dataclass(frozen=True)
class AgeRow:
    """A row of the age pyramid: its name (<br> separates its lines) and the films of either class."""

    name: str
    covid: int
    other: int


CHILDREN = "1 to 5 years"  # of the children's source: none of its films states more
LINE = 21  # characters per line of a row's name
YOUNGEST, OLDEST = 20, 80  # years: one row below, one from here on, and one per decade between


def age_rows(films: pd.DataFrame) -> list[AgeRow]:
    """Return the rows of the age pyramid, the oldest first, then one per source for films without an age.

    Args:
        films: Films with the columns source and covid, and age in years as a number or in words, if known.
    """
    names = age_names(films)
    decades = [_decade(start) for start in range(OLDEST, YOUNGEST - 20, -10)]
    order = list(dict.fromkeys([*decades, CHILDREN, *names]))
    counts = pd.crosstab(names, films["covid"]).reindex(index=order, columns=[1, 0], fill_value=0)
    filled = counts.index[counts.sum(axis=1) > 0]
    inside = [index for index, name in enumerate(decades) if name in filled]
    between = decades[inside[0] : inside[-1] + 1] if inside else []  # empty decades between two others stay
    shown = {*between, *filled}
    return [AgeRow(name, int(counts.at[name, 1]), int(counts.at[name, 0])) for name in order if name in shown]


def age_names(films: pd.DataFrame) -> pd.Series:
    """Return the name of each film's row of the age pyramid; the columns are those of `age_rows`."""
    years = stated_ages(films)
    child = films["source"].eq(config.CHILDREN)
    names = pd.Series(_decades(years), index=films.index, dtype=object)
    unknown = years.isna() & ~child
    names[unknown] = films.loc[unknown, "source"].map(_without_age)
    names[child] = CHILDREN
    return names


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
