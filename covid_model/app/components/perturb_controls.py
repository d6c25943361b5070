"""The changes and their settings as widgets. All stand in the address, so that a teacher can send a scene as a link."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from covid_model.app import cache, widgets
from covid_model.app.text import perturb as perturb_text
from covid_model.imaging.perturb import CORNERS, CROP_MOST, FILLS, KINDS, TEXTS, Changes

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
