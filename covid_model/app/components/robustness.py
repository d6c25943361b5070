"""Test how robust the score is, on copies that differ as two acquisitions of the same film might."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from covid_model.app import networks, widgets
from covid_model.app.components.common import say_why
from covid_model.app.session import CurrentFilm
from covid_model.app.text import perturb as perturb_text
from covid_model.model.predictor import PredictionError
from covid_model.model.registry import NetworkError

TITLE = "Robustness"  # of the tab; the URL holds it
CHART = 150  # pixels: its height


def show(current: CurrentFilm) -> None:
    """Draw the button that runs the test, and its result."""
    from covid_model import charts  # the page is on the screen before they are loaded
    from covid_model.model import robustness
    from covid_model.model.tasks import of_pixels

    jitter, copies = robustness.ALL, robustness.COPIES
    st.container(key="firm_copies").markdown(perturb_text.robustness(copies, jitter.rotation, 100 * jitter.shift))
    name = current.reading.network
    question = ("spread", name)
    button, answer = st.empty(), st.container(key="firm_answer")
    if not current.known(question):
        if not button.button("Test robustness", key="firm", icon=":material/vibration:"):
            return
        button.empty()
    try:
        with answer, st.spinner(f"Analyzing {copies} copies"):
            spread = current.kept(question, lambda: networks.ask(name, of_pixels("robustness", current.pixels)))
    except (NetworkError, PredictionError) as error:
        with answer:
            say_why(error)
        return
    spread = replace(spread, score=current.reading.score, threshold=current.threshold)
    with answer:
        st.markdown(
            perturb_text.score_spread(
                spread.scores, spread.score, spread.threshold, current.reading.out_of_distribution
            )
        )
        given = (spread.scores, spread.score, spread.threshold)
        widgets.show_chart(
            charts.score_strip(*given, height=CHART, ink=widgets.ink()),
            alt=charts.score_strip_alt(*given),
            key="strip",
        )
