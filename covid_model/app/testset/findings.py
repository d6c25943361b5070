"""What the parts of the Test set page say: headings that state the finding, sentences, tables. No streamlit in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from covid_model import evaluation, settings
from covid_model.app import words
from covid_model.app.outcomes import Called, counted, decimal, interval, percent
from covid_model.app.splits import title as split_title
from covid_model.evaluation import Estimate, Part
from covid_model.phrases import AREAS, MEASURES, intervals

# --- Two networks -----------------------------------------------------------------------------------


def compared(one: Called, two: Called) -> str:
    """Which network is better at what, in a sentence with its figures, and why neither is simply better. Markdown."""
    alarms = _leader(one.adults, two.adults, fewer=True)
    found = _leader(one.rates["sensitivity"], two.rates["sensitivity"], fewer=False)
    both, names = (one, two), [f"**{words.plain(of.title)}**" for of in (one, two)]
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


def measures(networks: Sequence[Called], floor: Mapping[str, Estimate], with_paper: bool) -> pd.DataFrame:
    """A row a measure, as Markdown: a column a network, then the floor, then what the paper reports."""
    rows = []
    for name, (title, meaning) in MEASURES.items():
        number = decimal if name in AREAS else percent
        row = {"": f"**{title}**  \n:small[{meaning}]"}
        for of in networks:
            row[f"Ours: {words.plain(of.title)}"] = with_interval(of.rates[name], number)
        row["Always “no”"] = number(floor[name].value)
        if with_paper:
            row["As published"] = f"**{percent(settings.PAPER_ACCURACY)}**" if name == "accuracy" else "–"
        rows.append(row)
    return pd.DataFrame(rows).set_index("")


def with_interval(estimate: Estimate, number: Callable[[float | None], str] = percent) -> str:
    """A figure, and below it its interval, as Markdown of a table's cell."""
    about = interval(estimate, number)
    return f"**{number(estimate.value)}**" + (f"  \n:small[{about}]" if about else "")


def note(by_patient: bool, with_paper: bool = False) -> str:
    """What stands below figures with intervals, as Markdown."""
    said = intervals(by_patient, evaluation.DRAWS)
    if with_paper:
        films, covid = settings.PAPER_TEST
        said += (
            f" The paper, [{settings.PAPER_TITLE}](https://doi.org/{settings.PAPER_DOI}), gives this accuracy in its "
            f"abstract, for {films:,} test films with {covid} of COVID-19: always “no” would score "
            f"{percent((films - covid) / films)} on them."
        )
    return said


# --- Source by source -------------------------------------------------------------------------------


def sources_heading(parts: Sequence[Part]) -> str:
    """From where to where the AUC runs within one source, of films that no network was trained on."""
    unseen = [one for one in parts if one.source and one.split not in settings.TRAINING_SPLITS and one.auc]
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
    return words.plain(f"{words.source(part.source)}, {split_title(part.split)}")


def sources(parts: Sequence[Part], threshold: float) -> pd.DataFrame:
    """A row a split and source: films, sensitivity, specificity, AUC with intervals, as Markdown."""
    rows = []
    for one in parts:
        sensitivity = evaluation.share_at(one.covid, threshold)
        specificity = evaluation.inverse(evaluation.share_at(one.other, threshold))
        source = "All sources" if one.source is None else words.plain(words.source(one.source))
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
