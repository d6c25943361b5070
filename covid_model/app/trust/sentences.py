"""The story's headlines and what stands below them: sentences made of figures, true whatever these are. No streamlit.

Each function has a branch for every way that the figures can turn out; a test holds each branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from covid_model import settings
from covid_model.app.outcomes import counted, decimal, percent
from covid_model.app.trust.groups import ADULTS, MORE, TEST, Change
from covid_model.charts.trust import Group, Row
from covid_model.evaluation import Estimate

FEW = 0.1  # share of adults called positive up to which a network is said to hold on adults
WHERE = {TEST: "the test films", ADULTS: "the test’s adults", MORE: "more adults"}


# --- 1. The figure -----------------------------------------------------------------------------------


def rivals(accuracy: Mapping[str, float]) -> str:
    """Headline. `accuracy` in [0, 1] by answer: "network", "always no" and, where known, "source"."""
    right, floor, named = accuracy["network"], accuracy["always no"], accuracy.get("source")
    if right <= floor:
        return f"{percent(right)} right is no feat: answering “no” to every film gets {percent(floor)}."
    if named is not None and named >= right:
        return (
            f"{percent(right)} right. Naming the film’s source without a look at it gets {percent(named)}, and "
            f"answering “no” every time {percent(floor)}."
        )
    return f"{percent(right)} right. But answering “no” to every film gets {percent(floor)}."


def rare(films: int, covid: int) -> str:
    """Why always no does so well."""
    return (
        f"{covid:,} of the {films:,} test films show COVID-19, so “no” is right on the other {films - covid:,}. An "
        "accuracy says nothing until such answers stand beside it."
    )


# --- 2. The films ------------------------------------------------------------------------------------


def people(rows: Sequence[Row], children: str, which: str) -> str:
    """Headline. `children`: the name of the children's row. `which`: a few words for the films."""
    covid, other = sum(row.covid for row in rows), sum(row.other for row in rows)
    young = next((row for row in rows if row.name == children), None)
    if not covid or not other:
        return f"{which}: one class is missing, so there is nothing to tell apart."
    if young is None:
        return f"{which}: no children, so age does not give the answer away."
    share = young.other / other
    if young.covid == 0 and share > 0.5:
        return (
            f"The answer is in the age: {percent(share)} of the films without COVID-19 are of children of {children}, "
            "and none of those with it."
        )
    return (
        f"Children of {children} are {percent(share)} of the films without COVID-19 and {percent(young.covid / covid)} "
        "of those with it."
    )


def given_away(named: float, floor: float) -> str:
    """What the source alone tells."""
    if named <= floor:
        return f"Their sources give nothing away: to know them is worth no more than “no” every time, {percent(floor)}."
    return (
        f"Whoever knows a film’s source and nothing else is right on **{percent(named)}** of them; “no” every time, on "
        f"{percent(floor)}."
    )


def ages_of(years: Sequence[float], films: int) -> str:
    """What is known of the ages of the films that are not the children's. `years`: those stated."""
    if not len(years):
        return "None of the others states an age in years; their sources are of adults, or mostly so."
    ordered = sorted(years)
    middle = ordered[len(ordered) // 2]
    return (
        f"Of the {films:,} others {len(years):,} state an age: {ordered[0]:.0f} to {ordered[-1]:.0f} years, half of "
        f"them {middle:.0f} or more."
    )


# --- 3. Elsewhere ------------------------------------------------------------------------------------


def adults(alarms: Estimate, threshold: float) -> str:
    """Headline. `alarms`: the test's adults without COVID-19 who are called positive."""
    if not alarms:
        return "The test films hold no adult without COVID-19: whether the network holds on adults, nobody has asked."
    called = f"{counted(alarms)} without COVID-19 {'is' if alarms.count == 1 else 'are'} called positive"
    if alarms.value > 0.5:
        return f"On adults it breaks down: {called}."
    if alarms.value > FEW:
        return f"On adults it errs more than its accuracy says: {called}."
    if alarms.count or threshold < settings.HIGH:
        return f"On adults it holds at this threshold: {called}."
    return f"At so high a threshold no adult without COVID-19 is called positive ({counted(alarms)})."


def apart(groups: Mapping[str, Group]) -> str:
    """What becomes of COVID-19 films and others in each group but the whole test, in a sentence each."""
    said = []
    for name, group in groups.items():
        if name in (TEST, ADULTS) or not (group.found or group.alarms):
            continue
        where = WHERE.get(name) or "at " + settings.SOURCE_TITLES.get(name, name)
        parts = [f"{counted(group.found)} COVID-19 films"] if group.found else []
        parts += [f"**{counted(group.alarms)}** others"] if group.alarms else []
        said.append(f"{where[:1].upper()}{where[1:]}: it calls {' and '.join(parts)} positive.")
    return " ".join(said)


# --- 4. Lungs erased ---------------------------------------------------------------------------------


def erased(record: Mapping[str, Any], part: Mapping[str, Any], what: str) -> str:
    """Headline. `part`: the record's entry of one way to erase; `what`: that way in words, such as "Lungs erased"."""
    whole, left = (one["covid_positive"] for one in (record["whole"], part))
    of = f"{left['count']} of {left['total']}"
    if left["count"] >= whole["count"]:
        said = f"{what}, {of} COVID-19 films are called positive: no fewer than before."
    elif 2 * left["count"] >= whole["count"]:
        said = f"{what}, {of} COVID-19 films are still called positive."
    elif left["count"]:
        said = f"{what}, only {of} COVID-19 films are still called positive."
    else:
        said = f"{what}, no COVID-19 film is called positive any more."
    return said + (f" {blanks_in_short(record)}" if record.get("trained_on_blanks") else "")


def blanks_in_short(record: Mapping[str, Any]) -> str:
    """What the recipe reaches on films that never had lungs."""
    blank, floor = _accuracies(record)
    if blank > floor:
        return f"Trained on films without lungs, the recipe is right on {percent(blank)}."
    return f"Trained on films without lungs, the recipe is no better than “no” every time: {percent(blank)}."


def blanks(record: Mapping[str, Any]) -> str:
    """The same, with what it is to be read against."""
    found = record["trained_on_blanks"]
    blank, floor = _accuracies(record)
    covered, whole = found.get("lungs_covered"), found.get("whole")
    middle = f"with {percent(covered)} of the lungs " if covered else ""
    before = f", with whole films on {percent(whole[f'accuracy_at_{settings.THRESHOLD}'])}" if whole else ""
    fair = (
        "What lies outside them is enough for nearly such a figure: the test rewards something other than lungs."
        if blank > floor
        else "So the figure does hang on what was blanked."
    )
    return (
        f"An erased film looks like none that the network knows, so the recipe was also trained and tested on films "
        f"whose middle {middle}is blank: right on **{percent(blank)}**{before}, “no” every time on {percent(floor)}. "
        f"{fair}"
    )


def other_fills(record: Mapping[str, Any], variant: str, fill: str) -> str:
    """How much hangs on what the lungs are filled with."""
    counts = [
        one["covid_positive"]["count"] for one in record["erased"] if one["variant"] == variant and one["fill"] != fill
    ]
    total = record["whole"]["covid_positive"]["total"]
    if not counts:
        return ""
    span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return f"Filled with {fill}; with the other fills {span} of {total}."


def _accuracies(record: Mapping[str, Any]) -> tuple[float, float]:
    """The accuracy of the recipe on blanks and that of always no, in [0, 1]."""
    found, at = record["trained_on_blanks"], f"at_{settings.THRESHOLD}"
    return found["blank_middle"][at]["accuracy"]["value"], found["always_no"][at]["accuracy"]["value"]


# --- 5. Adults added ---------------------------------------------------------------------------------


def mended(changes: Sequence[Change]) -> str:
    """Headline, of the false alarms on the test's adults and the COVID-19 films found in the test."""
    known = {(change.group, change.measure): change for change in changes}
    alarms, found = known.get((ADULTS, "alarms")), known.get((TEST, "found"))
    said = []
    if alarms:
        before, after = alarms.before.count, alarms.after.count
        of = f"{after} of {alarms.after.total}"
        if after < before:
            said.append(f"Adults added, false alarms on adults fall from {before} to {of}.")
        elif after > before:
            said.append(f"Adults added, false alarms on adults rise from {before} to {of}.")
        else:
            said.append(f"Adults added, false alarms on adults stay at {of}.")
    if found:
        before, after = found.before.count, found.after.count
        of = f"{after} of {found.after.total} COVID-19 films"
        if after < before:
            said.append(f"The price: {of} are found instead of {before}.")
        elif after > before:
            said.append(f"And {of} are found instead of {before}.")
        else:
            said.append(f"As before, {of} are found.")
    return " ".join(said) or "The test films do not say what adding adults does."


def verdicts(changes: Sequence[Change]) -> dict[str, list[str]]:
    """Each change as a sentence's part, under "better", "worse" or "unclear"."""
    found: dict[str, list[str]] = {"better": [], "worse": [], "unclear": []}
    for change in changes:
        if (change.group, change.measure) == (ADULTS, "found"):  # the same films as the test's
            continue
        where = WHERE.get(change.group) or settings.SOURCE_TITLES.get(change.group, change.group)
        if change.measure == "auc":
            said = f"AUC on {where}, {decimal(change.after.value)} instead of {decimal(change.before.value)}"
        else:
            what = "COVID-19 films called positive" if change.measure == "found" else "false alarms"
            said = f"{what} on {where}, {counted(change.after)} instead of {change.before.count:,}"
        found[change.verdict].append(said)
    return found
