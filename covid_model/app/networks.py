"""Hold the networks and their queue, which all sessions share for the life of the process."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from covid_model import config
from covid_model.app.runtime import log, memory, render_slots
from covid_model.data import samples
from covid_model.imaging import Film
from covid_model.model import device, ood, registry
from covid_model.model import readings as stored_readings
from covid_model.model.predictor import PredictionError

if TYPE_CHECKING:
    from covid_model.model.predictor import Prediction, Predictor
    from covid_model.model.queue import InferenceQueue, OnProgress, RemoteQueue
    from covid_model.model.readings import Readings
    from covid_model.model.registry import NetworkSpec
    from covid_model.model.tasks import Task

ANSWERS = "what_if"  # session key: answers about the current film only (see session.CurrentFilm)
AHEAD_DELAY = 0.5  # seconds between the first page and the loading of a network: the browser has the page by then
MOST_NETWORKS = 6  # kept in memory, each with its cached results


@st.cache_resource(show_spinner=False, max_entries=MOST_NETWORKS)
def predictor(name: str) -> Predictor:
    """Load the network `name`, once per process, for all sessions. Raises as `predictor.load`."""
    from covid_model.model.predictor import load

    loaded, precision = load(name)
    log.loaded(name, device.gpu_name(), precision)
    memory.give_back()
    memory.rest()
    return loaded


def service() -> str | None:
    """Return the address of the prediction service that COVID_MODEL_SERVE names; None if networks run here."""
    return os.environ.get(config.SERVE_VARIABLE, "").strip() or None


@st.cache_resource(show_spinner=False)
def queue() -> InferenceQueue | RemoteQueue:
    """Return the queue that every use of a network goes through, one for the process: its own, or the service's."""
    from covid_model.model.queue import InferenceQueue, RemoteQueue

    if address := service():
        return RemoteQueue(address, os.environ.get(config.SERVE_TOKEN_VARIABLE, "").strip() or None)
    return InferenceQueue(lambda name: predictor(name))


def loadable(name: str) -> bool:
    """Return whether all weights of a network are on this computer, as far as its description says."""
    described = spec(name)
    return described is None or described.base != registry.IMAGENET or config.vgg19_available()


# --- Load a network in the background, so that the first upload need not wait for TensorFlow ---

_ahead = threading.Lock()  # taken once in the life of the process, and kept


def load_ahead(name: str, before: Callable[[], None] | None = None) -> bool:
    """Start to load a network in the background, if nothing was loaded so before; return whether it started.

    The page that calls this has been drawn, and does not wait. One network is loaded so per process, in the queue's
    own thread, so a visitor who asks meanwhile waits for the same network. With a prediction service no network is
    loaded here, and `before` runs all the same. The environment variable COVID_MODEL_PRELOAD=0 switches it off.

    Args:
        name: of the network; if it cannot be loaded here, the first one that can.
        before: run in the background as well, before the network is loaded.
    """
    if os.environ.get(config.PRELOAD_VARIABLE, "").strip() == "0" or _ahead.locked():
        return False
    names = [other for other in (name, *registry.names()) if other in registry.names() and loadable(other)]
    first = None if service() or not names else names[0]
    if (first is None and not service()) or not _ahead.acquire(blocking=False):
        return False
    threading.Thread(target=_load, args=(first, before), name="load-ahead", daemon=True).start()
    return True


def _load(name: str | None, before: Callable[[], None] | None) -> None:
    """Load a network and predict one film, as TensorFlow compiles the network at its first prediction."""
    time.sleep(AHEAD_DELAY)
    if before is not None:
        before()
    if name is None:
        return
    try:
        film = Film(samples.draw_schematic(), (), "PNG")
        queue().call(name, lambda predictor: predictor.predict(film))
    except (registry.NetworkError, PredictionError) as error:  # the page that needs the network shows the reason
        logging.getLogger(__name__).info("The network %s could not be loaded ahead: %s", name, type(error).__name__)


def ask(name: str, task: Task) -> Any:
    """Ask the network `name` in its turn and return the answer to the task, uncached.

    Raises QueueFullError, NetworkError (ServiceError among them), and whatever the task raises.
    """
    with render_slots.release_slot(), log.reading(name):
        return queue().call(name, task)


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
    except registry.NetworkError:
        return None


def readings(name: str) -> Readings | None:
    """Return the network's stored predictions of the sample films; None if its file is missing or damaged."""
    described = spec(name)
    return None if described is None else _readings(name)


def reading_files(name: str) -> list[Path]:
    """Return the files that `readings` depends on."""
    return [config.READINGS_NPZ, config.NETWORKS / f"{name}.json", ood.detector_path(name)]


@memory.by_files(reading_files, st.cache_resource, MOST_NETWORKS)
def _readings(name: str) -> Readings:
    return stored_readings.load(spec(name))


@memory.by_files(lambda name: [config.NETWORKS / f"{name}.json"], st.cache_data, 8)
def _spec(name: str) -> NetworkSpec:
    return registry.spec(name, config.NETWORKS)
