"""What whoever runs the demo may know of its readings: one line each, and nothing of the film.

    2026-11-25 15:04:05 reading network=fine-tuned ms=212 refused=no

No file name, no pixel, no hash of a film, no address of a visitor. `refused` is the kind of error, in our own words
(FilmError: no film; PredictionError: no score; NetworkError: no network), never its sentence.
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
NO_NETWORK = "none"  # of a file that was refused before a network saw it


class _ToStandardError(logging.Handler):
    """Writes to what standard error is at that moment (a test may have put something else in its place)."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


def start() -> None:
    """Write a line a reading to standard error from now on; called again, it changes nothing."""
    if not READINGS.handlers:
        handler = _ToStandardError()
        handler.setFormatter(FORM)
        READINGS.addHandler(handler)
        READINGS.setLevel(logging.INFO)


def line(network: str | None, milliseconds: float, refused: BaseException | None = None) -> None:
    """Log one reading.

    Args:
        network: its name; None for a file that was refused before a network saw it.
        milliseconds: that it took.
        refused: the error that came in place of a score; only its kind is logged.
    """
    network = network if network in registry.names() else NO_NETWORK
    said = "no" if refused is None else type(refused).__name__
    READINGS.info("reading network=%s ms=%.0f refused=%s", network, milliseconds, said)


@contextmanager
def reading(network: str) -> Iterator[None]:
    """Log one line for the reading that is made inside; none for a visitor who leaves before it is made."""
    started = time.perf_counter()
    try:
        yield
    except Exception as error:  # not what Streamlit ends a script with
        line(network, 1000 * (time.perf_counter() - started), error)
        raise
    line(network, 1000 * (time.perf_counter() - started))


@contextmanager
def decoding() -> Iterator[None]:
    """Log one line where the file that is decoded inside is refused: no network will see it."""
    started = time.perf_counter()
    try:
        yield
    except Exception as error:
        line(None, 1000 * (time.perf_counter() - started), error)
        raise
