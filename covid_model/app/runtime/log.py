"""Log the networks that the app loads, and its predictions: one line each, without anything about the film.

    2026-11-25 15:03:58 loaded network=fine-tuned device=CPU precision=mixed_bfloat16
    2026-11-25 15:04:05 reading network=fine-tuned ms=212 refused=no

A line contains no file name, pixel or hash of a film and no address of a user. `refused` is the class of the error
(FilmError: no film; PredictionError: no score; NetworkError: no network), never its message.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from covid_model.model import registry

READINGS = logging.getLogger(__name__)
FORM = logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S")
CPU = "CPU"
NO_NETWORK = "none"  # for a file refused before it reached a network


class _ToStandardError(logging.Handler):
    """Writes to the current standard error, which a test may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


def start() -> None:
    """Write these lines to standard error from now on. Further calls have no effect."""
    if not READINGS.handlers:
        handler = _ToStandardError()
        handler.setFormatter(FORM)
        READINGS.addHandler(handler)
        READINGS.setLevel(logging.INFO)


def loaded(network: str, gpu: str | None, precision: str) -> None:
    """Log that a network was loaded.

    Args:
        network: its name.
        gpu: the name of the GPU that it computes on; None if it is the CPU.
        precision: as in `vgg19.build`.
    """
    READINGS.info("loaded network=%s device=%s precision=%s", network, gpu or CPU, precision)


def line(network: str | None, milliseconds: float, refused: BaseException | None = None) -> None:
    """Log one prediction.

    Args:
        network: its name; None for a file refused before it reached a network.
        milliseconds: the duration.
        refused: the error raised instead of a score; only its class is logged.
    """
    network = network if network in registry.names() else NO_NETWORK
    error = "no" if refused is None else type(refused).__name__
    READINGS.info("reading network=%s ms=%.0f refused=%s", network, milliseconds, error)


@contextmanager
def reading(network: str) -> Iterator[None]:
    """Log a line for the prediction made inside the block; none if the user leaves before it is made."""
    started = time.perf_counter()
    try:
        yield
    except Exception as error:  # not the exceptions with which Streamlit ends a script
        line(network, 1000 * (time.perf_counter() - started), error)
        raise
    line(network, 1000 * (time.perf_counter() - started))


@contextmanager
def decoding() -> Iterator[None]:
    """Log a line if the file decoded inside the block is refused: it never reaches a network."""
    started = time.perf_counter()
    try:
        yield
    except Exception as error:
        line(None, 1000 * (time.perf_counter() - started), error)
        raise
