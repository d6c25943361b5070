"""Order the screens, navigate between them, and play them.

A screen is a module with two functions: `point()` returns what it says (None without figures), which the summary and
the player repeat, and `show()` draws it. A new screen is one more entry of SCREENS, before the summary.
"""

from __future__ import annotations

from types import ModuleType

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from covid_model.app import state, widgets
from covid_model.app.components import frame, slides
from covid_model.app.components.slides import Point
from covid_model.app.pages.trust_screens import (
    accuracy,
    beat_the_model,
    better_data,
    dataset,
    erasure,
    external,
    more_adults,
    summary,
)

SCREEN = "screen"  # name in the URL; the value is a label
SCREENS: dict[str, ModuleType] = {
    "Beat the model": beat_the_model,
    "1 The claim": accuracy,
    "2 The data": dataset,
    "3 External validation": external,
    "4 Lungs erased": erasure,
    "5 Adults added": more_adults,
    "6 Better data": better_data,
    "7 In short": summary,
}
NAMES = tuple(SCREENS)
QUIZ, *STORY = NAMES  # the quiz is there to be picked; the story, which is played, starts after it
LEAVE = "leave-story"  # in the session: the page to go on to
NARROW = 640  # pixels: a window this narrow is a phone's, which has no keys
NO_HINTS = ".st-key-story_back kbd, .st-key-story_next kbd {display: none}"  # in presenter mode, there is no room


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
    hints = NO_HINTS if state.presenting() else f"@media (max-width: {NARROW}px) {{{NO_HINTS}}}"
    st.html(f"<style>{hints}</style>")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = widgets.choice(
            "Screen",
            NAMES,
            default=STORY[0],
            key=SCREEN,
            label_visibility="collapsed",
            wrap=True,
        )
        at, ends = NAMES.index(name), frame.story_ends()
        for label, arrow, side, shortcut, to, beyond in (
            ("Back", "back", "left", frame.BACK_SHORTCUT, at - 1, ends[0]),
            ("Next", "forward", "right", frame.NEXT_SHORTCUT, at + 1, ends[1]),
        ):
            inside = NAMES.index(STORY[0]) <= to < len(NAMES)
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


def points() -> dict[str, Point]:
    """Return what each screen says, by its name; those without figures are left out."""
    made = {name: screen.point() for name, screen in SCREENS.items() if screen is not summary}
    known = {name: point for name, point in made.items() if point}
    return known | {NAMES[-1]: summary.point()}


def play() -> None:
    """Draw the button that plays the story."""
    slides.play(points(), SCREEN)


def show(name: str) -> None:
    """Draw the screen `name`; the summary gets what the others say."""
    if SCREENS[name] is summary:
        summary.show({key: point.headline for key, point in points().items() if key != name})
    else:
        SCREENS[name].show()
