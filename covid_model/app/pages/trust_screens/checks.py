"""Below the story: the further checks, each as one picture and one sentence, of the network chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st

from covid_model import charts, evaluation
from covid_model.app import cache, state, theme, widgets
from covid_model.app.components.slide import AGAIN, PAPER
from covid_model.app.runtime import render_slots
from covid_model.app.text import bias as bias_text
from covid_model.charts import attribution as attribution_charts
from covid_model.charts import bias as bias_charts
from covid_model.evaluation import Estimate
from covid_model.model import registry

OPEN, CHECKED = "checks", "checked"  # in the address: whether they are shown, and of which network
RATING = "opacity_mean"
HEIGHT = 340  # pixels of a picture, so that two side by side stand level

Drawn = tuple[go.Figure | None, str, str]  # the picture where there is one, its alternative text, the sentence


def attention(record: dict) -> Drawn:
    energy, pointing = record["energy_in_lungs"], record["pointing_game"]
    spans = {
        "What speaks for it,<br>inside the lungs": tuple(
            Estimate(**energy[key]) for key in ("value", "floor", "ceiling")
        ),
        "Strongest point<br>in a lung": (Estimate(**pointing["value"]), Estimate(**pointing["chance"]), None),
    }
    return (
        attribution_charts.attention(spans, HEIGHT, theme.ink()),
        attribution_charts.attention_alt(spans),
        bias_text.heatmap_location(record),
    )


def faithfulness(record: dict) -> Drawn:
    said = bias_text.faithfulness(record)
    if not record["curves"].get("deletion"):
        return None, "", said
    curves = [
        {order: record["curves"][kind][order]["curve"] for order in (attribution_charts.MAP, attribution_charts.RANDOM)}
        for kind in ("deletion", "insertion")
    ]
    return (
        attribution_charts.faithfulness(*curves, HEIGHT, theme.ink()),
        attribution_charts.faithfulness_alt(*curves),
        said,
    )


def calibration(record: dict) -> Drawn:
    splits = record["splits"]
    split = bias_text.ADULTS_SPLIT if bias_text.ADULTS_SPLIT in splits else next(iter(splits))
    names = {"as it is": "before", "calibrated": "after"}
    parts = {name: evaluation.recorded_bins(splits[split][when]["bins"]) for name, when in names.items()}
    said = bias_text.calibration(record, split)
    return charts.reliability(parts, HEIGHT, theme.ink()), charts.reliability_alt(parts), said


def novelty(record: dict) -> Drawn:
    genuine = {"test films": bias_text.flagged_test_films(record)}
    parts = genuine | {name: one["flagged"] for name, one in record["other"].items()}
    rows = [
        bias_charts.Share(name.replace(" by 90 degrees,", "<br>by 90 degrees,"), Estimate(**of), name in genuine)
        for name, of in parts.items()
    ]
    said = bias_text.ood_detection(record)
    return (
        bias_charts.shares(rows, "flagged", None, True, HEIGHT + 100, theme.ink()),
        bias_charts.shares_alt(rows, "Flagged"),
        said,
    )


def robustness(record: dict) -> Drawn:
    names = {"all": "all at once", "jpeg": "JPEG"}
    rows = [
        bias_charts.Share(names.get(kind, kind), Estimate(**groups["every film"]["any_verdict_changes"]), kind == "all")
        for kind, groups in record["figures"].items()
    ]
    title = "films that change verdict in some copy"
    said = bias_text.robustness(record)
    return bias_charts.shares(rows, title, None, True, HEIGHT, theme.ink()), bias_charts.shares_alt(rows, title), said


def severity(record: dict) -> Drawn:
    rating, logits = record["points"][RATING], record["points"]["logit"]
    title, value = record["ratings"][RATING], record["spearman"][RATING].get("value")
    said = bias_text.severity(record, RATING)
    return (
        bias_charts.severity(rating, logits, title, HEIGHT, theme.ink()),
        bias_charts.severity_alt(rating, value),
        said,
    )


class Check(NamedTuple):
    """A title, the experiment (of config.AUDIT_EXPERIMENTS) whose record is drawn, and what draws it."""

    title: str
    experiment: str
    draw: Callable[[dict], Drawn]


CHECKS = (
    Check("Where it looks", "attention", attention),
    Check("Does the score hang on what the map marks?", "attention", faithfulness),
    Check("Does a score mean what it says?", "calibration", calibration),
    Check("Does it rise with the disease?", "severity", severity),
    Check("Does it hold still?", "robustness", robustness),
    Check("Does it know what is no chest film?", "novelty", novelty),
)


def show() -> None:
    """The checks behind a disclosure; nothing of them is made before it is opened."""
    box = st.expander(
        "More checks, for whoever wants more", key=OPEN, icon=":material/fact_check:", bind="query-params"
    )
    if box.open:
        with box:
            _checks()


@render_slots.fragment
def _checks() -> None:
    name = state.networks_picker("Network checked", CHECKED, PAPER)
    with st.grid(2, min_column_width=360, gap="large"):
        for check in CHECKS:
            with st.container(gap="small"):
                st.subheader(check.title, anchor=False)
                _check(name, check)


def _check(name: str, check: Check) -> None:
    record = cache.audit_record(name, check.experiment)
    if record is None:
        again = f"{AGAIN} {check.experiment}"
        who = registry.title(name)
        st.caption(f"This copy has no record of this check of *{who}*: `{again}` makes it, with a data folder.")
        return
    figure, alt, said = check.draw(record)
    st.markdown(said)
    if figure is not None:
        widgets.show_chart(figure, key=f"check_{check.draw.__name__}_{name}", alt=alt)
