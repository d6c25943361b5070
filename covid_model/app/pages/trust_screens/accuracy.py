"""Screen 1: the accuracy, and what answers that never look at a lung get on the same films."""

from __future__ import annotations

import numpy as np
import pandas as pd

from covid_model import config
from covid_model.app import cache, theme, widgets
from covid_model.app.components.slide import AGAIN, PAPER, no_scores, slide
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.charts import bias as bias_charts
from covid_model.evaluation import Estimate, by_patient

CLAIM = f"{100 * config.PAPER_ACCURACY:.0f} %"  # as the paper writes it
MEASURE = "measure"  # in the address, by its label
MEASURES = {
    "accuracy": ("Accuracy", "how often the answer is right"),
    "sensitivity": ("COVID-19 films found", "share of COVID-19 films called positive"),
    "adults_positive": ("Adults’ false alarms", "share of adults without COVID-19 called positive"),
    "auc": ("AUC", "how well COVID-19 films are put above others, at any threshold"),
}
NAMES = {
    "network": "The paper’s<br>network",
    "source": "Told the source,<br>sees nothing",
    "thumbnail": f"Sees {config.BASELINE_SIDE} × {config.BASELINE_SIDE}<br>pixels",
    "mean grey": "Knows the<br>mean grey",
    "always no": "Always<br>says “no”",
}
READ = {
    "sensitivity": "What the accuracy hides: whoever always says “no” finds none.",
    "adults_positive": "**Lower is better.** Adults without COVID-19 are what a clinic must tell from those with it.",
    "auc": "0.5 is guessing, 1 is perfect.",
}
COUNTED = {  # what each measure counts, below the picture
    "accuracy": "test films",
    "sensitivity": "COVID-19 films of the test",
    "adults_positive": "test films of adults without COVID-19",
}


def threshold() -> float:
    """The threshold of `figures`: the one that the record states; without a record, the default."""
    record = cache.audit_record(PAPER, "rivals")
    return record["threshold"] if record else config.THRESHOLD


def figures() -> dict[str, dict[str, Estimate]]:
    """Every answer's measures, in the order of NAMES; the network and always no from the scores where need be."""
    record = cache.audit_record(PAPER, "rivals")
    if record:
        of = {one["rival"]: one for one in record["figures"] if one["split"] == "test"}
        found = {name: _estimates(one, record["threshold"]) for name, one in of.items()}
        return {name: found[name] for name in NAMES if name in found}
    table = cache.unseen_scores(PAPER)
    test = pd.DataFrame() if table is None else table[table["split"] == "test"]
    if test.empty:
        return {}
    zeros = np.zeros(len(test))
    return {
        name: _estimates(by_patient.accuracy_and_auc(test, scores, config.THRESHOLD), config.THRESHOLD)
        for name, scores in (("network", test["score"].to_numpy()), ("always no", zeros))
    }


def _estimates(measured: dict, threshold: float) -> dict[str, Estimate]:
    """The measures at a threshold that was measured at, whether just made or out of a record."""
    at = measured[by_patient.threshold_key(threshold)] | {"auc": measured["auc"]}
    return {name: at[name] if isinstance(at[name], Estimate) else Estimate(**at[name]) for name in MEASURES}


def counted(measure: str, network: dict[str, Estimate]) -> str:
    """How many films a measure counts, and where the threshold stands, as the beginning of a sentence."""
    if measure == "auc":  # no threshold, and no count of its own: it goes by pairs of films
        films, covid = network["accuracy"].total, network["sensitivity"].total
        return f"{films:,} test films, {covid:,} of them COVID-19, over all thresholds"
    return f"{network[measure].total:,} {COUNTED[measure]} at the threshold {threshold():g}"


def headline() -> str | None:
    found = {name: of["accuracy"].value for name, of in figures().items()}
    return bias_text.baselines(found) if found else None


@render_slots.fragment
def show() -> None:
    place, found = slide(), figures()
    if not found:
        place.say(f"How much do {CLAIM} say?", no_scores())
        return
    with place.control:
        measure = widgets.choice(
            "What is counted",
            list(MEASURES),
            format_func=lambda name: MEASURES[name][0],
            default="accuracy",
            key=MEASURE,
            wrap=True,
        )
    title, asks = MEASURES[measure]
    films = found["network"]["accuracy"].total
    remarks = READ.get(measure) or bias_text.above_baseline(found["always no"][measure].value)
    if "source" not in found:
        remarks += f"  \n:small[More answers to compare with: `{AGAIN} rivals` makes them.]"
    place.say(headline(), bias_text.class_imbalance(films, found["network"]["sensitivity"].total), remarks)
    rows = [bias_charts.Share(NAMES[name], of[measure], name == "network") for name, of in found.items()]
    mark = (config.PAPER_ACCURACY, f"the paper says {CLAIM}") if measure == "accuracy" else None
    shares = measure != "auc"
    axis = f"{title}: {asks}"
    place.show(
        bias_charts.shares(rows, asks, mark, shares, ink=theme.ink()),
        f"rivals_{measure}",
        bias_charts.shares_alt(rows, axis, shares),
    )
    place.check(
        f"{counted(measure, found['network'])}; thin lines: 95 % intervals by patient. "
        "The check: does a test reward looking at lungs?",
        "maguolo",
    )
