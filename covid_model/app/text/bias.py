"""The story's headlines and what stands below them: sentences made of figures, true whatever these are. No streamlit.

Each function has a branch for every way that the figures can turn out; a test holds each branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from covid_model import config
from covid_model.evaluation import Estimate
from covid_model.evaluation.ages import Row
from covid_model.evaluation.groups_of_films import ADULTS, MORE, TEST, Change
from covid_model.formatting import counted, decimal, percent

FEW = 0.1  # share of adults called positive up to which a network is said to hold on adults
WHERE = {TEST: "on the test films", ADULTS: "on the test’s adults", MORE: "on more adults"}  # a source: "at" it


# --- 1. The figure -----------------------------------------------------------------------------------


def baselines(accuracy: Mapping[str, float]) -> str:
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


def above_baseline(floor: float) -> str:
    """From where on an accuracy is the answer's own. `floor` in [0, 1]: that of always no."""
    return f"Only what exceeds {percent(floor)} was earned: “no” every time gets that much."


def class_imbalance(films: int, covid: int) -> str:
    """Why always no does so well."""
    return (
        f"{covid:,} of the {films:,} test films show COVID-19, so “no” is right on the other {films - covid:,}. An "
        "accuracy says nothing until such answers stand beside it."
    )


# --- 2. The films ------------------------------------------------------------------------------------


def age_mix(rows: Sequence[Row], children: str, which: str) -> str:
    """Headline. `children`: the name of the children's row. `which`: a few words for the films."""
    covid, other = sum(row.covid for row in rows), sum(row.other for row in rows)
    young = next((row for row in rows if row.name == children), None)
    if not covid or not other:
        return f"{which}: one class is missing, so there is nothing to tell apart."
    if young is None:
        return f"{which}: no film comes from a source of children."
    share = young.other / other
    if young.covid == 0 and share > 0.5:
        return (
            f"The answer is in the age: {percent(share)} of the films without COVID-19 are of children of {children}, "
            "and no COVID-19 film is."
        )
    return (
        f"Children of {children} are {percent(share)} of the films without COVID-19 and {percent(young.covid / covid)} "
        "of those with it."
    )


def source_only(named: float, floor: float) -> str:
    """What the source alone tells."""
    if named <= floor:
        return f"Their sources give nothing away: to know them is worth no more than “no” every time, {percent(floor)}."
    return (
        f"Whoever knows a film’s source and nothing else is right on **{percent(named)}** of them; “no” every time, on "
        f"{percent(floor)}."
    )


def stated_ages(years: Sequence[float], films: int) -> str:
    """What is known of the ages of the films that are not the children's. `years`: those stated."""
    if not len(years):
        return "None of the films not of children states an age in years; their sources are of adults, or mostly so."
    ordered = sorted(years)
    span = f"{ordered[0]:.0f} to {ordered[-1]:.0f} years, half of them {ordered[len(ordered) // 2]:.0f} or more"
    return f"Of the {films:,} films not of children {len(years):,} state an age: {span}."


# --- 3. Elsewhere ------------------------------------------------------------------------------------


def adult_results(found: Estimate, alarms: Estimate, elsewhere: tuple[int, int] = (0, 0)) -> str:
    """Headline.

    Args:
        found, alarms: of the test's adults with COVID-19 and without, those called positive.
        elsewhere: films without COVID-19 from other hospitals: called positive, and all of them.
    """
    if not alarms:
        return "The test films hold no adult without COVID-19: whether the network holds on adults, nobody has asked."
    hospitals = f", and {elsewhere[0]:,} of {elsewhere[1]:,} in other hospitals" if elsewhere[1] else ""
    called = f"{counted(alarms)} without COVID-19 {'is' if alarms.count == 1 else 'are'} called positive{hospitals}"
    if alarms.value > 0.5:
        return f"On adults it breaks down: {called}."
    if alarms.value > FEW:
        return f"On adults it errs more than its accuracy says: {called}."
    with_it = f"; of those with it, {counted(found)}" if found else ""
    return f"Few adults without COVID-19 are called positive at this threshold, {counted(alarms)}{hospitals}{with_it}."


def auc_by_group(areas: Mapping[str, Estimate]) -> str:
    """Whether another threshold would help: the AUC of each group; "" where none has one."""
    known = [f"{decimal(area.value)} {_where(name)}" for name, area in areas.items() if area]
    return f"Over all thresholds (AUC; 0.5 is guessing): {', '.join(known)}." if known else ""


def _where(name: str) -> str:
    return WHERE.get(name) or "at " + config.SOURCE_TITLES.get(name, name).removesuffix(" initiative")


# --- 4. Lungs erased ---------------------------------------------------------------------------------


def erasure_result(record: Mapping[str, Any], part: Mapping[str, Any], what: str) -> str:
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
    return said + (f" {_blank_training_in_short(record)}" if record.get("trained_on_blanks") else "")


def _blank_training_in_short(record: Mapping[str, Any]) -> str:
    """What the recipe reaches on films that never had lungs."""
    blank, floor = _accuracies(record)
    covered = record["trained_on_blanks"].get("lungs_covered")
    trained = f"Trained with {covered:.0%} of the lungs blanked" if covered else "Trained on films with a blank middle"
    trained = trained.replace("%", " %")
    if blank > floor:
        return f"{trained}, the recipe is right on {percent(blank)}."
    return f"{trained}, the recipe is no better than “no” every time: {percent(blank)}."


def blank_training(record: Mapping[str, Any]) -> str:
    """The same, with what it is to be read against."""
    found = record["trained_on_blanks"]
    blank, floor = _accuracies(record)
    covered, whole = found.get("lungs_covered"), found.get("whole")
    middle = f", with {percent(covered)} of the lungs in it," if covered else ""
    before = whole[f"accuracy_at_{config.PAPER_MARK:g}"] if whole else None  # as training.paper records it
    beside = f", with whole films on {percent(before)}" if whole else ""
    return (
        f"An erased film looks like none that the network knows, so the recipe was also trained and tested on films "
        f"whose middle{middle} is blank: right on **{percent(blank)}**{beside}, “no” every time on {percent(floor)}. "
        f"{_kept(blank, before, floor)}"
    )


def _kept(blank: float, whole: float | None, floor: float) -> str:
    """How much of what whole films gain over always no is left on blanks."""
    if blank <= floor:
        return "So the gain over “no” is gone."
    if whole is None or whole <= floor:
        return "So there is a gain over “no” without what was blanked."
    if blank >= whole:
        return "So all of the gain over “no” is left."
    return f"So {percent((blank - floor) / (whole - floor))} of the gain over “no” is left."


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
    found, at = record["trained_on_blanks"], f"at_{record['threshold']:g}"
    return found["blank_middle"][at]["accuracy"]["value"], found["always_no"][at]["accuracy"]["value"]


# --- 5. Adults added ---------------------------------------------------------------------------------


def adults_added(changes: Sequence[Change]) -> str:
    """Headline: false alarms on the test's adults, COVID-19 films found in the test, and the other hospitals."""
    known = {(change.group, change.measure): change for change in changes}
    said = [
        _moved(subject, known[key])
        for subject, key in (
            ("false alarms on adults", (ADULTS, "alarms")),
            ("COVID-19 films found", (TEST, "found")),
        )
        if key in known
    ]
    elsewhere = {
        change.verdict for change in changes if change.measure == "auc" and change.group not in (TEST, ADULTS, MORE)
    }  # no threshold moves the AUC: a network that merely says "no" more often is no better
    if elsewhere:
        said.append(
            "in other hospitals it tells the two apart "
            + (
                "better"
                if elsewhere == {"better"}
                else "better in some, not clearly in others"
                if "better" in elsewhere
                else "worse"
                if elsewhere == {"worse"}
                else "no better, as far as these films can say"
            )
        )
    return f"Adults added: {'; '.join(said)}." if said else "The test films do not say what adding adults does."


def _moved(subject: str, change: Change) -> str:
    before, after = change.before.count, change.after.count
    if before == after:
        return f"{subject} stay at {counted(change.after)}"
    return f"{subject} {'fall' if after < before else 'rise'} from {before:,} to {counted(change.after)}"


def changes_by_verdict(changes: Sequence[Change]) -> dict[str, str]:
    """What is clearly "better", clearly "worse" and "unclear", each as a part of a sentence; "" where nothing is."""
    names = {"alarms": "false alarms", "found": "COVID-19 films called positive", "auc": "AUC"}
    found = {}
    for verdict in ("better", "worse", "unclear"):
        parts = []
        for measure, name in names.items():
            own = [
                f"{_where(change.group)}{_areas(change)}"
                for change in changes
                if (change.measure, change.verdict) == (measure, verdict)
                and (change.group, measure) != (ADULTS, "found")  # the same films as the test's
            ]
            if own:
                parts.append(f"{name} {', '.join(own)}")
        found[verdict] = "; ".join(parts)
    return found


def _areas(change: Change) -> str:
    """An AUC before and after, which no picture shows; counts stand in the picture."""
    return f" ({decimal(change.before.value)} to {decimal(change.after.value)})" if change.measure == "auc" else ""


# --- One sentence for each further check, made of its record's figures. No streamlit in here ---

Record = Mapping[str, Any]

ADULTS_SPLIT = "adults"  # the part whose calibration is drawn: scores mean least where age no longer helps
SURE = 0.9  # from which on a score is called sure


def heatmap_location(record: Record) -> str:
    """Where it looks."""
    energy, pointing = record["energy_in_lungs"], record["pointing_game"]
    inside, chance = energy["value"].get("value"), energy["floor"].get("value")
    if inside is None:
        return "No heatmap of these films has anything that speaks for COVID-19, so there is nothing to place."
    gain = energy["above_floor"]
    said = f"{percent(inside)} of what speaks for COVID-19 lies in the lungs, "
    if gain.get("low") is not None and gain["low"] > 0:
        said += f"more than the {percent(chance)} of a map that is alike everywhere."
    elif gain.get("high") is not None and gain["high"] < 0:
        said += f"less than the {percent(chance)} of a map that is alike everywhere."
    else:
        said += f"hardly other than the {percent(chance)} of a map that is alike everywhere."
    hits = pointing["value"]
    return f"{said} Its strongest point is in a lung in {hits['count']} of {hits['total']} films."


def faithfulness(record: Record) -> str:
    """Whether blurring what the map marks moves the score more than blurring anything."""
    curves = record["curves"]
    if not curves.get("deletion"):
        return "None of these films is called positive, so there is no score to take away."
    said = {}
    for kind in ("deletion", "insertion"):
        gain = curves[kind]["gain_over_random"]
        said[kind] = gain.get("low") is not None and gain["low"] > 0
    first = "falls sooner" if said["deletion"] else "falls no sooner"
    second = "comes back sooner" if said["insertion"] else "comes back no sooner"
    joined = "and" if said["deletion"] == said["insertion"] else "but"
    return (
        f"On {curves['films']} films called positive: blurred where the map marks most first, the score {first} than "
        f"in a random order, {joined} sharpened again from there it {second}."
    )


def calibration(record: Record, split: str) -> str:
    """Whether a score means what it says."""
    part = record["splits"][split]
    sure = [one for one in part["before"]["bins"] if one["films"] and one["low"] >= SURE - 1e-9]
    films = sum(one["films"] for one in sure)
    said = ""
    if films:
        covid = sum(one["films"] * one["covid"] for one in sure) / films
        whose = "films of adults" if split == ADULTS_SPLIT else "films"
        said = f"Of {films:,} {whose} that scored above {SURE}, {percent(covid)} are COVID-19. "
    before, after = part["before"]["ece"], part["after"]["ece"]
    helps = "helps" if part["helps"] else "does not surely help"
    return (
        f"{said}Dividing the logit by a temperature of {record['temperature']:.2f} {helps}: the calibration error "
        f"goes from {decimal(before)} to {decimal(after)} (0 is best)."
    )


def ood_detection(record: Record) -> str:
    """What the gate flags, against what was wanted of it."""
    wanted = record["wanted"]
    every, kinds = record["every_other"], record["other"]
    worst = min(kinds, key=lambda kind: kinds[kind]["flagged"]["value"])
    test = flagged_test_films(record)
    kept = test["value"] <= wanted["genuine"] and every["value"] >= wanted["other"]
    least = kinds[worst]["flagged"]["value"]
    weakest = f" It is weakest on {worst}: {percent(least)}." if least < 1 else ""
    return (
        f"It flags {every['count']:,} of {every['total']:,} pictures that are no upright chest film, and "
        f"{test['count']:,} of {test['total']:,} real test films: in all {'as' if kept else 'not as'} was wanted of it "
        f"(at least {percent(wanted['other'])}, at most {percent(wanted['genuine'])}).{weakest}"
    )


def flagged_test_films(record: Record) -> Record:
    """How many of the test films, which are all of chests, the gate flags."""
    return next(one["flagged"] for one in record["genuine"] if one["split"] == "test")  # all sources come first


def robustness(record: Record) -> str:
    """How far a score moves under changes that must not matter."""
    every = record["figures"]["all"]["every film"]
    changed = every["any_verdict_changes"]
    return (
        f"Turned, shifted, with other contrast and compressed, each a little: between the lowest and the highest score "
        f"of a film’s copies lie {decimal(every['width']['median'])} for the middle film and "
        f"{decimal(every['width']['ninth_decile'])} or more for one in ten; "
        f"{changed['count']} of {changed['total']} films change verdict in some copy."
    )


def severity(record: Record, rating: str) -> str:
    """Whether a higher score means more disease."""
    found = record["spearman"][rating]
    value, low, high = found.get("value"), found.get("low"), found.get("high")
    if value is None:
        return "The ratings or the scores are all alike, so there is no correlation to speak of."
    if low is not None and low > 0:
        said = "The score rises with"
    elif high is not None and high < 0:
        said = "The score falls with"
    else:
        said = "The score does not follow"
    interval = f" (95 %: {_signed(low)} to {_signed(high)})" if low is not None and high is not None else ""
    return (
        f"{said} how opaque experts found the lungs: rank correlation {_signed(value)}{interval}. "
        f"{record['in_splits_trained_on']} of the {record['films']} rated films lie in what it was trained on."
    )


def _signed(value: float) -> str:
    """Two places, with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")
