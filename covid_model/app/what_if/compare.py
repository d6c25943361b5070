"""Both networks side by side on the film in hand. The second runs only where it is asked for."""

from __future__ import annotations

import streamlit as st

from covid_model import dataset, network, overlay, settings
from covid_model.app import cache, film_panel, words
from covid_model.app.scorebar import score_bar
from covid_model.app.what_if import sentences
from covid_model.app.what_if.hand import InHand, say_why
from covid_model.films import FilmError
from covid_model.reading import Reading, ReadingError

TITLE = "Ask the other network"  # of the tab, here and in the address
HEIGHT = 480  # pixels kept free while the other network reads


def show(hand: InHand) -> None:
    """A button for the other network; then both scores, and how to read it where they differ."""
    own = hand.reading.network
    other = next(name for name in settings.NETWORK_NAMES if name != own)
    left, right, beside = st.columns(3, gap="medium")
    with left:
        _column(hand, hand.reading)
    with right:
        slot = st.empty()
    question = ("other", other)
    if not hand.known(question):
        with slot.container():
            st.markdown(f"**{other}**")
            asked = st.button(f"Read it with {other} too", key="ask-other", icon=":material/compare_arrows:")
        if not asked:
            return
        slot = slot.skeleton(height=HEIGHT)
    try:
        found = hand.kept(question, lambda: cache.reading(hand.data, other))
    except network.NetworkError as error:
        with slot.container():
            film_panel.network_missing(error, other)
        return
    except (FilmError, ReadingError) as error:
        with slot.container():
            say_why(error)
        return
    with slot.container():
        _column(hand, found)
    with beside:
        st.markdown(sentences.verdicts({own: hand.reading.score, other: found.score}, hand.threshold))
        if how := _how_to_read(own, other, hand.threshold):
            st.markdown(how)


def _column(hand: InHand, reading: Reading) -> None:
    """One network's score, and where on the film it comes from."""
    st.markdown(f"**{reading.network}**")
    number = words.score_text(reading.score)
    st.metric(
        sentences.score_by(reading.network),
        f":gray[{number}]" if reading.novel else number,
        label_visibility="collapsed",
    )
    st.html(score_bar(reading.score, hand.threshold, faint=reading.novel))
    for remark in reading.remarks[: int(reading.novel)]:
        st.warning(words.plain(remark), icon=":material/warning:")
    st.image(
        overlay.blend(hand.pixels, reading.heatmap, reading.box, settings.OVERLAY_OPACITY, "both"),
        width="stretch",
        alt=f"The film under the heatmap of {reading.network}: coloured where it moved the score",
    )
    st.markdown(sentences.COLOURS)


def _how_to_read(own: str, other: str, threshold: float) -> str | None:
    """The sentence on disagreements; None where this copy lacks what it is computed from."""
    specs, scores = [cache.spec(name) for name in (own, other)], cache.scores()
    if None in specs or scores is None:
        return None
    try:
        return sentences.disagreement(specs, cache.films_table(), scores, threshold)
    except dataset.DataError:
        return None
