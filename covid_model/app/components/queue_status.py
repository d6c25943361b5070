"""What a visitor sees while others come first: his place in the queue, and a way to ask again where it is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from covid_model.app.text import prediction as prediction_text
from covid_model.model.queue import QueueFullError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from covid_model.model.queue import QueuePosition

AGAIN = "try-again"  # key of the button


class QueueStatus:
    """Draws how far the queue has come into one slot of the page; a `queue.OnProgress`. Draws nothing where nobody
    waits.

    Args:
        slot: an `st.empty`.
        before: words to put in front of the place.
    """

    def __init__(self, slot: DeltaGenerator, before: str = ""):
        self._slot, self._before, self._most = slot, before, 0

    def __call__(self, place: QueuePosition) -> None:
        self._most = max(self._most, place.ahead)
        if self._most:
            done = 1 - place.ahead / (self._most + 1)  # the film itself counts too
            self._slot.progress(done, f"{self._before}{prediction_text.queue_position(place)}")


def ask_again(busy: QueueFullError) -> None:
    """Say that the queue is full, and offer another try: the page runs again when the button is pressed."""
    st.warning(prediction_text.plain(busy), title="Please wait a moment", icon=":material/hourglass_top:")
    st.button("Try again", key=AGAIN, icon=":material/refresh:")


def say_why(error: Exception) -> None:
    """Say why a question has no answer; where the queue is full, offer another try."""
    if isinstance(error, QueueFullError):
        ask_again(error)
    else:
        st.error(prediction_text.plain(error), icon=":material/block:")
