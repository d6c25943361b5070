"""Below the story: the further checks, each as one picture and one sentence, of the network chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st

from covid_model import charts, evaluation, registry
from covid_model.app import cache, state, theme, turnstile, widgets
from covid_model.app.trust import check_sentences
from covid_model.app.trust.slide import AGAIN, PAPER
from covid_model.charts import trust
from covid_model.evaluation import Estimate

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
    return trust.attention(spans, HEIGHT, theme.ink()), trust.attention_alt(spans), check_sentences.attention(record)


def faithfulness(record: dict) -> Drawn:
    said = check_sentences.faithfulness(record)
    if not record["curves"].get("deletion"):
        return None, "", said
    curves = [
        {order: record["curves"][kind][order]["curve"] for order in (trust.MAP, trust.RANDOM)}
        for kind in ("deletion", "insertion")
    ]
    return trust.faithfulness(*curves, HEIGHT, theme.ink()), trust.faithfulness_alt(*curves), said


def calibration(record: dict) -> Drawn:
    splits = record["splits"]
    split = check_sentences.ADULTS if check_sentences.ADULTS in splits else next(iter(splits))
    names = {"as it is": "before", "calibrated": "after"}
    parts = {name: evaluation.recorded_bins(splits[split][when]["bins"]) for name, when in names.items()}
    said = check_sentences.calibration(record, split)
    return charts.reliability(parts, HEIGHT, theme.ink()), charts.reliability_alt(parts), said


def novelty(record: dict) -> Drawn:
    genuine = {"test films": check_sentences.flagged_test_films(record)}
    parts = genuine | {name: one["flagged"] for name, one in record["other"].items()}
    rows = [
        trust.Share(name.replace(" by 90 degrees,", "<br>by 90 degrees,"), Estimate(**of), name in genuine)
        for name, of in parts.items()
    ]
    said = check_sentences.novelty(record)
    return trust.shares(rows, "flagged", None, True, HEIGHT + 100, theme.ink()), trust.shares_alt(rows, "Flagged"), said


def robustness(record: dict) -> Drawn:
    names = {"all": "all at once", "jpeg": "JPEG"}
    rows = [
        trust.Share(names.get(kind, kind), Estimate(**groups["every film"]["any_verdict_changes"]), kind == "all")
        for kind, groups in record["figures"].items()
    ]
    title = "films that change verdict in some copy"
    said = check_sentences.robustness(record)
    return trust.shares(rows, title, None, True, HEIGHT, theme.ink()), trust.shares_alt(rows, title), said


def severity(record: dict) -> Drawn:
    rating, logits = record["points"][RATING], record["points"]["logit"]
    title, value = record["ratings"][RATING], record["spearman"][RATING].get("value")
    said = check_sentences.severity(record, RATING)
    return trust.severity(rating, logits, title, HEIGHT, theme.ink()), trust.severity_alt(rating, value), said


class Check(NamedTuple):
    """A title, the experiment (of settings.AUDIT_EXPERIMENTS) whose record is drawn, and what draws it."""

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


@turnstile.fragment
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
