"""Start the service for tests, with replicas that wait for the test if it asks for them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from covid_model.cluster import serve
from covid_model.cluster.turns import Replica, Settings

PATIENCE = 120.0  # seconds for a replica to start again on a busy machine


@contextlib.contextmanager
def serving(settings: Settings, replica: type[Replica] = Replica) -> Iterator[str]:
    """Run the service on the Ray that is connected; give its address once it is healthy."""
    with serve.running(settings, replica) as address:
        until(lambda: requests.get(f"{address}/health", timeout=10).status_code == 200)
        yield address


def until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for a condition; an AssertionError if it does not come true."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def replica_that_waits(folder: Path) -> type[Replica]:
    """Return replicas that score a film by its brightest pixel as soon as the file `open` is in the folder.

    For every film that one starts, it leaves a file there: its process and the pixel. Defined in here, the classes go
    to Ray's processes by value, which cannot import tests.
    """

    class Reader:
        def predict(self, film):
            import os
            import time

            import numpy as np

            from covid_model.model.predictor import Prediction

            value = int(film.pixels.max())
            (folder / f"{os.getpid()}-{value}").touch()
            while not (folder / "open").exists():
                time.sleep(0.02)
            heatmap = np.zeros((4, 4), np.float32)
            return Prediction("fine-tuned", value / 256, 0.0, heatmap, (0.0, 0.0, 1.0, 1.0), (), 1.0)

    class Waiting(Replica):
        def _predictor(self, network):
            return Reader()

    return Waiting
