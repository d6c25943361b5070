"""Change the film and predict again: the URL saves the changes, and the new score is beside the changed film."""

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

CHANGE, WHERE, FILL, ACROSS, DOWN = "change", "where", "fill", "across", "down"  # names in the URL
CROP, LETTERS, CORNER, DEGREES = "crop", "letters", "corner", "degrees"
LABELS = {
    "erase": "Erase the lungs",
    "crop": "Crop the border",
    "mirror": "Mirror",
    "turn": "Rotate",
    "marker": "Add a marker",
    "invert": "Invert",
}
PLACES = {"lungs": "Lungs", "box": "Box"}
FIRST = {  # the default of each setting
    WHERE: "lungs",
    FILL: next(iter(FILLS)),
    ACROSS: (5, 95),  # percent of the width: around most lungs
    DOWN: (10, 90),
    CROP: 10,  # percent of each side
    LETTERS: TEXTS[0],
    CORNER: CORNERS[1],
    DEGREES: 15,
}
TURN_STEP = 5  # degrees

TITLE = "Change the X-ray"  # of the tab; the URL holds it
ANSWER_HEIGHT = 200  # pixels reserved while the network runs, so that nothing jumps


# --- The settings, and the changed film ---


def show_perturbation(current: CurrentFilm) -> None:
    """Draw the changes to pick from and, for those picked, settings, the changed film, its score and its heatmap."""
    picked = pick()
    if not picked:
        st.markdown(perturb_text.PICK)
        return
    left, middle, right = st.columns(3, gap="medium")
    with left:
        answer = st.empty()
        changes = settings_of(picked)
    try:
        pixels = imaging_perturb.apply(current.pixels, changes)
        check_size(pixels.shape[1], pixels.shape[0])
    except lung_mask.NoLungs as error:
        with answer.container():
            st.warning(prediction_text.plain(error), title="The lungs were not found", icon=":material/search_off:")
            st.button("Use a box instead", key="draw-box", icon=":material/crop_free:", on_click=take_box)
        return
    except FilmError as error:
        answer.error(prediction_text.plain(error), icon=":material/block:")
        return
    with middle:
        st.markdown("**Changed X-ray**")
        st.image(pixels, width=common.picture_width(pixels), alt=f"The changed X-ray: {describe(changes)}")
    with right:
        st.markdown(f"**{prediction_text.DRIVERS}**")
        heatmap = st.empty()
        st.markdown(perturb_text.COLORS)
    question = ("changed", current.reading.network, changes)
    if not current.known(question):
        answer = answer.skeleton(height=ANSWER_HEIGHT)
    try:
        prediction = current.kept(question, lambda: _read(current, pixels))
    except (NetworkError, PredictionError) as error:
        with answer.container():
            say_why(error)
        return
    with answer.container():
        _answer(current, prediction, pixels)
    both = imaging_heatmap.blend(pixels, prediction.heatmap, prediction.box, config.OVERLAY_OPACITY, "both")
    heatmap.image(
        both,
        width=common.picture_width(pixels),
        alt="The changed X-ray under its heatmap: what raises and what lowers the score",
    )


def _read(current: CurrentFilm, pixels: np.ndarray) -> Prediction:
    return networks.read(current.reading.network, Film(pixels, (), "PNG"))


def _answer(current: CurrentFilm, prediction: Prediction, pixels: np.ndarray) -> None:
    """Draw the changed film's score, how far it moved, and any warnings."""
    number = formatting.score_text(prediction.score)
    st.metric(perturb_text.CHANGED, f":gray[{number}]" if prediction.out_of_distribution else number)
    st.html(score_bar(prediction.score, current.threshold, faint=prediction.out_of_distribution))
    sentence = perturb_text.score_change(
        current.reading.score, prediction.score, current.threshold, prediction.out_of_distribution
    )
    st.markdown(f"**{sentence}**  \n:small[The original X-ray scored {formatting.score_text(current.reading.score)}.]")
    spec = networks.spec(prediction.network)
    if spec and np.array_equal(prepare(pixels, spec.preprocessing), prepare(current.pixels, spec.preprocessing)):
        st.markdown(perturb_text.no_visible_change(spec.preprocessing.border))
    for remark in formatting.remarks(prediction):
        st.warning(prediction_text.plain(remark), icon=":material/warning:")


# --- The controls. The URL saves them all, so that a teacher can share a scene as a link ---


def pick() -> list[str]:
    """Draw the changes and the reset button, and return the changes picked, in the order of their application."""
    with st.container(horizontal=True, vertical_alignment="center"):
        picked = st.pills(
            "Changes, which can be combined",
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
    """Remove all changes and reset every setting; a callback."""
    st.session_state[CHANGE] = []
    for name in FIRST:
        st.session_state.pop(name, None)


def take_box() -> None:
    """Erase a box rather than the lungs; a callback."""
    st.session_state[WHERE] = "box"


def settings_of(picked: Collection[str]) -> Changes:
    """Draw the settings of the changes picked, and return the changes."""
    chosen: dict[str, object] = {kind: True for kind in ("invert", "mirror") if kind in picked}
    if "erase" in picked:
        chosen |= _erased()
    if "crop" in picked:
        most = round(100 * CROP_MOST)
        cut = st.slider("Cropped from each side", 1, most, FIRST[CROP], format="%d %%", key=CROP, bind="query-params")
        chosen["crop"] = min(max(cut, 0), most) / 100
    if "marker" in picked:
        chosen["marker"] = _choice("Letters", TEXTS, LETTERS)
        chosen["corner"] = _choice("Corner", CORNERS, CORNER)
    if "turn" in picked:
        degrees = st.slider(
            "Counterclockwise", -180, 180, FIRST[DEGREES], TURN_STEP, format="%d°", key=DEGREES, bind="query-params"
        )
        chosen["turn"] = float(degrees)
    return Changes(**chosen)


def describe(changes: Changes) -> str:
    """Return the changes in a few words, for alternative texts."""
    parts = [f"{changes.erase} filled with {changes.fill}"] if changes.erase else []
    parts += [f"{100 * changes.crop:.0f} % cropped from each side"] if changes.crop else []
    parts += ["mirrored"] if changes.mirror else []
    parts += [f"rotated by {changes.turn:g} degrees"] if changes.turn else []
    parts += [f"{changes.marker} {changes.corner}"] if changes.marker else []
    parts += ["inverted"] if changes.invert else []
    return ", ".join(parts)


def _erased() -> dict[str, object]:
    where = _choice("Area to erase", tuple(PLACES), WHERE, PLACES, perturb_text.mask_quality(cache.segmentation()))
    edges = {}
    if where == "box":
        left, right = _edges("Left and right edge", ACROSS)
        top, bottom = _edges("Top and bottom edge", DOWN)
        edges = {"box": (left, top, right, bottom)}
    filled = _choice("Fill", tuple(FILLS), FILL, {name: name.capitalize() for name in FILLS})
    return {"erase": where, "fill": filled} | edges


def _edges(label: str, key: str) -> tuple[float, float]:
    """Draw a slider of two edges and return them as fractions, the second at least 0.01 beyond the first."""
    low, high = st.slider(label, 0, 100, FIRST[key], format="%d %%", key=key, bind="query-params")
    low, high = (min(max(edge, 0), 100) for edge in (low, high))
    low = min(low, 99)
    return low / 100, max(high, low + 1) / 100


def _choice(
    label: str, options: tuple[str, ...], key: str, labels: dict[str, str] | None = None, help_: str | None = None
) -> str:
    """Draw a choice and return one of `options`, the default if the browser sends anything else."""
    return widgets.choice(
        label,
        options,
        format_func=(labels or {name: name[:1].upper() + name[1:] for name in options}).get,
        default=FIRST[key],
        key=key,
        help=help_,
        wrap=True,
    )


# --- The section below a prediction. One tab is open at a time; the network runs only on request ---

TOOL = "tool"  # name in the URL: the open tab
TOOLS = {TITLE: show_perturbation, robustness.TITLE: robustness.show, compare_networks.TITLE: compare_networks.show}


@render_slots.fragment
def show(current: CurrentFilm) -> None:
    """Draw the section as a fragment, which leaves the prediction above it alone."""
    st.subheader("What if …", anchor="what-if")
    tabs = st.tabs(list(TOOLS), key=TOOL, bind="query-params")
    for tab, tool in zip(tabs, TOOLS.values(), strict=True):
        if tab.open:
            with tab:
                tool(current)
