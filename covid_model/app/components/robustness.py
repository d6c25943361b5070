"""How firm is the score? The film read again in copies that differ as two prints of one film do."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from covid_model.app import networks, theme, widgets
from covid_model.app.components.common import say_why
from covid_model.app.session import CurrentFilm
from covid_model.app.text import perturb as perturb_text
from covid_model.model.network_spec import NetworkError
from covid_model.model.predictor import PredictionError

TITLE = "How firm is the score?"  # of the tab, here and in the address
CHART = 150  # pixels: its height, kept free while the copies are read


def show(hand: CurrentFilm) -> None:
    """A button that reads the copies, and what came of them."""
    from covid_model import charts  # the page is on the screen before they are loaded
    from covid_model.model import robustness

    jitter, copies = robustness.ALL, robustness.COPIES
    st.container(key="firm_copies").markdown(
        f"A score should not hang on how a film was laid or scanned. This reads **{copies} copies** of it: turned by "
        f"up to {jitter.rotation:g} degrees, shifted by up to {100 * jitter.shift:g} %, with a little more or less "
        "contrast, saved anew as JPEG."
    )
    name = hand.reading.network
    question = ("spread", name)
    button, answer = st.empty(), st.container(key="firm_answer")
    if not hand.known(question):
        if not button.button("How firm is this score?", key="firm", icon=":material/vibration:"):
            return
        button.empty()
    try:
        with answer, st.spinner(f"Reading {copies} copies."):
            found = hand.kept(
                question, lambda: networks.ask(name, lambda predictor: robustness.spread(predictor, hand.pixels))
            )
    except (NetworkError, PredictionError) as error:
        with answer:
            say_why(error)
        return
    found = replace(found, score=hand.reading.score, threshold=hand.threshold)
    with answer:
        st.markdown(perturb_text.score_spread(found.scores, found.score, found.threshold))
        given = (found.scores, found.score, found.threshold)
        widgets.show_chart(
            charts.score_strip(*given, height=CHART, ink=theme.ink()),
            alt=charts.score_strip_alt(*given),
            key="strip",
        )
