"""Whether a score of 0.8 means four films in five, before and after one number sets it right."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from covid_model import charts, evaluation
from covid_model.app import cache, theme, widgets
from covid_model.app.outcomes import Called
from covid_model.app.testset import calibration_findings, findings

TITLE = "Calibration"  # of the tab, here and in the address


def draw(networks: Sequence[Called], split: str) -> None:
    bins, after = {}, {}
    for of in networks:
        films = of.scored.films
        bins[of.title] = cache.reliability(of.name, split)
        record = cache.audit_record(of.name, "calibration")
        part = calibration_findings.after(record, split, len(films), int(films["covid"].sum()))
        after[of.title] = (record, part) if part else (None, None)
    st.subheader(calibration_findings.heading(bins))
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
            table = calibration_findings.table(
                of.title, bins[of.title], evaluation.brier(films["score"], films["covid"]), temperature, part
            )
            st.table(table, border="horizontal", alt=f"Calibration of {of.title}: ECE and Brier score, 0 at best")
            st.markdown(calibration_findings.temperature(record, part) if part else calibration_findings.NO_TEMPERATURE)
    st.caption(
        "A point is a bin of scores a tenth wide, larger where more films are; the bars are intervals. Both errors "
        "are 0 at best. How often a score is right hangs on how many COVID-19 films a set holds: elsewhere the points "
        "move. " + findings.note(networks[0].scored.by_patient)
    )
