"""The film changed and read again: what is picked stands in the address, and the answer beside the changed film."""

from __future__ import annotations

import numpy as np
import streamlit as st

from covid_model import config, formatting
from covid_model.app import networks
from covid_model.app.components import common, compare_networks, perturb_controls, robustness
from covid_model.app.components.film_card import score_bar
from covid_model.app.components.queue_status import say_why
from covid_model.app.runtime import render_slots
from covid_model.app.session import CurrentFilm
from covid_model.app.text import perturb as perturb_text
from covid_model.app.text import prediction as prediction_text
from covid_model.imaging import Film, FilmError, lung_mask
from covid_model.imaging import heatmap as imaging_heatmap
from covid_model.imaging import perturb as imaging_perturb
from covid_model.imaging.image import check_size
from covid_model.imaging.preprocessing import prepare
from covid_model.model.network_spec import NetworkError
from covid_model.model.predictor import Prediction, PredictionError

TITLE = "Change the film"  # of the tab, here and in the address
ANSWER_HEIGHT = 200  # pixels kept free while the changed film is read, so that nothing jumps


def perturb(hand: CurrentFilm) -> None:
    """The changes to pick from; where there are any, their settings, the changed film, its score and its heatmap."""
    picked = perturb_controls.pick()
    if not picked:
        st.markdown(perturb_text.PICK)
        return
    left, middle, right = st.columns(3, gap="medium")
    with left:
        answer = st.empty()
        changes = perturb_controls.settings_of(picked)
    try:
        pixels = imaging_perturb.apply(hand.pixels, changes)
        check_size(pixels.shape[1], pixels.shape[0])
    except lung_mask.NoLungs as error:
        with answer.container():
            st.warning(prediction_text.plain(error), title="The lungs were not found", icon=":material/search_off:")
            st.button("Draw a box", key="draw-box", icon=":material/crop_free:", on_click=perturb_controls.take_box)
        return
    except FilmError as error:
        answer.error(prediction_text.plain(error), icon=":material/block:")
        return
    with middle:
        st.markdown("**The changed film**")
        st.image(pixels, width=common.picture_width(pixels), alt=f"The film, changed: {perturb_controls.said(changes)}")
    with right:
        st.markdown("**What speaks for it now, and against**")
        heatmap = st.empty()
        st.markdown(perturb_text.COLOURS)
    question = ("changed", hand.reading.network, changes)
    if not hand.known(question):
        answer = answer.skeleton(height=ANSWER_HEIGHT)
    try:
        found = hand.kept(question, lambda: _read(hand, pixels))
    except (NetworkError, PredictionError) as error:
        with answer.container():
            say_why(error)
        return
    with answer.container():
        _answer(hand, found, pixels)
    both = imaging_heatmap.blend(pixels, found.heatmap, found.box, config.OVERLAY_OPACITY, "both")
    heatmap.image(
        both, width=common.picture_width(pixels), alt="The changed film under its heatmap, for COVID-19 and against"
    )


def _read(hand: CurrentFilm, pixels: np.ndarray) -> Prediction:
    return networks.read(hand.reading.network, Film(pixels, (), "PNG"))


def _answer(hand: CurrentFilm, found: Prediction, pixels: np.ndarray) -> None:
    """The changed film's score, how far it moved, and what to bear in mind."""
    number = formatting.score_text(found.score)
    st.metric(perturb_text.CHANGED, f":gray[{number}]" if found.out_of_distribution else number)
    st.html(score_bar(found.score, hand.threshold, faint=found.out_of_distribution))
    said = perturb_text.score_change(hand.reading.score, found.score, hand.threshold, found.out_of_distribution)
    st.markdown(f"**{said}**  \n:small[As it came, the film scored {formatting.score_text(hand.reading.score)}.]")
    spec = networks.spec(found.network)
    if spec and np.array_equal(prepare(pixels, spec.preprocessing), prepare(hand.pixels, spec.preprocessing)):
        st.markdown(perturb_text.no_visible_change(spec.preprocessing.border))
    for remark in formatting.remarks(found):
        st.warning(prediction_text.plain(remark), icon=":material/warning:")


# --- The section below a reading. One tool is open at a time, behind its tab; the network runs only where one asks

TOOL = "tool"  # in the address: the tab that is open
TOOLS = {TITLE: perturb, robustness.TITLE: robustness.show, compare_networks.TITLE: compare_networks.show}


@render_slots.fragment
def show(hand: CurrentFilm) -> None:
    """Draw the section. What moves in it moves alone: the reading above stays as it is."""
    st.subheader("What if …", anchor="what-if")
    tabs = st.tabs(list(TOOLS), key=TOOL, bind="query-params")
    for tab, tool in zip(tabs, TOOLS.values(), strict=True):
        if tab.open:
            with tab:
                tool(hand)
