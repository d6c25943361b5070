"""The film changed and read again: what is picked stands in the address, and the answer beside the changed film."""

from __future__ import annotations

import numpy as np
import streamlit as st

from covid_model import overlay, phrases, settings, what_if
from covid_model.app import cache, film_panel, words
from covid_model.app.scorebar import score_bar
from covid_model.app.what_if import controls, sentences
from covid_model.app.what_if.hand import InHand, say_why
from covid_model.films import Film, FilmError
from covid_model.films.film import check_size
from covid_model.network import NetworkError
from covid_model.preprocessing import prepare
from covid_model.reading import Reading, ReadingError

TITLE = "Change the film"  # of the tab, here and in the address
ANSWER_HEIGHT = 200  # pixels kept free while the changed film is read, so that nothing jumps


def show(hand: InHand) -> None:
    """The changes to pick from; where there are any, their settings, the changed film, its score and its heatmap."""
    picked = controls.pick()
    if not picked:
        st.markdown(sentences.PICK)
        return
    left, middle, right = st.columns(3, gap="medium")
    with left:
        answer = st.empty()
        changes = controls.settings_of(picked)
    try:
        pixels = what_if.apply(hand.pixels, changes)
        check_size(pixels.shape[1], pixels.shape[0])
    except what_if.NoLungs as error:
        with answer.container():
            st.warning(words.plain(error), title="The lungs were not found", icon=":material/search_off:")
            st.button("Draw a box", key="draw-box", icon=":material/crop_free:", on_click=controls.take_box)
        return
    except FilmError as error:
        answer.error(words.plain(error), icon=":material/block:")
        return
    with middle:
        st.markdown("**The changed film**")
        st.image(pixels, width=film_panel.picture_width(pixels), alt=f"The film, changed: {controls.said(changes)}")
    with right:
        st.markdown("**What speaks for it now, and against**")
        heatmap = st.empty()
        st.markdown(sentences.COLOURS)
    question = ("changed", hand.reading.network, changes)
    if not hand.known(question):
        answer = answer.skeleton(height=ANSWER_HEIGHT)
    try:
        found = hand.kept(question, lambda: _read(hand, pixels))
    except (NetworkError, ReadingError) as error:
        with answer.container():
            say_why(error)
        return
    with answer.container():
        _answer(hand, found, pixels)
    both = overlay.blend(pixels, found.heatmap, found.box, settings.OVERLAY_OPACITY, "both")
    heatmap.image(
        both, width=film_panel.picture_width(pixels), alt="The changed film under its heatmap, for COVID-19 and against"
    )


def _read(hand: InHand, pixels: np.ndarray) -> Reading:
    return cache.read(hand.reading.network, Film(pixels, (), "PNG"))


def _answer(hand: InHand, found: Reading, pixels: np.ndarray) -> None:
    """The changed film's score, how far it moved, and what to bear in mind."""
    number = words.score_text(found.score)
    st.metric(sentences.CHANGED, f":gray[{number}]" if found.out_of_distribution else number)
    st.html(score_bar(found.score, hand.threshold, faint=found.out_of_distribution))
    said = sentences.change(hand.reading.score, found.score, hand.threshold, found.out_of_distribution)
    st.markdown(f"**{said}**  \n:small[As it came, the film scored {words.score_text(hand.reading.score)}.]")
    spec = cache.spec(found.network)
    if spec and np.array_equal(prepare(pixels, spec.preprocessing), prepare(hand.pixels, spec.preprocessing)):
        st.markdown(sentences.unseen(spec.preprocessing.border))
    for remark in phrases.remarks(found):
        st.warning(words.plain(remark), icon=":material/warning:")
