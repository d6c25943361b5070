"""Headlines and sentences of "Can you trust it?".

Each sentence has a branch for every way that the figures can turn out, so it stays true; a test covers each branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from covid_model import config
from covid_model.evaluation import Estimate
from covid_model.evaluation.subgroups import ADULTS, MORE, TEST, AgeRow, Change
from covid_model.formatting import counted, decimal, interval, percent

FEW = 0.1  # up to this share of false positives among adults, the network is said to hold on adults
WHERE = {TEST: "on the test set", ADULTS: "on the test set's adults", MORE: "on the adults-only set"}
WHOSE = {ADULTS: "the test set's adults", MORE: "the adults-only set"}


# --- 1. The claim ------------------------------------------------------------------------------------


def baselines(accuracy: Mapping[str, float]) -> str:
    """Return the headline. `accuracy`, in [0, 1]: of "network", "always no" and, where known, "source"."""
    network, floor, source = accuracy["network"], accuracy["always no"], accuracy.get("source")
    if network <= floor:
        return f"{percent(network)} correct is no achievement: answering “negative” every time gets {percent(floor)}."
    if source is not None and source >= network:
        return f"{percent(network)} correct. A baseline that knows only the X-ray's source gets {percent(source)}."
    return f"{percent(network)} correct. Answering “negative” with your eyes closed gets {percent(floor)}."


def above_baseline(floor: float) -> str:
    """Return how to read an accuracy against its baseline. `floor` in [0, 1]: the majority-class baseline."""
    return f"Only the part above {percent(floor)} counts: always answering “negative” gets that far."


def class_imbalance(films: int, covid: int) -> str:
    """Return why the majority-class baseline does so well on `films` test films, `covid` of them COVID-19."""
    return (
        f"{covid:,} of the {films:,} test X-rays are COVID-19, so “negative” is correct for the other "
        f"{films - covid:,}. An accuracy means little without this baseline beside it."
    )


# --- 2. The data set ---------------------------------------------------------------------------------


def age_mix(rows: Sequence[AgeRow], children: str, title: str) -> str:
    """Return the headline. `children`: the name of the children's row, an age span; `title`: the split's."""
    covid, other = sum(row.covid for row in rows), sum(row.other for row in rows)
    young = next((row for row in rows if row.name == children), None)
    if not covid or not other:
        return f"{title}: one class is missing, so there is nothing to tell apart."
    if young is None:
        return f"{title}: no X-ray is from the children's source."
    share = young.other / other
    if young.covid == 0 and share > 0.5:
        return (
            f"Age gives the answer away: {percent(share)} of the non-COVID X-rays show children aged {children}, and "
            "no COVID-19 X-ray does."
        )
    return (
        f"Children aged {children} are {percent(share)} of the non-COVID X-rays and {percent(young.covid / covid)} of "
        "the COVID-19 X-rays."
    )


def source_only(accuracy: float, floor: float) -> str:
    """Return what the source alone reveals: its accuracy beside the majority-class baseline's, both in [0, 1]."""
    if accuracy <= floor:
        return (
            "The source reveals nothing: knowing it gets no further than answering “negative” every time, "
            f"{percent(floor)}."
        )
    return (
        f"Knowing nothing but the source is enough to classify **{percent(accuracy)}** of the X-rays correctly; "
        f"answering “negative” every time gets {percent(floor)}."
    )


def stated_ages(years: Sequence[float], films: int) -> str:
    """Return what is known of the ages in the sources of adults. `years`: those stated for some of the `films`."""
    if not len(years):
        return "Outside the children's source, no age is stated in years; the patients there are all or mostly adults."
    ordered = sorted(years)
    span = f"{ordered[0]:.0f} to {ordered[-1]:.0f} years, half of them {ordered[len(ordered) // 2]:.0f} or older"
    return f"Outside the children's source, {len(years):,} of {films:,} X-rays come with an age: {span}."


# --- 3. External validation --------------------------------------------------------------------------


def adult_results(sensitivity: Estimate, false_positives: Estimate, external: tuple[int, int] = (0, 0)) -> str:
    """Return the headline.

    Args:
        sensitivity, false_positives: share of the test set's adults with and without COVID-19 called positive.
        external: non-COVID films from other hospitals: number called positive, and total.
    """
    if not false_positives:
        return "The test set has no adult without COVID-19, so how the network does on adults is anyone's guess."
    hospitals = f", and {external[0]:,} of {external[1]:,} in other hospitals" if external[1] else ""
    verb = "is" if false_positives.count == 1 else "are"
    positives = f"{counted(false_positives)} without COVID-19 {verb} called positive{hospitals}"
    if false_positives.value > 0.5:
        return f"On adults it falls apart: {positives}."
    if false_positives.value > FEW:
        return f"It errs more on adults than its accuracy suggests: {positives}."
    with_covid = f"; of those with it, {counted(sensitivity)}" if sensitivity else ""
    return (
        f"Few adults without COVID-19 are called positive at this threshold: {counted(false_positives)}{hospitals}"
        f"{with_covid}."
    )


def auc_by_group(areas: Mapping[str, Estimate]) -> str:
    """Return the AUC of each group, which tells whether another threshold would help; "" where none has one."""
    known = [f"{decimal(area.value)} {_where(name)}" for name, area in areas.items() if area]
    return f"AUC, over all thresholds (0.5 is chance): {', '.join(known)}." if known else ""


def _where(name: str) -> str:
    return WHERE.get(name) or "at " + config.SOURCE_TITLES.get(name, name).removesuffix(" initiative")


# --- 5. Adults added ---------------------------------------------------------------------------------


def adults_added(changes: Sequence[Change]) -> str:
    """Return the headline: what happens to false positives among the test set's adults."""
    alarms = _change(changes, ADULTS, "false_positive_rate")
    if alarms is None:
        return "The test set does not show what adding adults does."
    before, after = alarms.before.count, alarms.after.count
    if before == after:
        return f"Adults added: false positives among {WHOSE[ADULTS]} stay at {counted(alarms.after)}."
    moved = "fall" if after < before else "rise"
    return f"Adults added: false positives among {WHOSE[ADULTS]} {moved} from {before:,} to {counted(alarms.after)}."


def price_of_adults(changes: Sequence[Change]) -> str:
    """Return in words what it costs, and whether it helps in other hospitals; "" where neither is known."""
    parts = []
    if cases := _change(changes, TEST, "sensitivity"):
        before, after = cases.before.count, cases.after.count
        missed = "fewer" if after > before else "more" if after < before else "as many"
        parts.append(f"It misses {missed} COVID-19 X-rays in the test set{' as before' if missed == 'as many' else ''}")
    external = {
        change.verdict for change in changes if change.measure == "auc" and change.group not in (TEST, ADULTS, MORE)
    }  # by the AUC, which no threshold moves: a network that just says "negative" more often is no better
    if external == {"better"}:
        parts.append("it separates the classes better in other hospitals")
    elif "better" in external:
        parts.append("it separates the classes better in some other hospitals, but not clearly in all")
    elif external == {"worse"}:
        parts.append("it separates the classes worse in other hospitals")
    elif external:
        parts.append("it separates the classes no better in other hospitals, as far as these X-rays can tell")
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def not_external(titles: Sequence[str]) -> str:
    """Return why the adults-only set is no external validation of the networks `titles`."""
    verb = "were" if len(titles) > 1 else "was"
    return (
        f"{' and '.join(titles)} {verb} trained on other X-rays from the sources of *{config.SPLIT_LABELS[MORE][0]}*, "
        "so that set is not external validation."
    )


def _change(changes: Sequence[Change], group: str, measure: str) -> Change | None:
    """Return the change of a measure in a group, if it is known."""
    return next((change for change in changes if (change.group, change.measure) == (group, measure)), None)


def changes_by_verdict(changes: Sequence[Change]) -> dict[str, str]:
    """Return what is clearly "better", clearly "worse" and "unclear", each as a part of a sentence; "" for nothing."""
    names = {"false_positive_rate": "false positives", "sensitivity": "sensitivity", "auc": "AUC"}
    sentences = {}
    for verdict in ("better", "worse", "unclear"):
        parts = []
        for measure, name in names.items():
            groups = [
                f"{_where(change.group)}{_auc_change(change)}"
                for change in changes
                if (change.measure, change.verdict) == (measure, verdict)
                and (change.group, measure) != (ADULTS, "sensitivity")  # nearly the same films as the test set's
            ]
            if groups:
                parts.append(f"{name} {', '.join(groups)}")
        sentences[verdict] = "; ".join(parts)
    return sentences


def _auc_change(change: Change) -> str:
    """Return an AUC before and after, which no chart shows; "" for the measures that one does."""
    return f" ({decimal(change.before.value)} to {decimal(change.after.value)})" if change.measure == "auc" else ""


# --- The end: what would make it trustworthy -----------------------------------------------------------


def both_classes(films: pd.DataFrame) -> str:
    """Return how many sources of the films (columns source, covid) contain both classes."""
    classes = films.groupby("source")["covid"].nunique()
    return f"{int((classes == 2).sum())} of the {len(classes)} training sources contain both classes."


def holds_elsewhere(areas: Mapping[str, Estimate]) -> str:
    """Return the AUC in other hospitals, with intervals; "" where none is known."""
    known = {name: area for name, area in areas.items() if area and name not in (TEST, ADULTS, MORE)}
    parts = [
        f"{decimal(area.value)} {_where(name)}"
        + (f" (95 % CI {interval(area, decimal)})" if area.low is not None else "")
        for name, area in known.items()
    ]
    return f"AUC {' and '.join(parts)}." if parts else ""


def adults_today(changes: Sequence[Change]) -> str:
    """Return how many of the test set's adults without COVID-19 the later network calls positive; "" if unknown."""
    alarms = _change(changes, ADULTS, "false_positive_rate")
    return f"{counted(alarms.after)} of {WHOSE[ADULTS]} without COVID-19 are called positive." if alarms else ""


def calibration_today(part: Mapping[str, Any]) -> str:
    """Return the calibration error of a part of a calibration record."""
    return f"expected calibration error on adults {decimal(part['before']['ece'])} (0 is best)."


WOULD_HELP = {  # what would make a network trustworthy, and why
    "Both classes from the same hospitals": "Otherwise the hospital gives the answer away.",
    "Patients who resemble each other": "Adults with COVID-19 against adults with other illnesses, not children.",
    "Hospitals it has never seen": "Tested there once, by people who did not train it.",
    "Scores that come from the lungs": "Erase the lungs, and the score must fall.",
    "Scores that mean what they say": "Of the X-rays that score 0.8, eight in ten should be COVID-19.",
    "A trial with patients": "Do doctors decide better with it? That has not been tested here.",
}

# --- Further checks: one sentence each, from the figures of its record ---

Record = Mapping[str, Any]

ADULTS_SPLIT = "adults"  # the part whose calibration is drawn: scores mean least where age no longer helps
CONFIDENT = 0.9  # scores from here on count as confident


def heatmap_location(record: Record) -> str:
    """Return how much of what raises the score is inside the lungs, compared with a uniform map."""
    energy, pointing = record["energy_in_lungs"], record["pointing_game"]
    inside, chance = energy["value"].get("value"), energy["floor"].get("value")
    if inside is None:
        return "No heatmap of these X-rays marks anything that raises the score, so there is nothing to locate."
    gain = energy["above_floor"]
    if gain.get("low") is not None and gain["low"] > 0:
        comparison = "more than"
    elif gain.get("high") is not None and gain["high"] < 0:
        comparison = "less than"
    else:
        comparison = "not clearly different from"
    hits = pointing["value"]
    by_chance = round(pointing["chance"]["value"] * hits["total"])
    return (
        f"{percent(inside)} of what raises the score is inside the lungs, {comparison} the {percent(chance)} of a "
        f"uniform map. The strongest point is in a lung in {hits['count']} of {hits['total']} X-rays; a random point "
        f"would be in {by_chance}."
    )


def faithfulness(record: Record) -> str:
    """Return whether blurring what the heatmap marks moves the score more than blurring in random order."""
    curves = record["curves"]
    if not curves.get("deletion"):
        return "None of these X-rays is called positive, so there is no score to lower."
    faster = {}
    for kind in ("deletion", "insertion"):
        gain = curves[kind]["gain_over_random"]
        faster[kind] = gain.get("low") is not None and gain["low"] > 0
    falls = "faster" if faster["deletion"] else "no faster"
    returns = "brings it back faster" if faster["insertion"] else "brings it back no faster"
    joined = "and" if faster["deletion"] == faster["insertion"] else "but"
    return (
        f"On {curves['films']} X-rays called positive, blurring the most strongly marked areas first lowers the score "
        f"{falls} than blurring in random order, {joined} restoring them first {returns}."
    )


def calibration(record: Record, split: str) -> str:
    """Return how often confident scores are right, and whether temperature scaling helps."""
    part = record["splits"][split]
    bins = [entry for entry in part["before"]["bins"] if entry["films"] and entry["low"] >= CONFIDENT - 1e-9]
    films = sum(entry["films"] for entry in bins)
    confident = ""
    if films:
        covid = sum(entry["films"] * entry["covid"] for entry in bins) / films
        subject = "adult X-rays" if split == ADULTS_SPLIT else "X-rays"
        confident = f"Of {films:,} {subject} that scored above {CONFIDENT}, {percent(covid)} are COVID-19. "
    before, after = part["before"]["ece"], part["after"]["ece"]
    helps = "helps" if part["helps"] else "does not clearly help"
    return (
        f"{confident}Dividing the logit by a temperature of {record['temperature']:.2f} {helps}: the expected "
        f"calibration error goes from {decimal(before)} to {decimal(after)} (0 is best)."
    )


def ood_detection(record: Record) -> str:
    """Return how many images the out-of-distribution check flags, compared with its targets, by source."""
    target = record["wanted"]
    every, kinds = record["every_other"], record["other"]
    worst = min(kinds, key=lambda kind: kinds[kind]["flagged"]["value"])
    least = kinds[worst]["flagged"]["value"]
    weakest = f", {percent(least)} on {worst}, where it is weakest" if least < 1 else ""
    sources = flagged_by_source(record)
    count, total = (sum(numbers) for numbers in zip(*sources.values(), strict=True))
    above = {source: flags for source, flags in sources.items() if flags[0] > target["genuine"] * flags[1]}
    reached = every["value"] >= target["other"]
    missed = " and ".join(
        f"{config.SOURCE_TITLES.get(source, source)} ({part:,} of {whole:,})" for source, (part, whole) in above.items()
    )
    return (
        f"Of images that are not upright chest X-rays, it flags {every['count']:,} of {every['total']:,}{weakest}. The "
        f"target, at least {percent(target['other'])}, is {'met' if reached else 'missed'}. Of real X-rays that no "
        f"network was trained on, it flags {count:,} of {total:,}. The target, at most {percent(target['genuine'])} of "
        f"each source, is {f'missed on {missed}' if above else 'met'}."
    )


def flagged_by_source(record: Record) -> dict[str, tuple[int, int]]:
    """Return how many of each source's reported films, all of them chest X-rays, are flagged, and how many there are.

    A split with several sources has a part for all of them first, whose source is None.
    """
    counts: dict[str, tuple[int, int]] = {}
    for part in record["genuine"]:
        source, flagged = part["source"], part["flagged"]
        if source is not None:
            before = counts.get(source, (0, 0))
            counts[source] = (before[0] + flagged["count"], before[1] + flagged["total"])
    return counts


def flagged_test_films(record: Record) -> Record:
    """Return how many of the test films, all of them chest X-rays, the out-of-distribution check flags."""
    return next(part["flagged"] for part in record["genuine"] if part["split"] == "test")  # all sources come first


def robustness(record: Record) -> str:
    """Return how far a score moves under changes that should not matter."""
    every = record["figures"]["all"]["every film"]
    changed = every["any_verdict_changes"]
    sentence = (
        "Each X-ray was copied with small changes in rotation, position, contrast and compression. The scores of its "
        f"copies span {decimal(every['width']['median'])} for the median X-ray, and "
        f"{decimal(every['width']['ninth_decile'])} or more for one in ten; {changed['count']} of "
        f"{changed['total']} X-rays change verdict in at least one copy."
    )
    if small := record.get("small"):
        held, changes = small["films_within"], small["changes"]
        sentence += (
            f" Of copies changed less than a reader would notice (at most {changes['rotation']:g}° and "
            f"{100 * changes['shift']:g} % of the width, JPEG quality {changes['jpeg']} or better), "
            f"{percent(small['copies_within'])} score within ±{small['within']} of the X-ray itself; for "
            f"{held['count']} of {held['total']} X-rays, all {small['copies']} copies do."
        )
    return sentence


def severity(record: Record, rating: str) -> str:
    """Return whether a higher score means more disease. `rating`: a key of the record's "spearman"."""
    correlation = record["spearman"][rating]
    value, low, high = correlation.get("value"), correlation.get("low"), correlation.get("high")
    if value is None:
        return "All ratings or all scores are equal, so there is no correlation to compute."
    if low is not None and low > 0:
        relation = "rises with"
    elif high is not None and high < 0:
        relation = "falls with"
    else:
        relation = "does not follow"
    interval = f" (95 % CI {_two_places(low)} to {_two_places(high)})" if low is not None and high is not None else ""
    return (
        f"The score {relation} how opaque experts rated the lungs: rank correlation {_two_places(value)}{interval}. "
        f"{record['in_splits_trained_on']} of the {record['films']} rated X-rays are in splits that the network was "
        "trained on."
    )


def _two_places(value: float) -> str:
    """Return a number to two places, with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")
