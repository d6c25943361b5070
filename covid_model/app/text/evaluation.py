"""What a network makes of a set of films: figures with intervals, and the headline's words. No streamlit in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.app.text import prediction as prediction_text
from covid_model.config import split_title
from covid_model.evaluation import Bin, Costs, Estimate, Part, PredictiveValues
from covid_model.evaluation.predictive_values import PER
from covid_model.evaluation.scored_split import ScoredSplit, ThresholdResult
from covid_model.formatting import AREAS, MEASURES, counted, decimal, interval, intervals, percent, score_text

CARDS = {  # the headline's figures and their labels
    "adults": "Adults’ false alarms",
    "sensitivity": "COVID-19 films called positive",
    "accuracy": "Accuracy",
    "always_no": "Accuracy of always “no”",
}


@dataclass(frozen=True)
class Card:
    """A figure of the headline: what it is, itself, what stands below it."""

    label: str
    large: str
    small: str | None
    interval: str | None
    help: str
    alarm: bool = False


# --- Words ------------------------------------------------------------------------------------------


def cards(of: ThresholdResult) -> list[Card]:
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
        ("always_no", of.scored.baseline["accuracy"], "What anyone gets who calls every film negative."),
    ):
        about = f"95 %: {interval(estimate)}"
        found.append(Card(CARDS[name], percent(estimate.value), counted(estimate), about, asks))
    return found


def adults_note(of: ThresholdResult) -> tuple[str, str] | None:
    """Title and text on what the accuracy hides; None where there are no adults without COVID-19, or no children."""
    other = of.matrix.other
    if not of.adults or of.adults.total == other:
        return None
    children = f"{percent((other - of.adults.total) / other)} of the films without COVID-19 here"
    title = f"{counted(of.adults)} adults without COVID-19 are called positive"
    if not of.adults.count:
        none = "" if of.matrix.tp else "No film at all is called positive here, nor is any COVID-19 film found. "
        return title, f"{none}Few films here put it to the test: {children} are of children, easily told from adults."
    accuracy, floor = (one["accuracy"].value for one in (of.rates, of.scored.baseline))
    hidden = f"An accuracy of {percent(accuracy)} hides it: " if accuracy >= floor else ""
    return title, (
        f"{hidden}{children} are of children of 1 to 5 years, and all COVID-19 films are adults'. A network that only "
        "tells adults from children scores well here."
    )


def more_adults(elsewhere: ScoredSplit | None, threshold: float) -> str | None:
    """What a network calls the adults without COVID-19 of `extra-test`, in a sentence; None where none is scored."""
    found = evaluation.share_at(elsewhere.sweeps["adults"], threshold) if elsewhere else None
    if not found:
        return None
    called = f"{counted(found)} positive ({percent(found.value)})"
    return f"Of the adults without COVID-19 in the set “{config.SPLIT_TITLES['extra-test']}” it calls {called}."


# --- What the parts of the Test set page say: headings that state the finding, sentences, tables. No streamlit in here

# --- Two networks -----------------------------------------------------------------------------------


def network_comparison(one: ThresholdResult, two: ThresholdResult) -> str:
    """Which network is better at what, in a sentence with its figures, and why neither is simply better. Markdown."""
    alarms = _leader(one.adults, two.adults, fewer=True)
    found = _leader(one.rates["sensitivity"], two.rates["sensitivity"], fewer=False)
    both, names = (one, two), [f"**{prediction_text.plain(of.title)}**" for of in (one, two)]
    parts = []
    for leader, verb, what, of in (
        (alarms, "calls fewer", "adults without COVID-19 positive", [each.adults for each in both]),
        (found, "finds more", "COVID-19 films", [each.rates["sensitivity"] for each in both]),
    ):
        if leader is None:
            continue
        if leader == 2:
            same = f"call as many {what}" if verb == "calls fewer" else f"find as many {what}"
            parts.append(f"both {same} ({counted(of[0])} and {counted(of[1])})")
        else:
            parts.append(f"{names[leader]} {verb} {what} ({counted(of[leader])} against {counted(of[1 - leader])})")
    if not parts:
        return "These films cannot tell the two networks apart: it takes COVID-19 films, or adults without COVID-19."
    said = f"At {one.threshold:.2f}, {'; '.join(parts)}."
    leaders = {leader for leader in (alarms, found) if leader in (0, 1)}
    if len(leaders) == 2:
        why = "what one gains in the one, it pays for in the other, and which error weighs more is for people to say"
    elif leaders:
        why = "that holds for these films and this threshold, and can turn with either"
    else:
        why = "move the threshold, or take other films, to see them part"
    return f"{said} Neither is simply better: {why}."


def _leader(one: Estimate, two: Estimate, fewer: bool) -> int | None:
    """Whose share is better, 0 or 1; 2 where they are equal, None where one of them cannot be computed."""
    if not one or not two:
        return None
    if one.value == two.value:
        return 2
    return int((one.value > two.value) == fewer)


# --- All measures -----------------------------------------------------------------------------------


def measures(networks: Sequence[ThresholdResult], floor: Mapping[str, Estimate], with_paper: bool) -> pd.DataFrame:
    """A row a measure, as Markdown: a column a network, then the floor, then what the paper reports."""
    rows = []
    for name, (title, meaning) in MEASURES.items():
        number = decimal if name in AREAS else percent
        row = {"": f"**{title}**  \n:small[{meaning}]"}
        for of in networks:
            row[f"Ours: {prediction_text.plain(of.title)}"] = with_interval(of.rates[name], number)
        row["Always “no”"] = number(floor[name].value)
        if with_paper:
            row["As published"] = f"**{percent(config.PAPER_ACCURACY)}**" if name == "accuracy" else "–"
        rows.append(row)
    return pd.DataFrame(rows).set_index("")


def with_interval(estimate: Estimate, number: Callable[[float | None], str] = percent) -> str:
    """A figure, and below it its interval, as Markdown of a table's cell."""
    about = interval(estimate, number)
    return f"**{number(estimate.value)}**" + (f"  \n:small[{about}]" if about else "")


def intervals_note(by_patient: bool, with_paper: bool = False) -> str:
    """What stands below figures with intervals, as Markdown."""
    said = intervals(by_patient, evaluation.DRAWS)
    if with_paper:
        films, covid = config.PAPER_TEST
        said += (
            f" The paper, [{config.PAPER_TITLE}](https://doi.org/{config.PAPER_DOI}), gives this accuracy in its "
            f"abstract, for {films:,} test films with {covid} of COVID-19: always “no” would score "
            f"{percent((films - covid) / films)} on them."
        )
    return said


# --- Source by source -------------------------------------------------------------------------------


def sources_heading(parts: Sequence[Part]) -> str:
    """From where to where the AUC runs within one source, of films that no network was trained on."""
    unseen = [one for one in parts if one.source and one.split not in config.TRAINING_SPLITS and one.auc]
    if not unseen:
        return "No source here has both kinds of films"
    low, high = (choose(unseen, key=lambda one: one.auc.value) for choose in (min, max))
    if low is high:
        return f"Within one source, {_place(low)}, the AUC is {decimal(low.auc.value)}"
    return (
        f"Within one source the AUC runs from {decimal(low.auc.value)} ({_place(low)}) to {decimal(high.auc.value)} "
        f"({_place(high)})"
    )


def _place(part: Part) -> str:
    return prediction_text.plain(f"{prediction_text.source_title(part.source)}, {split_title(part.split)}")


def sources(parts: Sequence[Part], threshold: float) -> pd.DataFrame:
    """A row a split and source: films, sensitivity, specificity, AUC with intervals, as Markdown."""
    rows = []
    for one in parts:
        sensitivity = evaluation.share_at(one.covid, threshold)
        specificity = evaluation.inverse(evaluation.share_at(one.other, threshold))
        source = (
            "All sources" if one.source is None else prediction_text.plain(prediction_text.source_title(one.source))
        )
        people = "" if one.patients is None else f", {one.patients:,} patients"
        rows.append(
            {
                "Films": f"**{split_title(one.split)}: {source}**  \n:small[{one.films:,} films, "
                f"{int(one.covid.total[0]):,} of COVID-19{people}]",
                "Sensitivity": with_interval(sensitivity),
                "Specificity": with_interval(specificity),
                "AUC": with_interval(one.auc, decimal),
            }
        )
    return pd.DataFrame(rows)


SOURCES_NOTE = (
    "An AUC of 0.5 is guessing; it takes both kinds of films. Figures over all sources of a split flatter whenever "
    "the sources differ in how many COVID-19 films they hold: telling the sources apart is then half the answer. The "
    "rows to trust are those of one source, on films that the network was not trained on."
)


# --- What verdicts are worth in a ward, and what thresholds cost there, in words and tables. No streamlit in here

HUNDRED = 100  # positives that headings tell of


def prevalence_label(of: float) -> str:
    """A prevalence: "2 %", "0.5 %"."""
    return f"{100 * of:.3g} %"


def ppv_heading(wards: Mapping[str, PredictiveValues], own: Mapping[str, Estimate]) -> str:
    """How many of a hundred positives would be right, by network title, and how many are among these films."""
    prevalence = next(iter(wards.values())).prevalence[0]
    values = {title: ward.ppv.value[0] for title, ward in wards.items()}
    known = {title: value for title, value in values.items() if not np.isnan(value)}
    where = f"Where {prevalence_label(prevalence)} have COVID-19"
    if not known:
        return f"{where}, nothing can be said: no film is called positive here, or films of one kind are missing"
    if len(known) == 1:
        (title, value), among = next(iter(known.items())), ""
        if own.get(title):
            among = f"; among these films it is {HUNDRED * own[title].value:.0f}"
        return f"{where}, {HUNDRED * value:.0f} of {HUNDRED} positives would be right{among}"
    said = " or ".join(f"{HUNDRED * value:.0f} ({prediction_text.plain(title)})" for title, value in known.items())
    return f"{where}, {said} of {HUNDRED} positives would be right"


def per_thousand(sensitivity: Estimate, specificity: Estimate, prevalence: float) -> str:
    """What would come of PER people, in whole people."""
    if not sensitivity or not specificity:
        return "Films of one kind are missing here, so nothing can be said."
    of = evaluation.frequencies(sensitivity.value, specificity.value, prevalence)
    return (
        f"Of {PER:,} people filmed, {of.covid:,} would have COVID-19: {of.true_positives:,} called positive, "
        f"{of.false_negatives:,} missed. Of the other {PER - of.covid:,}, {of.false_positives:,} would be false "
        f"alarms. So {of.positive:,} positives, {of.true_positives:,} of them right."
    )


def adults_alone(ward: PredictiveValues, adults: PredictiveValues) -> str | None:
    """What a positive would be worth with the false alarms of adults alone; None where that is not known."""
    all_of, alone = ward.ppv.value[0], adults.ppv.value[0]
    if np.isnan(all_of) or np.isnan(alone):
        return None
    said = f"With false alarms as often as among the **adults** here alone, {HUNDRED * alone:.0f} of {HUNDRED} "
    if alone >= all_of:
        return f"{said}positives would be right."
    return (
        f"{said}positives would be right, not {HUNDRED * all_of:.0f}: the children among these films are seldom called "
        "positive."
    )


# --- What errors cost -------------------------------------------------------------------------------


def cost_heading(costs: Mapping[str, Costs], weighs: str) -> str:
    """Where the cheapest threshold stands, and what the default one costs beside it."""
    parts = []
    for title, of in costs.items():
        best, usual = PER * cost_at(of, of.best.value), PER * cost_at(of, config.THRESHOLD)
        whose = f" for {prediction_text.plain(title)}" if len(costs) > 1 else ""
        against = "" if of.best.value == config.THRESHOLD else f" against {usual:.1f} at {config.THRESHOLD}"
        parts.append(f"{of.best.value:.2f} is the cheapest threshold{whose}: {best:.1f}{against}")
    return f"If a miss costs as much as {weighs}, {'; '.join(parts)}"


def cost_at(costs: Costs, threshold: float) -> float:
    """What a threshold costs a film."""
    return float(costs.cost.value[np.abs(costs.thresholds - threshold).argmin()])


def cost_table(costs: Mapping[str, Costs], marks: Mapping[str, float]) -> pd.DataFrame:
    """A row a threshold, a column a network: cost of PER films, its interval, misses and false alarms. Markdown."""
    rows: dict[str, dict[str, str]] = {}
    for title, of in costs.items():
        column = f"Cost, {prediction_text.plain(title)}"
        best = f"**Cheapest**  \n:small[{_best(costs)}]"
        for label, at in {best: of.best.value, **{_mark(label, at): at for label, at in marks.items()}}.items():
            place = int(np.abs(of.thresholds - at).argmin())
            low, high = of.cost.low[place], of.cost.high[place]
            about = "" if np.isnan(low) else f"95 %: {PER * low:.1f} to {PER * high:.1f}; "
            rows.setdefault(label, {})[column] = (
                f"**{PER * of.cost.value[place]:.1f}**  \n:small[{about}{PER * of.false_negatives[place]:.1f} missed, "
                f"{PER * of.false_positives[place]:.1f} false alarms]"
            )
        for label, cost in (("Always “no”", of.always_negative), ("Always “yes”", of.always_positive)):
            rows.setdefault(f"**{label}**", {})[column] = f"**{PER * cost:.1f}**"
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "Threshold"
    return table


def _mark(label: str, at: float) -> str:
    return f"**{at:.2f}**  \n:small[{label}]"


def _best(costs: Mapping[str, Costs]) -> str:
    """The cheapest thresholds with their intervals."""
    return "; ".join(
        f"{of.best.value:.2f}" + ("" if of.best.low is None else f" ({of.best.low:.2f} to {of.best.high:.2f})")
        for of in costs.values()
    )


COST_NOTE = (
    f"Costs are those of {PER:,} films at the prevalence set above, counted in false alarms. The cheapest threshold "
    "was chosen on the very films that it is judged by, so it flatters itself; one to be used is chosen on films held "
    "out for that. A network is worth using where it costs less than always “no” and always “yes”."
)


# --- Whether scores mean what they say: heading, sentences, a table. No streamlit in here ---


def calibration_heading(networks: Mapping[str, Sequence[Bin]]) -> str:
    """What the highest scores say, and what is true of those films."""
    parts = []
    for title, bins in networks.items():
        known = [one for one in bins if one.films]
        if known:
            top = known[-1]
            whose = f" ({prediction_text.plain(title)})" if len(networks) > 1 else ""
            parts.append(
                f"{top.films:,} {'film scores' if top.films == 1 else 'films score'} above {top.low:.1f}, "
                f"{score_text(top.score)} on average, and "
                f"{percent(top.covid.value)} of them are COVID-19 films{whose}"
            )
    return "; ".join(parts) or "No films"


Record = Mapping[str, Any]  # of audit.calibration


def calibration_part(record: Record | None, split: str, films: int, covid: int) -> Record | None:
    """The part of a calibration record on these films; None where it has none, or was made on other films."""
    part = (record or {}).get("splits", {}).get(split)
    return part if part and (part["films"], part["covid"]) == (films, covid) else None


def calibration_table(
    title: str, bins: Sequence[Bin], brier: float | None, temperature: float | None, part: Record | None
) -> pd.DataFrame:
    """ECE and Brier's score of a network as it is, and after its temperature where there is a record of that."""
    scores = {
        "**ECE**  \n:small[mean distance from the diagonal, by film]": (
            evaluation.calibration_error(list(bins)),
            "ece",
        ),
        "**Brier score**  \n:small[mean square of score less truth]": (brier, "brier"),
    }
    rows = {}
    for label, (now, key) in scores.items():
        rows[label] = {f"{prediction_text.plain(title)}": decimal(now)}
        if part:
            rows[label][f"At temperature {temperature:.2f}"] = decimal(part["after"][key])
    return pd.DataFrame.from_dict(rows, orient="index")


def temperature_note(record: Record, part: Record) -> str:
    """What the temperature is, and whether it helps on these films."""
    fitted = record["fitted_on"]
    helps = (
        "Here it helps: the cross-entropy falls, and its whole interval lies below 0."
        if part["helps"]
        else "Here it does not surely help: the interval of the change in cross-entropy holds 0."
    )
    return (
        f"One number, the temperature {record['temperature']:.2f}, divides every logit. It was fitted on "
        f"{fitted['films']:,} validation films, {fitted['covid']:,} of them COVID-19. {helps}"
    )


NO_TEMPERATURE = (
    "What one number fitted on validation films (a temperature) would change is not recorded for these films and these "
    "weights; `python -m covid_model audit --only calibration` measures it, on films that were not trained on."
)
