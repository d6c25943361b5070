"""The networks that all sessions share, and the queue before them.

Kept for the whole process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from covid_model import config
from covid_model.app import file_cache
from covid_model.app.runtime import log, render_slots
from covid_model.imaging import Film
from covid_model.model import network_spec

if TYPE_CHECKING:
    from covid_model.model.network_spec import NetworkSpec
    from covid_model.model.predictor import Prediction, Predictor
    from covid_model.model.queue import InferenceQueue, OnProgress

Answer = TypeVar("Answer")
ANSWERS = "what_if"  # in the session: what app/components/perturb was asked about the film in hand, and of it alone
MOST_NETWORKS = 6  # that are kept in memory, each with what belongs to it


@st.cache_resource(show_spinner=False, max_entries=MOST_NETWORKS)
def predictor(name: str) -> Predictor:
    """The network `name`, loaded once per process and shared by all sessions. Raises NetworkError."""
    from covid_model.app.runtime import memory
    from covid_model.model.predictor import Predictor

    found = Predictor(name)
    memory.give_back()
    memory.rest()
    return found


@st.cache_resource(show_spinner=False)
def queue() -> InferenceQueue:
    """The queue before the networks, one for the process: whoever wants a network asks here."""
    from covid_model.model.queue import InferenceQueue

    return InferenceQueue(lambda name: predictor(name))


def ask(name: str, work: Callable[[Predictor], Answer]) -> Answer:
    """What `work` makes of the network `name` in its turn; not kept. Raises QueueFullError, NetworkError, what
    `work` raises.

    It is done in the queue's thread, where the caches of a session are out of reach.
    """
    with render_slots.release_slot(), log.reading(name):
        return queue().call(name, work)


def read(name: str, decoded: Film, tell: OnProgress | None = None) -> Prediction:
    """A film's reading when its turn comes; not kept. Raises QueueFullError, NetworkError, PredictionError; `tell`
    as in `reading`.

    Every reading of the app comes by here or by `ask`, and so has its line in the log.
    """
    with render_slots.release_slot(), log.reading(name):
        return queue().predict(name, decoded, tell)


def spec(name: str) -> NetworkSpec | None:
    """What the network is, or None where its file is missing or damaged."""
    try:
        return _spec(name)
    except network_spec.NetworkError:
        return None


@file_cache.by_files(lambda name: [config.NETWORKS / f"{name}.json"], st.cache_data, 8)
def _spec(name: str) -> NetworkSpec:
    return network_spec.spec(name, config.NETWORKS)


# --- Of one session: films and what came of them ---------------------------------------------------


def digest(data: bytes) -> str:
    """What a film's bytes are known by within the session."""
    return hashlib.sha256(data).hexdigest()
