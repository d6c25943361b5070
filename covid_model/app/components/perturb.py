"""Show the film in the viewer and, beside it, what the score would be if the film were different.

The URL saves the changes. The viewer shows the changed film with the same view and the same parts of the heatmap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
import streamlit as st

from covid_model import formatting
from covid_model.app import cache, networks, session, widgets
from covid_model.app.components import viewer
from covid_model.app.components.common import say_why
from covid_model.app.components.film_card import score_bar
from covid_model.app.runtime import render_slots
from covid_model.app.session import CurrentFilm
from covid_model.app.text import perturb as perturb_text
from covid_model.app.text import prediction as prediction_text
from covid_model.imaging import Film, FilmError, lung_mask
from covid_model.imaging import perturb as imaging_perturb
from covid_model.imaging.image import check_size
from covid_model.imaging.perturb import CROP_MOST, FILLS, KINDS, TEXTS, Changes
from covid_model.imaging.preprocessing import prepare
from covid_model.model import tasks
from covid_model.model.attribution import FAST, GRAD_CAM, METHODS
from covid_model.model.predictor import Prediction, PredictionError
from covid_model.model.queue import QueueFullError
from covid_model.model.registry import NetworkError

CHANGE, WHERE, FILL, ACROSS, DOWN = "change", "where", "fill", "across", "down"  # names in the URL
CROP, LETTERS, DEGREES, MARKER_AT, ARROW_AT = "crop", "letters", "degrees", "marker_at", "arrow_at"
METHOD = "heatmap"  # key of the choice of an explanation method
PLACING = "placing"  # in the session: which of two drawn things a click moves
LABELS = {
    "erase": "Erase the lungs",
    "crop": "Crop the border",
    "mirror": "Mirror",
    "turn": "Rotate",
    "marker": "Side marker",
    "arrow": "Draw an arrow",
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
    DEGREES: 15,
}
SPOTS = {
    "marker": (MARKER_AT, (1.0, 0.0)),
    "arrow": (ARROW_AT, (0.35, 0.5)),
}  # name in the URL, and where it is at first
TURN_STEP = 5  # degrees
ANSWER_HEIGHT = 200  # pixels reserved while the network runs, so that nothing jumps

OnPlace = Callable[[tuple[float, float]], None]


@render_slots.fragment
def show(current: CurrentFilm) -> None:
    """Draw the viewer with the film and, once it is changed, the changed film; beside it the changes to pick from."""
    picture_column, panel = st.columns(viewer.COLUMNS, gap="medium")
    with panel:
        st.subheader("What if …", anchor="what-if")
        changed, on_place = _panel(current)
        original = viewer.Picture("Original", current.pixels, viewer.FILM_ALT, current.reading)
        if (method := pick_method()) != GRAD_CAM:
            st.markdown(f":small[{METHODS[method].note}]")
        name = current.reading.network
        original = _explained(original, method, lambda methods: session.explanations(current.source, name, methods))
        if changed:
            pixels = changed.pixels
            changed = _explained(
                changed,
                method,
                lambda methods: current.kept(
                    ("explained", name, methods, hash(pixels.tobytes())),
                    lambda: networks.ask(name, tasks.of_pixels("explain", pixels, methods=list(methods))),
                ),
            )
    with picture_column:
        viewer.show([original, changed] if changed else [original], on_place)


def pick_method() -> str:
    """Draw the choice of an explanation method and return a key of METHODS."""
    return st.selectbox(
        "Heatmap", list(METHODS), key=METHOD, format_func=lambda name: METHODS[name].title, help=perturb_text.METHODS
    )


def _explained(picture: viewer.Picture, method: str, explain: Callable[[tuple[str, ...]], dict]) -> viewer.Picture:
    """Return a picture with its heatmap by another method; `explain` computes heatmaps by several methods."""
    if method == GRAD_CAM or picture.reading is None:
        return picture
    try:
        with st.spinner(prediction_text.analyzing("Explaining")):
            heatmap = explain(FAST if method in FAST else (method,))[method]
    except (NetworkError, FilmError, QueueFullError) as error:
        say_why(error)
        return picture
    title = METHODS[method].title
    alt = f"{picture.name} X-ray under its {title} heatmap"
    return replace(picture, reading=replace(picture.reading, heatmap=heatmap), map_alt=alt, method=title)


# --- The settings, and the changed film ---


def _panel(current: CurrentFilm) -> tuple[viewer.Picture | None, OnPlace | None]:
    """Draw the changes and, for those picked, settings and the new score.

    Returns:
        The changed film, None if it is not changed or cannot be; and what a click on it does.
    """
    picked = pick()
    if not picked:
        st.markdown(perturb_text.PICK)
        return None, None
    answer = st.empty()
    changes = settings_of(picked)
    try:
        pixels = imaging_perturb.apply(current.pixels, changes)
        check_size(pixels.shape[1], pixels.shape[0])
    except lung_mask.NoLungs as error:
        with answer.container():
            st.warning(prediction_text.plain(error), title="The lungs were not found", icon=":material/search_off:")
            st.button("Use a box instead", key="draw-box", icon=":material/crop_free:", on_click=take_box)
        return None, None
    except FilmError as error:
        answer.error(prediction_text.plain(error), icon=":material/block:")
        return None, None
    question = ("changed", current.reading.network, changes)
    if not current.known(question):
        answer = answer.skeleton(height=ANSWER_HEIGHT)
    alt, prediction = f"The changed X-ray: {describe(changes)}", None
    try:
        prediction = current.kept(question, lambda: _read(current, pixels))
    except (NetworkError, PredictionError) as error:
        with answer.container():
            say_why(error)
    else:
        with answer.container():
            _answer(current, prediction, pixels, changes)
    picture = viewer.Picture("Changed", pixels, alt, prediction, f"{alt}, under its Grad-CAM heatmap")
    return picture, _placing(picked)


def _read(current: CurrentFilm, pixels: np.ndarray) -> Prediction:
    prediction = networks.read(current.reading.network, Film(pixels, (), "PNG"))
    return replace(prediction, simulated=True) if current.reading.simulated else prediction


def _answer(current: CurrentFilm, prediction: Prediction, pixels: np.ndarray, changes: Changes) -> None:
    """Draw the changed film's score, how far it moved, and any warnings."""
    number = formatting.score_text(prediction.score)
    st.metric(perturb_text.CHANGED, f":gray[{number}]" if prediction.out_of_distribution else number)
    st.html(score_bar(prediction.score, current.threshold, faint=prediction.out_of_distribution))
    sentence = perturb_text.score_change(
        current.reading.score, prediction.score, current.threshold, prediction.out_of_distribution
    )
    st.markdown(f"**{sentence}**  \n:small[The original X-ray scored {formatting.score_text(current.reading.score)}.]")
    if note := _unseen(current, prediction.network, pixels, changes):
        st.markdown(note)
    for remark in formatting.remarks(prediction):
        st.warning(prediction_text.plain(remark), icon=":material/warning:")


def _unseen(current: CurrentFilm, network: str, pixels: np.ndarray, changes: Changes) -> str | None:
    """Return what the network cannot see of the changes, as a sentence; None if it sees all of them."""
    spec = networks.spec(network)
    if spec is None:
        return None
    border = spec.preprocessing.border
    if np.array_equal(prepare(pixels, spec.preprocessing), prepare(current.pixels, spec.preprocessing)):
        return perturb_text.no_visible_change(border)
    return perturb_text.cut_off(imaging_perturb.share_cut(current.pixels, changes, border), border)


# --- Where a marker or an arrow is: a click on the film moves it, and the URL holds the place ---


def _placing(picked: Collection[str]) -> OnPlace | None:
    """Return what a click on the film does: it moves the marker or the arrow; None if neither is picked."""
    drawn = [kind for kind in SPOTS if kind in picked]
    if not drawn:
        return None
    kind = drawn[0]
    if len(drawn) > 1:
        kind = widgets.choice(
            "A click moves", drawn, format_func=LABELS.get, default=drawn[-1], key=PLACING, bind=False, wrap=True
        )
    else:
        st.markdown(perturb_text.PLACE)
    return lambda point: put(kind, point)


def spot(kind: str) -> tuple[float, float]:
    """Return where the marker or the arrow is, as fractions of width and height; the default if the URL has none."""
    name, default = SPOTS[kind]
    try:
        x, y = (float(part) for part in st.query_params.get(name, "").split(","))
    except ValueError:
        return default
    return (x, y) if 0 <= x <= 1 and 0 <= y <= 1 else default


def put(kind: str, point: tuple[float, float]) -> None:
    """Move the marker or the arrow; from a callback."""
    st.query_params[SPOTS[kind][0]] = f"{point[0]:g},{point[1]:g}"


def _take_back(picked: Collection[str]) -> None:
    """Remove the places of what is not drawn from the URL."""
    for kind, (name, _) in SPOTS.items():
        if kind not in picked and name in st.query_params:
            del st.query_params[name]


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
    _take_back(picked)
    return [kind for kind in KINDS if kind in picked]


def reset() -> None:
    """Remove all changes and reset every setting; a callback."""
    st.session_state[CHANGE] = []
    for name in FIRST:
        st.session_state.pop(name, None)
    _take_back(())


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
        chosen["marker_at"] = spot("marker")
    if "arrow" in picked:
        chosen["arrow"] = spot("arrow")
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
    parts += [f"marker {changes.marker}"] if changes.marker else []
    parts += ["an arrow"] if changes.arrow else []
    parts += ["inverted"] if changes.invert else []
    return ", ".join(parts)


def _erased() -> dict[str, object]:
    where = _choice("Area to erase", tuple(PLACES), WHERE, PLACES, perturb_text.mask_quality(cache.segmentation()))
    edges = {}
    if where == "box":
        left, right = _edges("Left and right edge", ACROSS)
        top, bottom = _edges("Top and bottom edge", DOWN)
        edges = {"box": (left, top, right, bottom)}
    titles = {name: name.capitalize() for name in FILLS} | {"border grey": "Border gray"}  # the key is the records'
    filled = _choice("Fill", tuple(FILLS), FILL, titles)
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
