"""Headlines, sentences and tables of the Results page: what a network makes of a set of films, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.app.text import prediction as prediction_text
from covid_model.config import split_title
from covid_model.evaluation import Bin, Costs, Estimate, Part, PredictiveValues
from covid_model.evaluation.predictive_values import PER
from covid_model.evaluation.threshold_sweep import ScoredSplit, ThresholdResult
from covid_model.formatting import (
    AREAS,
    MEASURES,
    counted,
    decimal,
    in_sentence,
    interval,
    intervals,
    percent,
    score_text,
)

BASELINE = "Majority-class baseline (always negative)"
ADULTS_OF = {"test": "the test set's adults", "extra-test": "the adults-only set"}  # one name for each, on every page
CARDS = {  # labels of the headline's figures
    "adults": "False positives: {}",
    "sensitivity": "Sensitivity",
    "accuracy": "Accuracy",
    "always_no": BASELINE,
}


@dataclass(frozen=True)
class Card:
    """A figure of the headline: its label, the figure in large and small print, its interval, a help text."""

    label: str
    large: str
    small: str | None
    interval: str | None
    help: str
    alarm: bool = False


# --- Notes of the page ---

CALIBRATION_NOTE = (
    "Each point is a bin of scores 0.1 wide; larger points hold more X-rays, and bars are 95 % confidence intervals. "
    "Both errors are 0 at best. How often a score is correct depends on the prevalence: on another set, the points "
    "move."
)


# --- Headline ---------------------------------------------------------------------------------------


def adults_of(split: str) -> str:
    """Return the name of a split's adults."""
    return ADULTS_OF.get(split, "adults")


def cards(result: ThresholdResult, split: str) -> list[Card]:
    """Return the figures to read together: false positives among adults, sensitivity, accuracy, its baseline."""
    figures = []
    for name, estimate, definition, alarm in (
        ("adults", result.adults, "Adults without COVID-19 called positive.", True),
        ("sensitivity", result.rates["sensitivity"], "COVID-19 X-rays called positive at this threshold.", False),
    ):
        if estimate:
            share, limits = percent(estimate.value), _confidence(interval(estimate))
            figures.append(
                Card(
                    CARDS[name].format(adults_of(split)),
                    counted(estimate),
                    share,
                    limits,
                    definition,
                    alarm and estimate.count > 0,
                )
            )
    for name, estimate, definition in (
        ("accuracy", result.rates["accuracy"], "X-rays classified correctly at this threshold."),
        ("always_no", result.scored.baseline["accuracy"], "The accuracy of calling every X-ray negative."),
    ):
        limits = _confidence(interval(estimate))
        figures.append(Card(CARDS[name], percent(estimate.value), counted(estimate), limits, definition))
    return figures


def _confidence(limits: str) -> str:
    return f"95 % CI {limits}"


def adults_note(result: ThresholdResult, split: str) -> tuple[str, str] | None:
    """Return title and text on what the accuracy hides; None without adults or without children of no COVID-19."""
    other = result.matrix.other
    if not result.adults or result.adults.total == other:
        return None
    children = f"{percent((other - result.adults.total) / other)} of the non-COVID X-rays here"
    title = f"{counted(result.adults)} of {adults_of(split)} without COVID-19 are called positive"
    if not result.adults.count:
        none = "" if result.matrix.tp else "But at this threshold no X-ray at all is called positive, COVID-19 or not. "
        return title, f"{none}This is a weak test: {children} show children, who are easy to tell from adults."
    accuracy, floor = (rates["accuracy"].value for rates in (result.rates, result.scored.baseline))
    hidden = f"An accuracy of {percent(accuracy)} hides this: " if accuracy >= floor else ""
    return title, (
        f"{hidden}{children} show children aged 1 to 5, while all COVID-19 X-rays are of adults. A network that only "
        "tells adults from children scores well here."
    )


def more_adults(adult_test_set: ScoredSplit | None, threshold: float, trained_on: Collection[str]) -> str | None:
    """Return how many adults without COVID-19 of `extra-test` are called positive; None where none is scored.

    `trained_on`: the sources of the network's training X-rays.
    """
    estimate = evaluation.share_at(adult_test_set.sweeps["adults"], threshold) if adult_test_set else None
    if not estimate:
        return None
    films = adult_test_set.films
    positives = f"{counted(estimate)} positive ({percent(estimate.value)})"
    known = same_sources(films[films["covid"] == 0], trained_on)
    sentence = f"Of the adults without COVID-19 in {ADULTS_OF['extra-test']}, it calls {positives}."
    return f"{sentence} {known}" if known else sentence


def same_sources(films: pd.DataFrame, trained_on: Collection[str]) -> str | None:
    """Return how many of the films (column source) are from sources that a network was trained on; None for none."""
    known = int(films["source"].isin(trained_on).sum())
    if not known:
        return None
    share = "All of them" if known == len(films) else f"{known:,} of the {len(films):,}"
    return f"{share} come from sources whose other X-rays this model was trained on, which makes them easier."


def accuracies(results: Sequence[ThresholdResult]) -> str | None:
    """Return how the published accuracy and those of the networks here fit together; None without any."""
    if not results:
        return None
    here = {f"*{prediction_text.plain(in_sentence(result.title))}*": result.rates["accuracy"] for result in results}
    listed = _joined([f"{percent(accuracy.value)} for {title}" for title, accuracy in here.items()])
    within = [
        title
        for title, accuracy in here.items()
        if accuracy.low is not None and accuracy.low <= config.PAPER_ACCURACY <= accuracy.high
    ]
    agrees = ""
    if within:
        numbers = ("CI", "includes") if len(within) == 1 else ("CIs", "include")
        agrees = f"; the 95 % {numbers[0]} of {_joined(within)} {numbers[1]} the published figure"
    return (
        f"The paper reports an accuracy of {100 * config.PAPER_ACCURACY:.0f} %. Here, on a test set of the same size "
        f"from the same sources, it is {listed}{agrees}."
    )


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if parts[:-1] else "") + parts[-1]


# --- Two networks -----------------------------------------------------------------------------------


def network_comparison(first: ThresholdResult, second: ThresholdResult) -> str:
    """Return which network is better at what, with figures, and why neither is simply better, as Markdown."""
    fewer_alarms = _leader(first.adults, second.adults, fewer=True)
    higher_sensitivity = _leader(first.rates["sensitivity"], second.rates["sensitivity"], fewer=False)
    results = first, second
    names = [f"**{prediction_text.plain(in_sentence(result.title))}**" for result in results]
    parts = []
    for leader, better, equal, estimates in (
        (
            fewer_alarms,
            "calls fewer adults without COVID-19 positive",
            "both call the same number of adults without COVID-19 positive",
            [result.adults for result in results],
        ),
        (
            higher_sensitivity,
            "detects more COVID-19 X-rays",
            "both detect the same number of COVID-19 X-rays",
            [result.rates["sensitivity"] for result in results],
        ),
    ):
        if leader is None:
            continue
        if leader == 2:
            parts.append(f"{equal} ({counted(estimates[0])} and {counted(estimates[1])})")
        else:
            figures = f"{counted(estimates[leader])} versus {counted(estimates[1 - leader])}"
            parts.append(f"{names[leader]} {better} ({figures})")
    if not parts:
        return "The networks cannot be compared on these X-rays: that takes COVID-19 X-rays or adults without COVID-19."
    leaders = {leader for leader in (fewer_alarms, higher_sensitivity) if leader in (0, 1)}
    if len(leaders) == 2:
        why = (
            "each pays for its advantage with the other kind of error, and which error is worse is for people to decide"
        )
    elif leaders:
        why = "this holds for these X-rays and this threshold, and can change with either"
    else:
        why = "move the threshold or choose another set to see them differ"
    return f"At {first.threshold:.2f}, {'; '.join(parts)}. Neither is simply better: {why}."


def _leader(first: Estimate, second: Estimate, fewer: bool) -> int | None:
    """Return whose share is better, 0 or 1; 2 where they are equal, None where one cannot be computed."""
    if not first or not second:
        return None
    if first.value == second.value:
        return 2
    return int((first.value > second.value) == fewer)


# --- All measures -----------------------------------------------------------------------------------


def measures(networks: Sequence[ThresholdResult], floor: Mapping[str, Estimate], with_paper: bool) -> pd.DataFrame:
    """Tabulate the measures as Markdown: a column per network, the baseline, and what the paper reports."""
    rows = []
    for name, (title, meaning) in MEASURES.items():
        number = decimal if name in AREAS else percent
        row = {"": f"**{title}**  \n:small[{meaning}]"}
        for result in networks:
            row[f"Ours: {prediction_text.plain(result.short_title)}"] = with_interval(result.rates[name], number)
        row["Always negative"] = number(floor[name].value)
        if with_paper:
            row["As published"] = f"**{percent(config.PAPER_ACCURACY)}**" if name == "accuracy" else "–"
        rows.append(row)
    return pd.DataFrame(rows).set_index("")


def with_interval(estimate: Estimate, number: Callable[[float | None], str] = percent) -> str:
    """Return a figure with its interval below, as Markdown of a table cell."""
    limits = interval(estimate, number)
    return f"**{number(estimate.value)}**" + (f"  \n:small[{limits}]" if limits else "")


def intervals_note(by_patient: bool, with_paper: bool = False) -> str:
    """Return the note below figures with intervals, as Markdown."""
    text = intervals(by_patient, evaluation.DRAWS)
    if with_paper:
        films, covid = config.PAPER_TEST
        text += (
            f" The paper, [{config.PAPER_TITLE}](https://doi.org/{config.PAPER_DOI}), reports this accuracy in its "
            f"abstract, on {films:,} test X-rays, {covid} of them COVID-19; always answering negative "
            f"is correct for {percent((films - covid) / films)} of them."
        )
    return text


# --- Source by source -------------------------------------------------------------------------------


def sources_heading(parts: Sequence[Part]) -> str:
    """Return the range of the AUC within single sources, on films that no network was trained on."""
    unseen = [part for part in parts if part.source and part.split not in config.TRAINING_SPLITS and part.auc]
    if not unseen:
        return "No source here has both classes"
    low, high = (choose(unseen, key=lambda part: part.auc.value) for choose in (min, max))
    if low is high:
        return f"Within one source, {_place(low)}, the AUC is {decimal(low.auc.value)}"
    return (
        f"Within one source, the AUC ranges from {decimal(low.auc.value)} ({_place(low)}) to "
        f"{decimal(high.auc.value)} ({_place(high)})"
    )


def _place(part: Part) -> str:
    return prediction_text.plain(f"{prediction_text.source_title(part.source)}, {split_title(part.split)}")


def sources(parts: Sequence[Part], threshold: float) -> pd.DataFrame:
    """Tabulate splits and sources as Markdown: X-rays, sensitivity, specificity and AUC with intervals."""
    rows = []
    for part in parts:
        sensitivity = evaluation.share_at(part.covid, threshold)
        specificity = evaluation.inverse(evaluation.share_at(part.other, threshold))
        source = "All sources"
        if part.source is not None:
            source = prediction_text.plain(prediction_text.source_title(part.source))
        patients = "" if part.patients is None else f", {part.patients:,} patients"
        rows.append(
            {
                "X-rays": f"**{split_title(part.split)}: {source}**  \n:small[{part.films:,} X-rays, "
                f"{int(part.covid.total[0]):,} COVID-19{patients}]",
                "Sensitivity": with_interval(sensitivity),
                "Specificity": with_interval(specificity),
                "AUC": with_interval(part.auc, decimal),
            }
        )
    return pd.DataFrame(rows)


SOURCES_NOTE = (
    "An AUC of 0.5 is chance, and it takes both classes to compute one. Figures over all sources of a split are too "
    "optimistic when the sources differ in their share of COVID-19: telling the sources apart is then half the answer. "
    "Trust the rows of a single source, on X-rays that the network was not trained on."
)


# --- In practice: prevalence and cost ---------------------------------------------------------------

HUNDRED = 100  # positives that headings count


def prevalence_label(prevalence: float) -> str:
    """Return a prevalence in [0, 1] as "2 %" or "0.5 %"."""
    return f"{100 * prevalence:.3g} %"


def ppv_heading(values: Mapping[str, PredictiveValues], own: Mapping[str, Estimate]) -> str:
    """Return how many of 100 positives would be correct.

    Args:
        values: by network title, at one prevalence.
        own: by network title, the PPV among the scored films themselves.
    """
    prevalence = next(iter(values.values())).prevalence[0]
    ppv = {title: value.ppv.value[0] for title, value in values.items()}
    known = {title: value for title, value in ppv.items() if not np.isnan(value)}
    where = f"At a prevalence of {prevalence_label(prevalence)}"
    if not known:
        return f"{where}, the PPV cannot be computed: no X-ray is called positive here, or one class is missing"
    if len(known) == 1:
        title, value = next(iter(known.items()))
        among = f"; among these X-rays it is {HUNDRED * own[title].value:.0f}" if own.get(title) else ""
        return f"{where}, {HUNDRED * value:.0f} of {HUNDRED} positives would be correct{among}"
    counts = " or ".join(f"{HUNDRED * value:.0f} ({prediction_text.plain(title)})" for title, value in known.items())
    return f"{where}, {counts} of {HUNDRED} positives would be correct"


def per_thousand(sensitivity: Estimate, specificity: Estimate, prevalence: float) -> str:
    """Return what would happen to PER people, in whole numbers."""
    if not sensitivity or not specificity:
        return "One class is missing here, so this cannot be computed."
    counts = evaluation.frequencies(sensitivity.value, specificity.value, prevalence)
    return (
        f"Of {PER:,} people X-rayed, {counts.covid:,} would have COVID-19: {counts.true_positives:,} called positive, "
        f"{counts.false_negatives:,} missed. Of the other {PER - counts.covid:,}, {counts.false_positives:,} would be "
        f"false positives. That makes {counts.positive:,} positives, {counts.true_positives:,} of them correct."
    )


def adults_alone(everyone: PredictiveValues, adults: PredictiveValues) -> str | None:
    """Return the PPV at the false-positive rate of adults alone; None where it is not known."""
    overall, alone = everyone.ppv.value[0], adults.ppv.value[0]
    if np.isnan(overall) or np.isnan(alone):
        return None
    text = f"With the false-positive rate of the **adults** here, {HUNDRED * alone:.0f} of {HUNDRED} positives"
    if alone >= overall:
        return f"{text} would be correct."
    return (
        f"{text} would be correct, not {HUNDRED * overall:.0f}: the children among these X-rays are rarely called "
        "positive."
    )


def cost_heading(costs: Mapping[str, Costs], weighs: str) -> str:
    """Return the cheapest threshold and its cost, beside the default threshold's.

    Args:
        costs: by network title.
        weighs: what a false negative costs, as "2 false positives".
    """
    parts = []
    for title, network in costs.items():
        best, usual = PER * cost_at(network, network.best.value), PER * cost_at(network, config.THRESHOLD)
        whose = f" for {prediction_text.plain(title)}" if len(costs) > 1 else ""
        versus = "" if network.best.value == config.THRESHOLD else f" versus {usual:.1f} at {config.THRESHOLD:.2f}"
        parts.append(f"{network.best.value:.2f} is the cheapest threshold{whose}: {best:.1f}{versus}")
    return f"If a false negative costs as much as {weighs}, {'; '.join(parts)}"


def cost_at(costs: Costs, threshold: float) -> float:
    """Return the cost per film at the nearest threshold."""
    return float(costs.cost.value[np.abs(costs.thresholds - threshold).argmin()])


def cost_table(costs: Mapping[str, Costs], marks: Mapping[str, float]) -> pd.DataFrame:
    """Tabulate, per threshold and network, the cost of PER films, its interval and both errors, as Markdown.

    Args:
        costs: by network title.
        marks: thresholds to show beside the cheapest, by label.
    """
    rows: dict[str, dict[str, str]] = {}
    for title, network in costs.items():
        column = f"Cost, {prediction_text.plain(title)}"
        best = f"**Cheapest**  \n:small[{_best(costs)}]"
        for label, at in {best: network.best.value, **{_mark(label, at): at for label, at in marks.items()}}.items():
            index = int(np.abs(network.thresholds - at).argmin())
            low, high = network.cost.low[index], network.cost.high[index]
            limits = "" if np.isnan(low) else f"95 % CI {PER * low:.1f} to {PER * high:.1f}; "
            errors = (
                f"{PER * network.false_negatives[index]:.1f} false negatives, "
                f"{PER * network.false_positives[index]:.1f} false positives"
            )
            rows.setdefault(label, {})[column] = (
                f"**{PER * network.cost.value[index]:.1f}**  \n:small[{limits}{errors}]"
            )
        for label, cost in (("Always negative", network.always_negative), ("Always positive", network.always_positive)):
            rows.setdefault(f"**{label}**", {})[column] = f"**{PER * cost:.1f}**"
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "Threshold"
    return table


def _mark(label: str, at: float) -> str:
    return f"**{at:.2f}**  \n:small[{label}]"


def _best(costs: Mapping[str, Costs]) -> str:
    """Return the cheapest thresholds with their intervals."""
    return "; ".join(
        f"{network.best.value:.2f}"
        + ("" if network.best.low is None else f" ({network.best.low:.2f} to {network.best.high:.2f})")
        for network in costs.values()
    )


COST_NOTE = (
    f"Costs are per {PER:,} X-rays at the prevalence set above, in units of one false positive. The cheapest threshold "
    "was chosen on the X-rays that it is judged on, so its cost is too optimistic; for real use, choose it on "
    "held-out X-rays. A network is worth using if it costs less than both always negative and always positive."
)


# --- Calibration ------------------------------------------------------------------------------------


def calibration_heading(networks: Mapping[str, Sequence[Bin]]) -> str:
    """Return the mean of the highest scores and the share of those films that are COVID-19."""
    parts = []
    for title, bins in networks.items():
        known = [group for group in bins if group.films]
        if known:
            top = known[-1]
            whose = f" ({prediction_text.plain(title)})" if len(networks) > 1 else ""
            parts.append(
                f"{top.films:,} {'X-ray scores' if top.films == 1 else 'X-rays score'} above {top.low:.1f}, "
                f"{score_text(top.score)} on average, and {percent(top.covid.value)} of them are COVID-19{whose}"
            )
    return "; ".join(parts) or "No X-rays"


Record = Mapping[str, Any]  # of experiments.calibration


def calibration_part(record: Record | None, split: str, films: int, covid: int) -> Record | None:
    """Return the part of a calibration record on a split; None where it has none or used other films."""
    part = (record or {}).get("splits", {}).get(split)
    return part if part and (part["films"], part["covid"]) == (films, covid) else None


def calibration_table(
    title: str, bins: Sequence[Bin], brier: float | None, temperature: float | None, part: Record | None
) -> pd.DataFrame:
    """Tabulate a network's ECE and Brier score, and the same after temperature scaling where `part` records it."""
    measured = {
        "**ECE**  \n:small[expected calibration error: mean distance from the diagonal]": (
            evaluation.calibration_error(list(bins)),
            "ece",
        ),
        "**Brier score**  \n:small[mean squared difference of score and ground truth]": (brier, "brier"),
    }
    rows = {}
    for label, (value, key) in measured.items():
        rows[label] = {f"{prediction_text.plain(title)}": decimal(value)}
        if part:
            rows[label][f"At temperature {temperature:.2f}"] = decimal(part["after"][key])
    return pd.DataFrame.from_dict(rows, orient="index")


def temperature_note(record: Record, part: Record) -> str:
    """Return what the temperature is and whether it helps on these films."""
    fitted = record["fitted_on"]
    helps = (
        "Here it helps: the cross-entropy falls, and the whole interval of the change is below 0."
        if part["helps"]
        else "Here it does not clearly help: the interval of the change in cross-entropy includes 0."
    )
    return (
        f"One number, the temperature of {record['temperature']:.2f}, divides every logit. It was fitted on "
        f"{fitted['films']:,} validation X-rays, {fitted['covid']:,} of them COVID-19. {helps}"
    )


NO_TEMPERATURE = (
    "There is no record of temperature scaling (one number fitted on validation X-rays) for these X-rays and weights. "
    "To measure it, on X-rays that were not used for training, run "
    "`python -m covid_model audit --only calibration`."
)
