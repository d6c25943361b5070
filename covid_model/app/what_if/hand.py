"""The film in hand, and what this session keeps of it while it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import streamlit as st

from covid_model.app import cache, waiting, words
from covid_model.desk import Busy
from covid_model.reading import Reading
from covid_model.verdict import is_positive

MOST = 64  # answers kept of one film

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class InHand:
    """A film that was read.

    Attributes:
        data: its file's bytes.
        pixels: (h, w) uint8, its longer side at most settings.OVERLAY_SIDE: what is changed is this.
        reading: what the network said of it.
        threshold: the visitor's, in [0, 1].
    """

    data: bytes
    pixels: np.ndarray
    reading: Reading
    threshold: float

    @property
    def positive(self) -> bool:
        """Whether the film is called positive as it came."""
        return is_positive(self.reading.score, self.threshold)

    def known(self, question: Hashable) -> bool:
        """Whether this session keeps an answer to `question`."""
        return question in self._answers()

    def kept(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer to `question` about this film: the one kept, else that of `ask`, which is kept from now on."""
        answers = self._answers()
        if question not in answers:
            answers[question] = ask()
            while len(answers) > MOST:
                del answers[next(iter(answers))]
        return answers[question]

    def _answers(self) -> dict[Hashable, object]:
        film = cache.digest(self.data)
        if st.session_state.get(cache.ANSWERS, {}).get("film") != film:
            st.session_state[cache.ANSWERS] = {"film": film, "answers": {}}
        return st.session_state[cache.ANSWERS]["answers"]


def say_why(error: Exception) -> None:
    """Say why a question has no answer; where the queue is full, offer another try."""
    if isinstance(error, Busy):
        waiting.ask_again(error)
    else:
        st.error(words.plain(error), icon=":material/block:")
