"""Check the score of the current film: on copies that should not change it, and by another network.

The copies differ as two acquisitions of the same film might. Both checks run only on request.
"""

from __future__ import annotations

import streamlit as st

from covid_model import config, formatting
from covid_model.app import cache, networks, session, widgets
from covid_model.app.components import common
from covid_model.app.components.common import say_why
from covid_model.app.components.film_card import score_bar
from covid_model.app.session import CurrentFilm
from covid_model.app.text import perturb as perturb_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data import dataset
from covid_model.imaging import FilmError, heatmap
from covid_model.model import registry
from covid_model.model.predictor import Prediction, PredictionError

ROBUSTNESS = "Robustness"  # title of the tab; the URL holds it
CHART_HEIGHT = 150  # pixels


def show_robustness(current: CurrentFilm) -> None:
    """Draw the button that runs the test, and its result."""
    from covid_model import charts  # the page is on the screen before they are loaded
    from covid_model.model import robustness
    from covid_model.model.tasks import of_pixels

    jitter, copies = robustness.ALL, robustness.COPIES
    st.container(key="firm_copies").markdown(perturb_text.robustness(copies, jitter.rotation, 100 * jitter.shift))
    name = current.reading.network
    question = ("copies", name)
    button, answer = st.empty(), st.container(key="firm_answer")
    if not current.known(question):
        if not button.button("Test robustness", key="firm", icon=":material/vibration:"):
            return
        button.empty()
    try:
        with answer, st.spinner(f"Analyzing {copies} copies"):
            scores = current.kept(question, lambda: networks.ask(name, of_pixels("robustness", current.pixels)))
    except (registry.NetworkError, PredictionError) as error:
        with answer:
            say_why(error)
        return
    given = (scores, current.reading.score, current.threshold)
    with answer:
        st.markdown(perturb_text.score_spread(*given, current.reading.out_of_distribution))
        widgets.show_chart(
            charts.score_strip(*given, height=CHART_HEIGHT, ink=widgets.ink()),
            alt=charts.score_strip_alt(*given),
            key="strip",
        )


# --- Another network ---

OTHER = "other_network"  # key of the choice, if there are several
COMPARISON = "Compare models"  # title of the tab; the URL holds it
HEIGHT = 480  # pixels reserved while the other network runs


def show_comparison(current: CurrentFilm) -> None:
    """Draw both scores and how to interpret a disagreement; if another network has to run, a button that runs it."""
    own = current.reading.network
    others = [name for name in registry.names() if name != own]
    if not others:
        st.markdown("No other model is available.")
        return
    other = others[0] if len(others) == 1 else _pick(others)
    left, right, beside = st.columns(3, gap="medium")
    with left:
        _column(current, current.reading)
    with right:
        slot = st.empty()
    question = ("other", other)
    if not current.known(question) and not session.known_prediction(current.source, other):
        with slot.container():
            st.markdown(f"**{prediction_text.plain(registry.short_title(other))}**")
            start = st.button("Run this model as well", key="ask-other", icon=":material/compare_arrows:")
        if not start:
            return
        slot = slot.skeleton(height=HEIGHT)
    try:
        prediction = current.kept(question, lambda: session.prediction(current.source, other))
    except registry.NetworkError as error:
        with slot.container():
            common.network_missing(error, other)
        return
    except (FilmError, PredictionError) as error:
        with slot.container():
            say_why(error)
        return
    with slot.container():
        _column(current, prediction)
    if current.reading.out_of_distribution or prediction.out_of_distribution:
        return  # without a verdict, there is nothing to agree on
    with beside:
        st.markdown(
            perturb_text.agreement(
                {registry.title(own): current.reading.score, registry.title(other): prediction.score}, current.threshold
            )
        )
        if note := _disagreement(own, other, current.threshold):
            st.markdown(note)


def _pick(others: list[str]) -> str:
    """Draw the choice of the network to compare with."""
    return widgets.choice(
        "Compare with", others, format_func=registry.short_title, default=others[0], key=OTHER, bind=False, wrap=True
    )


def _column(current: CurrentFilm, reading: Prediction) -> None:
    """Draw one network's score and its heatmap."""
    title = prediction_text.plain(registry.short_title(reading.network))
    st.markdown(f"**{title}**")
    number = formatting.score_text(reading.score)
    st.metric(
        perturb_text.score_by(registry.title(reading.network)),
        f":gray[{number}]" if reading.out_of_distribution else number,
        label_visibility="collapsed",
    )
    st.html(score_bar(reading.score, current.threshold, faint=reading.out_of_distribution))
    for remark in formatting.remarks(reading)[: int(reading.out_of_distribution)]:
        st.warning(prediction_text.plain(remark), icon=":material/warning:")
    st.image(
        heatmap.blend(current.pixels, reading.heatmap, reading.box, config.OVERLAY_OPACITY, "both"),
        width="stretch",
        alt=f"The X-ray under the heatmap of {registry.title(reading.network)}: colored where it moved the score",
    )
    st.markdown(perturb_text.COLORS)


def _disagreement(own: str, other: str, threshold: float) -> str | None:
    """Return how to interpret a disagreement; None without the data that it is computed from."""
    specs, scores = [networks.spec(name) for name in (own, other)], cache.scores()
    if None in specs or scores is None:
        return None
    try:
        return perturb_text.disagreement(specs, cache.films_table(), scores, threshold)
    except dataset.DataError:
        return None
