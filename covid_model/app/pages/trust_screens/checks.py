"""Draw the further checks below the story, each as one picture and one sentence, for the selected network."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st

from covid_model import charts, evaluation
from covid_model.app import cache, state, widgets
from covid_model.app.components import case_list
from covid_model.app.components.slides import AGAIN, PAPER
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.charts import attribution as attribution_charts
from covid_model.charts import bias as bias_charts
from covid_model.evaluation import Estimate
from covid_model.formatting import unbroken
from covid_model.model import registry

OPEN, CHECKED = "checks", "checked"  # names in the URL: whether the checks are open, and of which network
RATING = "opacity_mean"
HEIGHT = 340  # pixels of a chart, so that two side by side are level

Drawn = tuple[go.Figure | None, str, str]  # the chart if there is one, its alternative text, the sentence


def attention(record: dict) -> Drawn:
    """Draw how much of the heatmap is inside the lungs."""
    energy, pointing = record["energy_in_lungs"], record["pointing_game"]
    spans = {
        "Share of the heatmap<br>inside the lungs": tuple(
            Estimate(**energy[key]) for key in ("value", "floor", "ceiling")
        ),
        "Peak of the heatmap<br>inside a lung": (Estimate(**pointing["value"]), Estimate(**pointing["chance"]), None),
    }
    return (
        attribution_charts.attention(spans, HEIGHT, widgets.ink()),
        attribution_charts.attention_alt(spans),
        bias_text.heatmap_location(record),
    )


def faithfulness(record: dict) -> Drawn:
    """Draw deletion and insertion curves."""
    sentence = bias_text.faithfulness(record)
    if not record["curves"].get("deletion"):
        return None, "", sentence
    curves = [
        {order: record["curves"][kind][order]["curve"] for order in (attribution_charts.MAP, attribution_charts.RANDOM)}
        for kind in ("deletion", "insertion")
    ]
    return (
        attribution_charts.faithfulness(*curves, HEIGHT, widgets.ink()),
        attribution_charts.faithfulness_alt(*curves),
        sentence,
    )


def calibration(record: dict) -> Drawn:
    """Draw the reliability diagram before and after calibration."""
    splits = record["splits"]
    split = bias_text.ADULTS_SPLIT if bias_text.ADULTS_SPLIT in splits else next(iter(splits))
    names = {"uncalibrated": "before", "calibrated": "after"}
    parts = {name: evaluation.recorded_bins(splits[split][when]["bins"]) for name, when in names.items()}
    sentence = bias_text.calibration(record, split)
    return charts.reliability(parts, HEIGHT, widgets.ink()), charts.reliability_alt(parts), sentence


def novelty(record: dict) -> Drawn:
    """Draw how many images of each kind are flagged."""
    genuine = {"test X-rays": bias_text.flagged_test_films(record)}
    parts = genuine | {name: images["flagged"] for name, images in record["other"].items()}
    rows = [
        bias_charts.Share(name.replace(" by 90 degrees,", "<br>by 90 degrees,"), Estimate(**share), name in genuine)
        for name, share in parts.items()
    ]
    sentence = bias_text.ood_detection(record)
    return (
        bias_charts.shares(rows, "flagged", None, True, HEIGHT + 100, widgets.ink()),
        bias_charts.shares_alt(rows, "Flagged"),
        sentence,
    )


def robustness(record: dict) -> Drawn:
    """Draw how many films change their verdict under small changes."""
    names = {"all": "all at once", "jpeg": "JPEG"}
    rows = [
        bias_charts.Share(names.get(kind, kind), Estimate(**groups["every film"]["any_verdict_changes"]), kind == "all")
        for kind, groups in record["figures"].items()
    ]
    title = "X-rays whose verdict changes in at least one copy"
    sentence = bias_text.robustness(record)
    return (
        bias_charts.shares(rows, title, None, True, HEIGHT, widgets.ink()),
        bias_charts.shares_alt(rows, title),
        sentence,
    )


def severity(record: dict) -> Drawn:
    """Draw the logit against the rated severity."""
    rating, logits = record["points"][RATING], record["points"]["logit"]
    title, value = record["ratings"][RATING], record["spearman"][RATING].get("value")
    sentence = bias_text.severity(record, RATING)
    return (
        bias_charts.severity(rating, logits, title, record["points"].get("id"), HEIGHT, widgets.ink()),
        bias_charts.severity_alt(rating, value),
        sentence,
    )


class Check(NamedTuple):
    """Hold a title, the experiment whose record is drawn, and the function that draws it."""

    title: str
    experiment: str
    draw: Callable[[dict], Drawn]


CHECKS = (
    Check("Grad-CAM: does it look at the lungs?", "attention", attention),
    Check("Faithfulness: does the score depend on what Grad-CAM marks?", "attention", faithfulness),
    Check("Calibration: does a score mean what it says?", "calibration", calibration),
    Check("Severity: does the score rise with the disease?", "severity", severity),
    Check("Robustness: is the verdict stable?", "robustness", robustness),
    Check("Out-of-distribution detection: does it notice?", "novelty", novelty),
)


def show() -> None:
    """Draw the checks inside an expander; nothing is computed before it is opened."""
    box = st.expander("More checks", key=OPEN, icon=":material/fact_check:", bind="query-params")
    if box.open:
        with box:
            _checks()


@render_slots.fragment
def _checks() -> None:
    name = state.networks_picker("Model to check", CHECKED, _most_checked())
    with st.grid(2, min_column_width=360, gap="large"):
        for check in sorted(CHECKS, key=lambda check: cache.audit_record(name, check.experiment) is None):
            with st.container(gap="small"):
                st.subheader(check.title, anchor=False)
                _check(name, check)


def _most_checked() -> str:
    """Return the network with the most records, so that few checks are empty at first; the paper's of equal ones."""

    def known(name: str) -> int:
        return sum(cache.audit_record(name, experiment) is not None for _, experiment, _ in CHECKS)

    return max((PAPER, *registry.names()), key=known)


def _check(name: str, check: Check) -> None:
    record = cache.audit_record(name, check.experiment)
    if record is None:
        title = registry.title(name)
        st.caption(
            f"This check of *{title}* has not been run yet. `{AGAIN} {check.experiment}` runs it on a data folder."
        )
        return
    figure, alt, sentence = check.draw(record)
    st.markdown(unbroken(sentence))
    if figure is None:
        return
    key = f"check_{check.draw.__name__}_{name}"
    if check.draw is severity:
        st.markdown(":small[Click a point to open its X-ray.]")
        case_list.film_chart(figure, key, alt, name)
    else:
        widgets.show_chart(figure, key=key, alt=alt)
