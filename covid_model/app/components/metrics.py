"""Draw the tabs of the page "Results": all measures, source by source, calibration."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from covid_model import charts, evaluation
from covid_model.app import cache, widgets
from covid_model.app.text import evaluation as evaluation_text
from covid_model.app.text import prediction as prediction_text
from covid_model.evaluation.threshold_sweep import ThresholdResult

TITLE = "All measures"  # of the tab; the URL holds it
HEIGHT = 330  # pixels of a curve


def draw_measures(networks: Sequence[ThresholdResult], split: str) -> None:
    """Draw the tab "All measures"."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("All measures, with 95 % confidence intervals")
        table = evaluation_text.measures(networks, networks[0].scored.baseline, with_paper=split == "test")
        st.table(table, border="horizontal", alt="Measures with 95 % confidence intervals")
        note = evaluation_text.intervals_note(networks[0].scored.by_patient, with_paper=split == "test")
        st.markdown(f":small[{note}]")  # no caption: its pale gray leaves a link too little contrast
    with right:
        st.subheader("At every threshold")
        curves(networks)


def curves(networks: Sequence[ThresholdResult]) -> None:
    """Draw ROC and precision-recall curves with a cross at the threshold."""
    rates = {
        result.short_title: {name: estimate.value for name, estimate in result.rates.items()} for result in networks
    }
    false_positive_rates = {
        name: None if result["specificity"] is None else 1 - result["specificity"] for name, result in rates.items()
    }
    look = {"height": HEIGHT, "ink": widgets.ink()}

    st.markdown("**ROC curve**")
    lines = {result.short_title: result.scored.roc for result in networks}
    figure = charts.roc(
        lines, {name: (false_positive_rates[name], result["sensitivity"]) for name, result in rates.items()}, **look
    )
    widgets.show_chart(figure, key="roc", alt=charts.roc_alt(lines))

    st.markdown("**Precision–recall curve**")
    lines = {result.short_title: result.scored.precision_recall for result in networks}
    points = {name: (result["sensitivity"], result["ppv"]) for name, result in rates.items()}
    films = networks[0].matrix
    figure = charts.precision_recall(lines, points, films.covid / films.total, **look)
    widgets.show_chart(figure, key="precision_recall", alt=charts.precision_recall_alt(lines))
    st.caption("The cross on each curve marks the threshold.")


# --- Source by source ---

SOURCES_TITLE = "Source by source"  # of the tab; the URL holds it


def draw_sources(networks: Sequence[ThresholdResult]) -> None:
    """Draw the tab "Source by source"."""
    with st.spinner("Computing each source separately. This is done only once."):
        parts = {result.name: cache.parts(result.name) for result in networks}
    for result in networks:
        heading = evaluation_text.sources_heading(parts[result.name])
        st.subheader(heading if len(networks) == 1 else f"{prediction_text.plain(result.short_title)}: {heading}")
        table = evaluation_text.sources(parts[result.name], result.threshold)
        st.table(table, border="horizontal", hide_index=True, alt=f"Figures by split and source: {result.short_title}")
    st.caption(f"At the threshold of {networks[0].threshold:.2f}. {evaluation_text.SOURCES_NOTE}")
    st.caption(evaluation_text.intervals_note(networks[0].scored.by_patient))


# --- Calibration: does a score of 0.8 mean four films in five? ---

CALIBRATION_TITLE = "Calibration"  # of the tab; the URL holds it


def draw_calibration(networks: Sequence[ThresholdResult], split: str) -> None:
    """Draw the tab "Calibration"."""
    bins, after = {}, {}
    for result in networks:
        films = result.scored.films
        bins[result.short_title] = cache.reliability(result.name, split)
        record = cache.audit_record(result.name, "calibration")
        part = evaluation_text.calibration_part(record, split, len(films), int(films["covid"].sum()))
        after[result.short_title] = (record, part) if part else (None, None)
    st.subheader(evaluation_text.calibration_heading(bins))
    left, right = st.columns([3, 2], gap="large")
    with left:
        drawn = dict(bins)
        if len(networks) == 1 and (part := after[networks[0].short_title][1]):
            drawn["after temperature scaling"] = evaluation.recorded_bins(part["after"]["bins"])
        widgets.show_chart(
            charts.reliability(drawn, ink=widgets.ink()),
            key="reliability",
            alt=charts.reliability_alt(drawn),
        )
    with right:
        for result in networks:
            record, part = after[result.short_title]
            films = result.scored.films
            temperature = record["temperature"] if record else None
            table = evaluation_text.calibration_table(
                result.short_title,
                bins[result.short_title],
                evaluation.brier(films["score"], films["covid"]),
                temperature,
                part,
            )
            st.table(
                table, border="horizontal", alt=f"Calibration of {result.short_title}: ECE and Brier score, 0 at best"
            )
            st.markdown(evaluation_text.temperature_note(record, part) if part else evaluation_text.NO_TEMPERATURE)
    st.caption(f"{evaluation_text.CALIBRATION_NOTE} {evaluation_text.intervals_note(networks[0].scored.by_patient)}")
