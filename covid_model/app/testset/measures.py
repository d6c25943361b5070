"""Every measure with its interval, and the curves over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from covid_model import charts
from covid_model.app import theme, widgets
from covid_model.app.outcomes import Called
from covid_model.app.testset import findings

TITLE = "All measures"  # of the tab, here and in the address
HEIGHT = 330  # pixels of a curve


def draw(networks: Sequence[Called], split: str) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("All measures, with 95 % intervals")
        table = findings.measures(networks, networks[0].scored.floor, with_paper=split == "test")
        st.table(table, border="horizontal", alt="Measures with 95 % intervals")
        note = findings.note(networks[0].scored.by_patient, with_paper=split == "test")
        st.markdown(f":small[{note}]")  # no caption: its pale grey leaves a link too little contrast
    with right:
        st.subheader("At every threshold")
        curves(networks)


def curves(networks: Sequence[Called]) -> None:
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
