"""Two networks side by side on the film in hand. The second runs only where it is asked for."""

from __future__ import annotations

import streamlit as st

from covid_model import config, formatting
from covid_model.app import cache, networks, session
from covid_model.app.components import common
from covid_model.app.components.common import say_why
from covid_model.app.components.film_card import score_bar
from covid_model.app.session import CurrentFilm
from covid_model.app.text import perturb as perturb_text
from covid_model.app.text import prediction as prediction_text
from covid_model.data import dataset
from covid_model.imaging import FilmError, heatmap
from covid_model.model import network_spec, registry
from covid_model.model.predictor import Prediction, PredictionError

OTHER = "other_network"  # key of the choice, where there are several
TITLE = "Ask another network"  # of the tab, here and in the address
HEIGHT = 480  # pixels kept free while the other network reads


def show(hand: CurrentFilm) -> None:
    """A button for another network; then both scores, and how to read it where they differ."""
    own = hand.reading.network
    others = [name for name in registry.names() if name != own]
    if not others:
        st.markdown("This copy has no other network.")
        return
    other = others[0] if len(others) == 1 else _pick(others)
    left, right, beside = st.columns(3, gap="medium")
    with left:
        _column(hand, hand.reading)
    with right:
        slot = st.empty()
    question = ("other", other)
    if not hand.known(question):
        with slot.container():
            st.markdown(f"**{prediction_text.plain(registry.title(other))}**")
            asked = st.button(
                f"Read it with {registry.title(other)} too", key="ask-other", icon=":material/compare_arrows:"
            )
        if not asked:
            return
        slot = slot.skeleton(height=HEIGHT)
    try:
        found = hand.kept(question, lambda: session.prediction(hand.data, other))
    except network_spec.NetworkError as error:
        with slot.container():
            common.network_missing(error, other)
        return
    except (FilmError, PredictionError) as error:
        with slot.container():
            say_why(error)
        return
    with slot.container():
        _column(hand, found)
    with beside:
        st.markdown(
            perturb_text.agreement(
                {registry.title(own): hand.reading.score, registry.title(other): found.score}, hand.threshold
            )
        )
        if how := _how_to_read(own, other, hand.threshold):
            st.markdown(how)


def _pick(others: list[str]) -> str:
    """Draw the choice of the network to compare with."""
    chosen = st.segmented_control(
        "Compare with", others, format_func=registry.title, default=others[0], required=True, key=OTHER, wrap=True
    )
    return chosen if chosen in others else others[0]


def _column(hand: CurrentFilm, reading: Prediction) -> None:
    """One network's score, and where on the film it comes from."""
    title = prediction_text.plain(registry.title(reading.network))
    st.markdown(f"**{title}**")
    number = formatting.score_text(reading.score)
    st.metric(
        perturb_text.score_by(registry.title(reading.network)),
        f":gray[{number}]" if reading.out_of_distribution else number,
        label_visibility="collapsed",
    )
    st.html(score_bar(reading.score, hand.threshold, faint=reading.out_of_distribution))
    for remark in formatting.remarks(reading)[: int(reading.out_of_distribution)]:
        st.warning(prediction_text.plain(remark), icon=":material/warning:")
    st.image(
        heatmap.blend(hand.pixels, reading.heatmap, reading.box, config.OVERLAY_OPACITY, "both"),
        width="stretch",
        alt=f"The film under the heatmap of {registry.title(reading.network)}: coloured where it moved the score",
    )
    st.markdown(perturb_text.COLOURS)


def _how_to_read(own: str, other: str, threshold: float) -> str | None:
    """The sentence on disagreements; None where this copy lacks what it is computed from."""
    specs, scores = [networks.spec(name) for name in (own, other)], cache.scores()
    if None in specs or scores is None:
        return None
    try:
        return perturb_text.disagreement(specs, cache.films_table(), scores, threshold)
    except dataset.DataError:
        return None
