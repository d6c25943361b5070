"""The tables and charts of the Results page: measures, sources, calibration."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from covid_model import charts, evaluation
from covid_model.app import cache, theme, widgets
from covid_model.app.text import evaluation as evaluation_text
from covid_model.app.text import prediction as prediction_text
from covid_model.evaluation.scored_split import ThresholdResult

TITLE = "All measures"  # of the tab, here and in the address
HEIGHT = 330  # pixels of a curve


def draw_measures(networks: Sequence[ThresholdResult], split: str) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("All measures, with 95 % intervals")
        table = evaluation_text.measures(networks, networks[0].scored.baseline, with_paper=split == "test")
        st.table(table, border="horizontal", alt="Measures with 95 % intervals")
        note = evaluation_text.intervals_note(networks[0].scored.by_patient, with_paper=split == "test")
        st.markdown(f":small[{note}]")  # no caption: its pale grey leaves a link too little contrast
    with right:
        st.subheader("At every threshold")
        curves(networks)


def curves(networks: Sequence[ThresholdResult]) -> None:
    """ROC and precision-recall curves, a cross where the threshold stands."""
    rates = {of.title: {name: estimate.value for name, estimate in of.rates.items()} for of in networks}
    alarms = {name: None if of["specificity"] is None else 1 - of["specificity"] for name, of in rates.items()}
    look = {"height": HEIGHT, "ink": theme.ink()}

    st.markdown("**ROC curve**")
    lines = {of.title: of.scored.roc for of in networks}
    figure = charts.roc(lines, {name: (alarms[name], of["sensitivity"]) for name, of in rates.items()}, **look)
    widgets.show_chart(figure, key="roc", alt=charts.roc_alt(lines))

    st.markdown("**Precision and recall**")
    lines = {of.title: of.scored.precision_recall for of in networks}
    points = {name: (of["sensitivity"], of["ppv"]) for name, of in rates.items()}
    films = networks[0].matrix
    figure = charts.precision_recall(lines, points, films.covid / films.total, **look)
    widgets.show_chart(figure, key="precision_recall", alt=charts.precision_recall_alt(lines))
    st.caption("The cross on each curve is where the threshold stands.")


# --- The figures of every split and source apart ---

SOURCES_TITLE = "Source by source"  # of the tab, here and in the address


def draw_sources(networks: Sequence[ThresholdResult]) -> None:
    with st.spinner("Counting every source apart, once."):
        parts = {of.name: cache.parts(of.name) for of in networks}
    for of in networks:
        heading = evaluation_text.sources_heading(parts[of.name])
        st.subheader(heading if len(networks) == 1 else f"{prediction_text.plain(of.title)}: {heading}")
        table = evaluation_text.sources(parts[of.name], of.threshold)
        st.table(table, border="horizontal", hide_index=True, alt=f"Figures by split and source: {of.title}")
    st.caption(f"At the threshold of {networks[0].threshold:.2f}. {evaluation_text.SOURCES_NOTE}")
    st.caption(evaluation_text.intervals_note(networks[0].scored.by_patient))


# --- Whether a score of 0.8 means four films in five, before and after one number sets it right ---

CALIBRATION_TITLE = "Calibration"  # of the tab, here and in the address


def draw_calibration(networks: Sequence[ThresholdResult], split: str) -> None:
    bins, after = {}, {}
    for of in networks:
        films = of.scored.films
        bins[of.title] = cache.reliability(of.name, split)
        record = cache.audit_record(of.name, "calibration")
        part = evaluation_text.calibration_part(record, split, len(films), int(films["covid"].sum()))
        after[of.title] = (record, part) if part else (None, None)
    st.subheader(evaluation_text.calibration_heading(bins))
    left, right = st.columns([3, 2], gap="large")
    with left:
        drawn = dict(bins)
        if len(networks) == 1 and (part := after[networks[0].title][1]):
            drawn["after the temperature"] = evaluation.recorded_bins(part["after"]["bins"])
        widgets.show_chart(
            charts.reliability(drawn, ink=theme.ink()),
            key="reliability",
            alt=charts.reliability_alt(drawn),
        )
    with right:
        for of in networks:
            record, part = after[of.title]
            films = of.scored.films
            temperature = record["temperature"] if record else None
            table = evaluation_text.calibration_table(
                of.title, bins[of.title], evaluation.brier(films["score"], films["covid"]), temperature, part
            )
            st.table(table, border="horizontal", alt=f"Calibration of {of.title}: ECE and Brier score, 0 at best")
            st.markdown(evaluation_text.temperature_note(record, part) if part else evaluation_text.NO_TEMPERATURE)
    st.caption(
        "A point is a bin of scores a tenth wide, larger where more films are; the bars are intervals. Both errors "
        "are 0 at best. How often a score is right hangs on how many COVID-19 films a set holds: elsewhere the points "
        "move. " + evaluation_text.intervals_note(networks[0].scored.by_patient)
    )
