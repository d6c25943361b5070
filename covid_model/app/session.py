"""What one session keeps: the film in hand and everything computed from it.

Kept for one session and dropped with it (`scope="session"`): nothing of an upload outlives its session.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st

from covid_model import config, imaging
from covid_model.app import networks
from covid_model.app.runtime import log
from covid_model.imaging import Film, FilmError, thumbnail
from covid_model.model import registry
from covid_model.model.predictor import Prediction
from covid_model.verdict import is_positive

if TYPE_CHECKING:
    from covid_model.model.activations import ForwardTrace
    from covid_model.model.queue import OnProgress


def film(data: bytes) -> Film:
    """Decode a film. Raises FilmError, the same one again for the same bytes."""
    found = _film(networks.digest(data), data)
    if isinstance(found, str):
        raise FilmError(found)
    return found


@st.cache_data(scope="session", max_entries=2, show_spinner=False)
def _film(key: str, _data: bytes) -> Film | str:
    try:
        with log.decoding():
            return imaging.decode(_data)
    except FilmError as error:
        return str(error)


def known_prediction(data: bytes, name: str) -> bool:
    """Whether this session has read these bytes with this network before."""
    return (networks.digest(data), name) in st.session_state.get("read", ())


def prediction(data: bytes, name: str, tell: OnProgress | None = None) -> Prediction:
    """Score and heatmap of a film; the network runs only where this session has not read it before.

    `tell` is called with the film's place in the queue while it waits, and may draw it.

    Raises FilmError, PredictionError; QueueFullError and NetworkError, which are not kept: who asks again has
    another try.
    """
    from covid_model.model.predictor import PredictionError

    key = networks.digest(data)
    asked = None if tell is None or known_prediction(data, name) else _ask(data, name, tell)  # draws: not in a cache
    found = _prediction(key, name, data, asked)
    st.session_state.setdefault("read", set()).add((key, name))
    if isinstance(found, tuple):
        kind, sentence = found
        raise FilmError(sentence) if kind == "film" else PredictionError(sentence)
    return found


@st.cache_data(scope="session", max_entries=256, show_spinner=False)
def _prediction(
    key: str, name: str, _data: bytes, _asked: Prediction | tuple[str, str] | None = None
) -> Prediction | tuple[str, str]:
    return _ask(_data, name) if _asked is None else _asked


def _ask(data: bytes, name: str, tell: OnProgress | None = None) -> Prediction | tuple[str, str]:
    """A film's reading, or the kind and the sentence of an error that will come again. Raises QueueFullError,
    NetworkError."""
    from covid_model.model.predictor import PredictionError
    from covid_model.model.queue import QueueFullError

    try:
        return networks.read(name, film(data), tell)
    except QueueFullError:
        raise
    except FilmError as error:
        return "film", str(error)
    except PredictionError as error:
        return "reading", str(error)


def forget(data: bytes) -> None:
    """Drop all that this session keeps of a film."""
    key = networks.digest(data)
    _film.clear(key, data)
    _preview.clear(key, None)
    if st.session_state.get(networks.ANSWERS, {}).get("film") == key:
        del st.session_state[networks.ANSWERS]
    for name in registry.names():
        for known in ("read", "walked"):
            st.session_state.get(known, set()).discard((key, name))
        _prediction.clear(key, name, data)
        _trace.clear(key, name, data)


def known_trace(data: bytes, name: str) -> bool:
    """Whether this session has carried these bytes through this network before."""
    return (networks.digest(data), name) in st.session_state.get("walked", ())


def trace(data: bytes, name: str) -> ForwardTrace:
    """What every layer makes of a film; the network runs only where this session has not asked before.

    Raises FilmError, NetworkError, PredictionError (QueueFullError among them); none of them is kept.
    """
    key = networks.digest(data)
    found = _trace(key, name, data)
    st.session_state.setdefault("walked", set()).add((key, name))
    return found


@st.cache_data(scope="session", max_entries=6, show_spinner=False)
def _trace(key: str, name: str, _data: bytes) -> ForwardTrace:
    from covid_model.model import activations

    shown = film(_data)
    return networks.ask(name, lambda predictor: activations.trace(predictor, shown))


def preview(data: bytes, pixels: np.ndarray) -> np.ndarray:
    """A film small enough for a page: (h, w) uint8, its longer side at most OVERLAY_SIDE pixels."""
    return _preview(networks.digest(data), pixels)


@st.cache_data(scope="session", max_entries=2, show_spinner=False)
def _preview(key: str, _pixels: np.ndarray) -> np.ndarray:
    return thumbnail.shrink(_pixels, config.OVERLAY_SIDE)


MOST = 64  # answers kept of one film

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class CurrentFilm:
    """A film that was read.

    Attributes:
        data: its file's bytes.
        pixels: (h, w) uint8, its longer side at most config.OVERLAY_SIDE: what is changed is this.
        reading: what the network said of it.
        threshold: the visitor's, in [0, 1].
    """

    data: bytes
    pixels: np.ndarray
    reading: Prediction
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
        film = networks.digest(self.data)
        if st.session_state.get(networks.ANSWERS, {}).get("film") != film:
            st.session_state[networks.ANSWERS] = {"film": film, "answers": {}}
        return st.session_state[networks.ANSWERS]["answers"]
