"""One network on groups of films that it was not trained on, and two networks on the same. No streamlit in here."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from covid_model import config, evaluation
from covid_model.config import SPLIT_LABELS
from covid_model.evaluation import Estimate
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.by_patient import auc_change, mean
from covid_model.verdict import is_positive


@dataclass(frozen=True)
class Group:
    """Films that belong together.

    Attributes:
        name: lines parted by <br>.
        found: share of its COVID-19 films called positive (sensitivity).
        alarms: share of its other films called positive (1 - specificity).
    """

    name: str
    found: Estimate
    alarms: Estimate


TEST, ADULTS, MORE = "test", "test-adults", "extra-test"  # names of groups; the rest are named as their sources
RATES = {"found": 1, "alarms": -1}  # of a group, and whether more is better


def cut(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The groups by name; those without films are left out.

    Args:
        table: one network's films (columns split, source, covid, score, patient), by id.
    """
    test = table[table["split"] == "test"]
    found = {
        TEST: test,
        ADULTS: test[test["source"] != config.CHILDREN],
        MORE: table[table["split"] == "extra-test"],
    }
    external = table[table["split"] == "external"]
    found |= {source: external[external["source"] == source] for source in config.SOURCE_TITLES}
    return {name: part for name, part in found.items() if len(part)}


def title(name: str) -> str:
    """A group's name on a figure, its lines parted by <br>."""
    known = {TEST: "Test films,<br>all", ADULTS: "Test films,<br>adults only", MORE: SPLIT_LABELS["extra-test"][0]}
    return known.get(name) or "Elsewhere:<br>" + config.SOURCE_TITLES.get(name, name).removesuffix(" initiative")


def measure(table: pd.DataFrame, threshold: float) -> dict[str, Group]:
    """What the network calls positive of each group at `threshold`; intervals by patient."""
    return {name: _group(name, part, threshold) for name, part in cut(table).items()}


def _group(name: str, part: pd.DataFrame, threshold: float) -> Group:
    positive, covid = is_positive(part["score"], threshold), part["covid"] == 1
    found, alarms = (share(positive[own], part["patient"][own]) for own in (covid, ~covid))
    return Group(title(name), found, alarms)


def elsewhere(found: dict[str, Group]) -> tuple[int, int]:
    """Of the films without COVID-19 from other hospitals, how many are called positive, and how many there are."""
    alarms = [group.alarms for name, group in found.items() if name not in (TEST, ADULTS, MORE)]
    return sum(one.count for one in alarms), sum(one.total for one in alarms)


def auc(table: pd.DataFrame, name: str) -> Estimate:
    """The AUC of a group of `cut`, with an interval by patient; none where the group lacks films of a class."""
    part = cut(table).get(name)
    if part is None:
        return Estimate(None)
    return evaluation.area_intervals(part["score"], part["covid"], part["patient"])["auc"]


@dataclass(frozen=True)
class Change:
    """What one network does better or worse than another on the same films.

    Attributes:
        group: its name.
        measure: "found" (COVID-19 films called positive), "alarms" (others called positive) or "auc".
        before, after: the one network's figure and the other's.
        difference: after less before, in the measure's unit, with an interval by patient.
    """

    group: str
    measure: str
    before: Estimate
    after: Estimate
    difference: Estimate

    @property
    def verdict(self) -> str:
        """ "better" or "worse" where the whole interval says so, else "unclear"."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or low <= 0 <= high:
            return "unclear"
        return "better" if (low > 0) == (RATES.get(self.measure, 1) > 0) else "worse"


def compare(before: pd.DataFrame, after: pd.DataFrame, threshold: float) -> list[Change]:
    """Every group and measure of two networks, over the films that both have scored."""
    both = before.index.intersection(after.index)
    old, new = cut(before.loc[both]), cut(after.loc[both])
    changes = []
    for name, was in old.items():
        now = new[name]
        first, last = _group(name, was, threshold), _group(name, now, threshold)
        for measure_, truth in (("alarms", 0), ("found", 1)):
            own = was["covid"] == truth
            if own.any():
                positive = (is_positive(scores["score"], threshold).astype(float) for scores in (now, was))
                moved = next(positive) - next(positive)
                difference = mean(moved[own], was["patient"][own])
                changes.append(Change(name, measure_, getattr(first, measure_), getattr(last, measure_), difference))
        if was["covid"].nunique() == 2:
            difference = auc_change(was["score"], now["score"], was["covid"], was["patient"])
            changes.append(Change(name, "auc", auc(was, name), auc(now, name), difference))
    return changes
