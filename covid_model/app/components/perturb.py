"""The film changed and read again: what is picked stands in the address, and the answer beside the changed film."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import streamlit as st

from covid_model import config, formatting
from covid_model.app import cache, networks, widgets
from covid_model.app.components import common, compare_networks, robustness
from covid_model.app.components.common import say_why
from covid_model.app.components.film_card import score_bar
from covid_model.app.runtime import render_slots
from covid_model.app.session import CurrentFilm
from covid_model.app.text import perturb as perturb_text
from covid_model.app.text import prediction as prediction_text
from covid_model.imaging import Film, FilmError, lung_mask
from covid_model.imaging import heatmap as imaging_heatmap
from covid_model.imaging import perturb as imaging_perturb
from covid_model.imaging.image import check_size
from covid_model.imaging.perturb import CORNERS, CROP_MOST, FILLS, KINDS, TEXTS, Changes
from covid_model.imaging.preprocessing import prepare
from covid_model.model.network_spec import NetworkError
from covid_model.model.predictor import Prediction, PredictionError

CHANGE, WHERE, FILL, ACROSS, DOWN = "change", "where", "fill", "across", "down"  # in the address
CROP, LETTERS, CORNER, DEGREES = "crop", "letters", "corner", "degrees"
LABELS = {
    "erase": "Erase the lungs",
    "crop": "Crop the border",
    "mirror": "Mirror",
    "turn": "Turn",
    "marker": "Add a marker",
    "invert": "Invert",
}
PLACES = {"lungs": "The lungs", "box": "A box by hand"}
FIRST = {  # what each setting stands at before it is touched
    WHERE: "lungs",
    FILL: next(iter(FILLS)),
    ACROSS: (5, 95),  # per cent of the width: around most lungs
    DOWN: (10, 90),
    CROP: 10,  # per cent of each side
    LETTERS: TEXTS[0],
    CORNER: CORNERS[1],
    DEGREES: 15,
}
TURN_STEP = 5  # degrees

TITLE = "Change the film"  # of the tab, here and in the address
ANSWER_HEIGHT = 200  # pixels kept free while the changed film is read, so that nothing jumps


# --- The settings, and the changed film ---


def perturb(hand: CurrentFilm) -> None:
    """The changes to pick from; where there are any, their settings, the changed film, its score and its heatmap."""
    picked = pick()
    if not picked:
        st.markdown(perturb_text.PICK)
        return
    left, middle, right = st.columns(3, gap="medium")
    with left:
        answer = st.empty()
        changes = settings_of(picked)
    try:
        pixels = imaging_perturb.apply(hand.pixels, changes)
        check_size(pixels.shape[1], pixels.shape[0])
    except lung_mask.NoLungs as error:
        with answer.container():
            st.warning(prediction_text.plain(error), title="The lungs were not found", icon=":material/search_off:")
            st.button("Draw a box", key="draw-box", icon=":material/crop_free:", on_click=take_box)
        return
    except FilmError as error:
        answer.error(prediction_text.plain(error), icon=":material/block:")
        return
    with middle:
        st.markdown("**The changed film**")
        st.image(pixels, width=common.picture_width(pixels), alt=f"The film, changed: {said(changes)}")
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


# --- The controls. All stand in the address, so that a teacher can send a scene as a link ---


def pick() -> list[str]:
    """Draw the changes and the way back, and return those picked, in the order in which they are done."""
    with st.container(horizontal=True, vertical_alignment="center"):
        picked = st.pills(
            "Changes: any of them, together too",
            KINDS,
            format_func=LABELS.get,
            selection_mode="multi",
            key=CHANGE,
            bind="query-params",
            wrap=True,
            label_visibility="collapsed",
        )
        st.button("Reset", key="reset", icon=":material/undo:", type="tertiary", on_click=reset, disabled=not picked)
    return [kind for kind in KINDS if kind in picked]


def reset() -> None:
    """The film as it came, and every setting as it was; from a callback."""
    st.session_state[CHANGE] = []
    for name in FIRST:
        st.session_state.pop(name, None)


def take_box() -> None:
    """Erase a box rather than the lungs; from a callback."""
    st.session_state[WHERE] = "box"


def settings_of(picked: Collection[str]) -> Changes:
    """Draw the settings of the changes picked, and return what is to be done."""
    chosen: dict[str, object] = {kind: True for kind in ("invert", "mirror") if kind in picked}
    if "erase" in picked:
        chosen |= _erased()
    if "crop" in picked:
        most = round(100 * CROP_MOST)
        cut = st.slider("Cut off each side", 1, most, FIRST[CROP], format="%d %%", key=CROP, bind="query-params")
        chosen["crop"] = min(max(cut, 0), most) / 100
    if "marker" in picked:
        chosen["marker"] = _one("Letters", TEXTS, LETTERS)
        chosen["corner"] = _one("Corner", CORNERS, CORNER)
    if "turn" in picked:
        degrees = st.slider(
            "Turn to the left", -180, 180, FIRST[DEGREES], TURN_STEP, format="%d°", key=DEGREES, bind="query-params"
        )
        chosen["turn"] = float(degrees)
    return Changes(**chosen)


def said(changes: Changes) -> str:
    """The changes in a few words, for whoever does not see the picture."""
    parts = [f"{changes.erase} filled with {changes.fill}"] if changes.erase else []
    parts += [f"{100 * changes.crop:.0f} % cut off each side"] if changes.crop else []
    parts += ["mirrored"] if changes.mirror else []
    parts += [f"turned by {changes.turn:g} degrees"] if changes.turn else []
    parts += [f"{changes.marker} {changes.corner}"] if changes.marker else []
    parts += ["inverted"] if changes.invert else []
    return ", ".join(parts)


def _erased() -> dict[str, object]:
    where = _one("What is erased", tuple(PLACES), WHERE, PLACES, perturb_text.mask_quality(cache.segmentation()))
    edges = {}
    if where == "box":
        left, right = _edges("Left and right edge", ACROSS)
        top, bottom = _edges("Top and bottom edge", DOWN)
        edges = {"box": (left, top, right, bottom)}
    filled = _one("Filled with", tuple(FILLS), FILL, {name: name.capitalize() for name in FILLS})
    return {"erase": where, "fill": filled} | edges


def _edges(label: str, key: str) -> tuple[float, float]:
    """Two edges as fractions, the second at least a hundredth beyond the first."""
    low, high = st.slider(label, 0, 100, FIRST[key], format="%d %%", key=key, bind="query-params")
    low, high = (min(max(one, 0), 100) for one in (low, high))
    low = min(low, 99)
    return low / 100, max(high, low + 1) / 100


def _one(
    label: str, options: tuple[str, ...], key: str, labels: dict[str, str] | None = None, help_: str | None = None
) -> str:
    """One of a few options, the first setting where the browser sends nonsense."""
    return widgets.choice(
        label,
        options,
        format_func=(labels or {name: name[:1].upper() + name[1:] for name in options}).get,
        default=FIRST[key],
        key=key,
        help=help_,
        wrap=True,
    )


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
