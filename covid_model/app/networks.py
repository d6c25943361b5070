"""Hold the networks and their queue, which all sessions share for the life of the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from covid_model import config
from covid_model.app import file_cache
from covid_model.app.runtime import log, render_slots
from covid_model.imaging import Film
from covid_model.model import network_spec, ood
from covid_model.model import readings as stored_readings

if TYPE_CHECKING:
    from covid_model.model.network_spec import NetworkSpec
    from covid_model.model.predictor import Prediction, Predictor
    from covid_model.model.queue import InferenceQueue, OnProgress
    from covid_model.model.readings import Readings

Answer = TypeVar("Answer")
ANSWERS = "what_if"  # session key: answers about the current film only (see session.CurrentFilm)
MOST_NETWORKS = 6  # kept in memory, each with its cached results


@st.cache_resource(show_spinner=False, max_entries=MOST_NETWORKS)
def predictor(name: str) -> Predictor:
    """Load the network `name`, once per process, for all sessions. Raises NetworkError."""
    from covid_model.app.runtime import memory
    from covid_model.model.predictor import Predictor

    loaded = Predictor(name)
    memory.give_back()
    memory.rest()
    return loaded


@st.cache_resource(show_spinner=False)
def queue() -> InferenceQueue:
    """Return the queue that every use of a network goes through, one for the process."""
    from covid_model.model.queue import InferenceQueue

    return InferenceQueue(lambda name: predictor(name))


def ask(name: str, work: Callable[[Predictor], Answer]) -> Answer:
    """Run `work` on the network `name` in its turn and return the result, uncached.

    Runs in the queue's thread, where the caches of a session are out of reach.

    Raises QueueFullError, NetworkError, and whatever `work` raises.
    """
    with render_slots.release_slot(), log.reading(name):
        return queue().call(name, work)


def read(name: str, decoded: Film, on_progress: OnProgress | None = None) -> Prediction:
    """Predict a film in its turn and return the result, uncached.

    Every prediction of the app goes through here or `ask`, and so gets its line in the log.

    Args:
        name: of the network.
        decoded: the film.
        on_progress: called with the film's position in the queue while it waits.

    Raises QueueFullError, NetworkError, PredictionError.
    """
    with render_slots.release_slot(), log.reading(name):
        return queue().predict(name, decoded, on_progress)


def spec(name: str) -> NetworkSpec | None:
    """Return the network's spec, or None if its file is missing or damaged."""
    try:
        return _spec(name)
    except network_spec.NetworkError:
        return None


def readings(name: str) -> Readings | None:
    """Return the network's stored predictions of the sample films; None if its file is missing or damaged."""
    described = spec(name)
    return None if described is None else _readings(name)


def _reading_files(name: str) -> list[Path]:
    return [config.READINGS_NPZ, config.NETWORKS / f"{name}.json", ood.detector_path(name)]


@file_cache.by_files(_reading_files, st.cache_resource, MOST_NETWORKS)
def _readings(name: str) -> Readings:
    return stored_readings.load(spec(name))


@file_cache.by_files(lambda name: [config.NETWORKS / f"{name}.json"], st.cache_data, 8)
def _spec(name: str) -> NetworkSpec:
    return network_spec.spec(name, config.NETWORKS)
