"""What a visitor sees while others come first: his place in the queue, and a way to ask again where it is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from covid_model.app import words

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from covid_model.desk import Busy, Place

AGAIN = "try-again"  # key of the button


class Waiting:
    """Draws how far the queue has come into one slot of the page; a `desk.Tell`. Draws nothing where nobody waits.

    Args:
        slot: an `st.empty`.
        before: words to put in front of the place.
    """

    def __init__(self, slot: DeltaGenerator, before: str = ""):
        self._slot, self._before, self._most = slot, before, 0

    def __call__(self, place: Place) -> None:
        self._most = max(self._most, place.ahead)
        if self._most:
            done = 1 - place.ahead / (self._most + 1)  # the film itself counts too
            self._slot.progress(done, f"{self._before}{words.waiting(place)}")


def ask_again(busy: Busy) -> None:
    """Say that the queue is full, and offer another try: the page runs again when the button is pressed."""
    st.warning(words.plain(busy), title="Please wait a moment", icon=":material/hourglass_top:")
    st.button("Try again", key=AGAIN, icon=":material/refresh:")
