"""What verdicts are worth in a ward, and what thresholds cost there, in words and tables. No streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from covid_model import evaluation, settings
from covid_model.app import words
from covid_model.evaluation import Costs, Estimate, Ward
from covid_model.evaluation.wards import PER

HUNDRED = 100  # positives that headings tell of


def share(of: float) -> str:
    """A prevalence: "2 %", "0.5 %"."""
    return f"{100 * of:.3g} %"


def ward_heading(wards: Mapping[str, Ward], own: Mapping[str, Estimate]) -> str:
    """How many of a hundred positives would be right, by network title, and how many are among these films."""
    prevalence = next(iter(wards.values())).prevalence[0]
    values = {title: ward.ppv.value[0] for title, ward in wards.items()}
    known = {title: value for title, value in values.items() if not np.isnan(value)}
    where = f"Where {share(prevalence)} have COVID-19"
    if not known:
        return f"{where}, nothing can be said: no film is called positive here, or films of one kind are missing"
    if len(known) == 1:
        (title, value), among = next(iter(known.items())), ""
        if own.get(title):
            among = f"; among these films it is {HUNDRED * own[title].value:.0f}"
        return f"{where}, {HUNDRED * value:.0f} of {HUNDRED} positives would be right{among}"
    said = " or ".join(f"{HUNDRED * value:.0f} ({words.plain(title)})" for title, value in known.items())
    return f"{where}, {said} of {HUNDRED} positives would be right"


def ward_sentence(sensitivity: Estimate, specificity: Estimate, prevalence: float) -> str:
    """What would come of PER people, in whole people."""
    if not sensitivity or not specificity:
        return "Films of one kind are missing here, so nothing can be said."
    of = evaluation.frequencies(sensitivity.value, specificity.value, prevalence)
    return (
        f"Of {PER:,} people filmed, {of.covid:,} would have COVID-19: {of.found:,} called positive, {of.missed:,} "
        f"missed. Of the other {PER - of.covid:,}, {of.alarms:,} would be false alarms. So {of.positive:,} positives, "
        f"{of.found:,} of them right."
    )


def adults_alone(ward: Ward, adults: Ward) -> str | None:
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
        best, usual = PER * cost_at(of, of.best.value), PER * cost_at(of, settings.THRESHOLD)
        whose = f" for {words.plain(title)}" if len(costs) > 1 else ""
        against = "" if of.best.value == settings.THRESHOLD else f" against {usual:.1f} at {settings.THRESHOLD}"
        parts.append(f"{of.best.value:.2f} is the cheapest threshold{whose}: {best:.1f}{against}")
    return f"If a miss costs as much as {weighs}, {'; '.join(parts)}"


def cost_at(costs: Costs, threshold: float) -> float:
    """What a threshold costs a film."""
    return float(costs.cost.value[np.abs(costs.thresholds - threshold).argmin()])


def cost_table(costs: Mapping[str, Costs], marks: Mapping[str, float]) -> pd.DataFrame:
    """A row a threshold, a column a network: cost of PER films, its interval, misses and false alarms. Markdown."""
    rows: dict[str, dict[str, str]] = {}
    for title, of in costs.items():
        column = f"Cost, {words.plain(title)}"
        best = f"**Cheapest**  \n:small[{_best(costs)}]"
        for label, at in {best: of.best.value, **{_mark(label, at): at for label, at in marks.items()}}.items():
            place = int(np.abs(of.thresholds - at).argmin())
            low, high = of.cost.low[place], of.cost.high[place]
            about = "" if np.isnan(low) else f"95 %: {PER * low:.1f} to {PER * high:.1f}; "
            rows.setdefault(label, {})[column] = (
                f"**{PER * of.cost.value[place]:.1f}**  \n:small[{about}{PER * of.missed[place]:.1f} missed, "
                f"{PER * of.alarms[place]:.1f} false alarms]"
            )
        for label, cost in (("Always “no”", of.always_no), ("Always “yes”", of.always_yes)):
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
