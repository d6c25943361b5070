"""Cache the current film of a session and everything computed from it.

With `scope="session"` it is dropped with the session: nothing of an upload outlives it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st

from covid_model import config, imaging
from covid_model.app import films, networks
from covid_model.app.runtime import log
from covid_model.imaging import Film, FilmError, image
from covid_model.model import registry
from covid_model.model.predictor import Prediction
from covid_model.verdict import is_positive

if TYPE_CHECKING:
    from covid_model.app.films import ImageSource
    from covid_model.model.activations import ForwardTrace
    from covid_model.model.queue import OnProgress

Answer = TypeVar("Answer")
PREDICTED, TRACED = "read", "walked"  # session keys: (digest, network) of what is cached
TABLE_SIDE = 96  # pixels: the side of a thumbnail in a table
MAX_SHARED = 4  # films of the catalog, and traces of such films, kept for all sessions
MAX_ANSWERS = 64  # kept about one film


def film(source: ImageSource) -> Film:
    """Decode a film. Raises FilmError, the same error again for the same file."""
    decoded = (_film if source.catalog is None else _shared_film)(source.digest, source)
    if isinstance(decoded, FilmError):
        raise decoded
    return decoded


@st.cache_data(scope="session", max_entries=2, show_spinner=False)
def _film(digest: str, _source: ImageSource) -> Film | FilmError:
    return _decoded(_source)


@st.cache_data(max_entries=MAX_SHARED, show_spinner=False)
def _shared_film(digest: str, _source: ImageSource) -> Film | FilmError:
    return _decoded(_source)


def _decoded(source: ImageSource) -> Film | FilmError:
    try:
        with log.decoding():
            return imaging.decode(source.data())
    except FilmError as error:
        return error


def decode_ahead() -> None:
    """Decode the sample films that take long, so that a click on one is answered at once; runs outside a session."""
    for sample in films.bundled_films():
        if sample.thumbnail:
            source = films.ImageSource.from_catalog(films.from_sample(sample))
            _shared_film(source.digest, source)


def known_prediction(source: ImageSource, name: str) -> bool:
    """Return whether a prediction of this file by this network is at hand: this session's, or one that is stored.

    Raises FilmError.
    """
    return (source.digest, name) in st.session_state.get(PREDICTED, ()) or _stored(source, name) is not None


def prediction(source: ImageSource, name: str, on_progress: OnProgress | None = None) -> Prediction:
    """Return score and heatmap of a film; the network runs only if no prediction of it is at hand.

    Args:
        source: the film.
        name: of the network.
        on_progress: called with the film's position in the queue while it waits; may draw it.

    Raises FilmError, PredictionError; QueueFullError and NetworkError, which are not cached: the next call tries again.
    """
    result = _stored(source, name) or _predicted(source, name, on_progress)
    simulated = source.catalog is not None and source.catalog.simulated
    return replace(result, simulated=True) if simulated else result


def _predicted(source: ImageSource, name: str, on_progress: OnProgress | None) -> Prediction:
    """Return this session's prediction of a film; the network runs if there is none. Raises as `prediction`."""
    # `on_progress` draws, so it must not run inside a cached function.
    fresh = None if on_progress is None or known_prediction(source, name) else _predict(source, name, on_progress)
    result = _prediction(source.digest, name, source, fresh)
    st.session_state.setdefault(PREDICTED, set()).add((source.digest, name))
    if isinstance(result, Exception):
        raise result
    return result


@st.cache_data(scope="session", max_entries=256, show_spinner=False)
def _prediction(
    digest: str, name: str, _source: ImageSource, _fresh: Prediction | Exception | None = None
) -> Prediction | Exception:
    return _predict(_source, name) if _fresh is None else _fresh


def _predict(source: ImageSource, name: str, on_progress: OnProgress | None = None) -> Prediction | Exception:
    """Predict a film; return an error that will recur. Raises QueueFullError, NetworkError, which may not."""
    from covid_model.model.predictor import PredictionError
    from covid_model.model.queue import QueueFullError

    try:
        return networks.read(name, film(source), on_progress)
    except QueueFullError:
        raise
    except (FilmError, PredictionError) as error:
        return error


def _stored(source: ImageSource, name: str) -> Prediction | None:
    """Return the stored prediction of a sample film; None for any other file. Raises FilmError."""
    readings = networks.readings(name)
    if readings is None or not readings.ids:
        return None
    row = readings.find(source.digest)
    if row is None and source.catalog is not None and source.catalog.id in readings.ids:
        row = readings.find_picture(source.catalog.id, film(source).pixels)
    return None if row is None else readings.prediction(row, film(source))


def forget(source: ImageSource) -> None:
    """Drop all that this session keeps of a film."""
    digest = source.digest
    _film.clear(digest, source)
    _preview.clear(digest, None)
    _card.clear(digest, None)
    for explained in (_explanations, _randomized):  # of every film of this session: they are quick to make again
        explained.clear()
    if st.session_state.get(networks.ANSWERS, {}).get("film") == digest:
        del st.session_state[networks.ANSWERS]
    for name in registry.names():
        for known in (PREDICTED, TRACED):
            st.session_state.get(known, set()).discard((digest, name))
        _prediction.clear(digest, name, source)
        _trace.clear(digest, name, source)


def known_trace(source: ImageSource, name: str) -> bool:
    """Return whether this session already has the trace of this file through this network. Raises FilmError."""
    return (source.digest, name) in st.session_state.get(TRACED, ())


def trace(source: ImageSource, name: str) -> ForwardTrace:
    """Return the output of every layer for a film; the network runs only if it is not cached.

    The cache of a film of the catalog is shared by all sessions; that of an upload belongs to its session.

    Raises FilmError, NetworkError, PredictionError (QueueFullError among them); none of them is cached.
    """
    result = (_trace if source.catalog is None else _shared_trace)(source.digest, name, source)
    st.session_state.setdefault(TRACED, set()).add((source.digest, name))
    return result


@st.cache_data(scope="session", max_entries=6, show_spinner=False)
def _trace(digest: str, name: str, _source: ImageSource) -> ForwardTrace:
    from covid_model.model.tasks import Task

    return networks.ask(name, Task("trace", film(_source)))


@st.cache_data(max_entries=MAX_SHARED, show_spinner=False)
def _shared_trace(digest: str, name: str, _source: ImageSource) -> ForwardTrace:
    from covid_model.model.tasks import Task

    return networks.ask(name, Task("trace", imaging.decode(_source.data())))


def explanations(source: ImageSource, name: str, methods: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return heatmaps of a film by these methods of `attribution.METHODS`, as `attribution.explain` does.

    Raises FilmError; QueueFullError and NetworkError, which are not cached.
    """
    return _explanations(source.digest, name, methods, source)


@st.cache_data(scope="session", max_entries=32, show_spinner=False)
def _explanations(digest: str, name: str, methods: tuple[str, ...], _source: ImageSource) -> dict[str, np.ndarray]:
    from covid_model.model.tasks import Task

    return networks.ask(name, Task("explain", film(_source), {"methods": list(methods)}))


def randomized(source: ImageSource, name: str) -> list[dict[str, np.ndarray]]:
    """Return heatmaps of a film as its network's stages lose what they learned (`attribution.randomized`).

    Raises as `explanations`.
    """
    return _randomized(source.digest, name, source)


@st.cache_data(scope="session", max_entries=8, show_spinner=False)
def _randomized(digest: str, name: str, _source: ImageSource) -> list[dict[str, np.ndarray]]:
    from covid_model.model.tasks import Task

    return networks.ask(name, Task("randomized", film(_source)))


def preview(source: ImageSource, pixels: np.ndarray) -> np.ndarray:
    """Return a film small enough for a page: (h, w) uint8, its longer side at most OVERLAY_SIDE pixels."""
    return _preview(source.digest, pixels)


@st.cache_data(scope="session", max_entries=2, show_spinner=False)
def _preview(digest: str, _pixels: np.ndarray) -> np.ndarray:
    return image.shrink(_pixels, config.OVERLAY_SIDE)


def card(source: ImageSource) -> np.ndarray | None:
    """Return a film's thumbnail for a table, a square (h, w) uint8; None if the film is refused."""
    try:
        return _card(source.digest, source)
    except FilmError:
        return None


@st.cache_data(scope="session", max_entries=64, show_spinner=False)
def _card(digest: str, _source: ImageSource) -> np.ndarray:
    return image.fit_square(film(_source).pixels, TABLE_SIDE)


@dataclass(frozen=True)
class CurrentFilm:
    """A film with its prediction.

    Attributes:
        source: its file.
        pixels: (h, w) uint8, its longer side at most config.OVERLAY_SIDE: perturbations apply to these.
        reading: the network's prediction.
        threshold: set by the user, in [0, 1].
    """

    source: ImageSource
    pixels: np.ndarray
    reading: Prediction
    threshold: float

    @property
    def positive(self) -> bool:
        """Whether the unchanged film is positive."""
        return is_positive(self.reading.score, self.threshold)

    def known(self, question: Hashable) -> bool:
        """Return whether this session has an answer to `question` about this film."""
        return question in self._answers()

    def kept(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """Return the answer to `question` about this film: the cached one, else that of `ask`, which is cached."""
        answers = self._answers()
        if question not in answers:
            answers[question] = ask()
            while len(answers) > MAX_ANSWERS:
                del answers[next(iter(answers))]
        return answers[question]

    def _answers(self) -> dict[Hashable, object]:
        film = self.source.digest
        if st.session_state.get(networks.ANSWERS, {}).get("film") != film:
            st.session_state[networks.ANSWERS] = {"film": film, "answers": {}}
        return st.session_state[networks.ANSWERS]["answers"]
