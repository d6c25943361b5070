"""Order the five screens, navigate between them, and sum them up in five sentences."""

from __future__ import annotations

from types import ModuleType

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from covid_model import config
from covid_model.app import widgets
from covid_model.app.components import frame
from covid_model.app.pages.trust_screens import accuracy, dataset, erasure, external, more_adults
from covid_model.app.text import prediction as prediction_text

SCREEN = "screen"  # name in the URL; the value is a label
SCREENS: dict[str, ModuleType] = {
    "1 The claim": accuracy,
    "2 The data": dataset,
    "3 External validation": external,
    "4 Lungs erased": erasure,
    "5 Adults added": more_adults,
}
NAMES = tuple(SCREENS)
LEAVE = "leave-story"  # in the session: the page to go on to
NO_FIGURES = "No figures available."
NARROW = 640  # pixels: a window this narrow is a phone's, which has no keys
NO_HINTS = (
    f"<style>@media (max-width: {NARROW}px) {{"
    ".st-key-story_back kbd, .st-key-story_next kbd {display: none}}</style>"
)


def go_to(name: str) -> None:
    """Show the screen `name`; a callback."""
    st.session_state[SCREEN] = name


def leave(page: StreamlitPage) -> None:
    """Go on to the page `page`, which this run opens; a callback."""
    st.session_state[LEAVE] = page


def picker() -> str:
    """Draw the navigation (jump, back, next) and return the name of the screen shown.

    Page up and page down do the same as the buttons, since a presenter's remote sends them.
    """
    st.html(NO_HINTS)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = widgets.choice(
            "Screen",
            NAMES,
            default=NAMES[0],
            key=SCREEN,
            label_visibility="collapsed",
            wrap=True,
        )
        at, ends = NAMES.index(name), frame.story_ends()
        for label, arrow, side, shortcut, to, beyond in (
            ("Back", "back", "left", frame.BACK_SHORTCUT, at - 1, ends[0]),
            ("Next", "forward", "right", frame.NEXT_SHORTCUT, at + 1, ends[1]),
        ):
            inside = 0 <= to < len(NAMES)
            st.button(
                label,
                key=f"story_{label.lower()}",
                icon=f":material/arrow_{arrow}:",
                icon_position=side,
                on_click=go_to if inside else leave,
                args=(NAMES[to] if inside else beyond,),
                disabled=not inside and beyond is None,
                shortcut=shortcut,
            )
    if page := st.session_state.pop(LEAVE, None):
        frame.open_page(page)
    return name


def in_short() -> None:
    """Draw the five headlines, each at its screen's default settings."""
    headlines = [screen.headline() for screen in SCREENS.values()]
    if any(headlines):
        st.subheader("In five sentences", anchor=False)
        lines = [
            f"{number}. {prediction_text.plain(line) if line else NO_FIGURES}"
            for number, line in enumerate(headlines, 1)
        ]
        short = st.container(key="story_short")
        short.markdown("\n".join(lines))
        marks = sorted({config.THRESHOLD, accuracy.threshold(), erasure.threshold()})
        values = " and ".join(f"{mark:g}" for mark in marks)
        scope = f"At the threshold {values}" if len(marks) == 1 else f"At the thresholds {values}, as each was measured"
        short.markdown(f":small[{scope}, regardless of the settings above.]")
