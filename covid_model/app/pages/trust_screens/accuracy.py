"""Draw screen 1: the accuracy, beside baselines that never look at a lung, on the same films."""

from __future__ import annotations

import numpy as np
import pandas as pd

from covid_model import config
from covid_model.app import cache, widgets
from covid_model.app.components.slides import AGAIN, PAPER, Figure, Point, no_scores, slide
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.charts import bias as bias_charts
from covid_model.evaluation import Estimate, metrics
from covid_model.formatting import percent

CLAIM = f"{100 * config.PAPER_ACCURACY:.0f} %"  # as the paper states it
MEASURE = "measure"  # name in the URL; the value is a label
MEASURES = {
    "accuracy": ("Accuracy", "share of X-rays classified correctly"),
    "sensitivity": ("Sensitivity", "share of COVID-19 X-rays called positive"),
    "adults_positive": ("False positives among adults", "share of adults without COVID-19 called positive"),
    "auc": ("AUC", "how well COVID-19 X-rays rank above others, over all thresholds"),
}
NAMES = {
    "network": "The paper's<br>model",
    "source": "Source only<br>(no image)",
    "thumbnail": f"{config.BASELINE_SIDE} × {config.BASELINE_SIDE} pixels<br>only",
    "mean grey": "Mean brightness<br>only",
    "always no": "Majority class<br>(always negative)",
}
READ = {
    "sensitivity": "What the accuracy hides: the majority-class baseline detects none.",
    "adults_positive": "**Lower is better.** A clinic has to tell adults with COVID-19 from adults without it.",
    "auc": "0.5 is guessing, 1 is perfect.",
}
COUNTED = {  # what each measure counts, for the line below the picture
    "accuracy": "test X-rays",
    "sensitivity": "COVID-19 test X-rays",
    "adults_positive": "test X-rays of adults without COVID-19",
}


def threshold() -> float:
    """Return the threshold of `figures`: the record's; without a record, the default."""
    record = cache.audit_record(PAPER, "rivals")
    return record["threshold"] if record else config.THRESHOLD


def figures() -> dict[str, dict[str, Estimate]]:
    """Return each baseline's measures in the order of NAMES; without a record, those that the scores give."""
    record = cache.audit_record(PAPER, "rivals")
    if record:
        rows = {row["rival"]: row for row in record["figures"] if row["split"] == "test"}
        baselines = {name: _estimates(row, record["threshold"]) for name, row in rows.items()}
        return {name: baselines[name] for name in NAMES if name in baselines}
    table = cache.unseen_scores(PAPER)
    test = pd.DataFrame() if table is None else table[table["split"] == "test"]
    if test.empty:
        return {}
    zeros = np.zeros(len(test))
    return {
        name: _estimates(metrics.accuracy_and_auc(test, scores, config.THRESHOLD), config.THRESHOLD)
        for name, scores in (("network", test["score"].to_numpy()), ("always no", zeros))
    }


def _estimates(measured: dict, threshold: float) -> dict[str, Estimate]:
    """Return the measures at a threshold, whether just computed or read from a record."""
    at = measured[metrics.threshold_key(threshold)] | {"auc": measured["auc"]}
    return {name: at[name] if isinstance(at[name], Estimate) else Estimate(**at[name]) for name in MEASURES}


def counted(measure: str, network: dict[str, Estimate]) -> str:
    """Return the number of films that a measure counts, and the threshold, as the beginning of a sentence."""
    if measure == "auc":  # it compares pairs of films, so it has no threshold and no count of its own
        films, covid = network["accuracy"].total, network["sensitivity"].total
        return f"{films:,} test X-rays, {covid:,} of them COVID-19, over all thresholds"
    return f"{network[measure].total:,} {COUNTED[measure]} at a threshold of {threshold():.2f}"


def point() -> Point | None:
    """Return what the screen says; None without figures."""
    baselines = {name: measures["accuracy"].value for name, measures in figures().items()}
    if not baselines:
        return None
    rival = "source" if baselines["network"] <= baselines.get("source", 0) else "always no"
    bars = {"network": "The paper's model", rival: NAMES[rival].replace("<br>", " ")}
    shown = tuple(Figure(percent(baselines[name]), label, baselines[name]) for name, label in bars.items())
    return Point(bias_text.baselines(baselines), shown)


@render_slots.fragment
def show() -> None:
    """Draw the screen."""
    place, baselines = slide(), figures()
    if not baselines:
        place.say(f"What does {CLAIM} mean?", no_scores())
        return
    with place.control:
        measure = widgets.choice(
            "Measure",
            list(MEASURES),
            format_func=lambda name: MEASURES[name][0],
            default="accuracy",
            key=MEASURE,
            wrap=True,
        )
    title, meaning = MEASURES[measure]
    films = baselines["network"]["accuracy"].total
    remarks = READ.get(measure) or bias_text.above_baseline(baselines["always no"][measure].value)
    if "source" not in baselines:
        remarks += f"  \n:small[`{AGAIN} rivals` adds more baselines.]"
    place.say(point().headline, "Does the test reward looking at the lungs?")
    rows = [
        bias_charts.Share(NAMES[name], measures[measure], name == "network") for name, measures in baselines.items()
    ]
    mark = (config.PAPER_ACCURACY, f"the paper reports {CLAIM}") if measure == "accuracy" else None
    shares = measure != "auc"
    axis = f"{title}: {meaning}"
    place.show(
        bias_charts.shares(rows, meaning, mark, shares, ink=widgets.ink()),
        f"rivals_{measure}",
        bias_charts.shares_alt(rows, axis, shares),
    )
    place.explain(
        bias_text.class_imbalance(films, baselines["network"]["sensitivity"].total),
        remarks,
        f"{counted(measure, baselines['network'])}; thin lines: 95 % confidence intervals, by patient.",
        critics=("maguolo",),
    )
