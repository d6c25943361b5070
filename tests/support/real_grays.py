"""The grays of real adults' films, as ranges: what the simulated films are held against, with and without real films.

`python -m tests.support.real_grays` measures them again from the data folder and writes real_grays.json beside this
file.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from covid_model import imaging
from covid_model.data import dataset

KEPT = Path(__file__).with_suffix(".json")
SOURCES, FILMS, SEED = ("nih", "cohen"), 60, 0  # adults' films in their original proportions
RANGE = (2, 98)  # percentiles of the real films that a simulated one must lie within
SIDE = 256  # pixels: what films are scaled to before
STATISTICS = ("mean", "deviation", "5th percentile", "median", "95th percentile", "fine detail")


def statistics(pixels: np.ndarray) -> np.ndarray:
    """STATISTICS of a film (height, width) uint8, at SIDE x SIDE: (6,) in gray levels."""
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    detail = cv2.Laplacian(small.astype(np.float32), cv2.CV_32F).std()
    return np.array([small.mean(), small.std(), *np.percentile(small, [5, 50, 95]), detail])


def measure() -> dict[str, list[float]]:
    """Lowest and highest of each of STATISTICS among real films of the data folder, outliers aside."""
    real = dataset.load()
    some = real.films[real.films["source"].isin(SOURCES)].sample(FILMS, random_state=SEED)
    result = np.array([statistics(imaging.read(real.path(name)).pixels) for name in some.index])
    low, high = np.percentile(result, RANGE, axis=0)
    return {name: [round(float(low[at]), 1), round(float(high[at]), 1)] for at, name in enumerate(STATISTICS)}


def kept() -> dict[str, list[float]]:
    """Return the ranges as last measured."""
    return json.loads(KEPT.read_text())


if __name__ == "__main__":
    KEPT.write_text(json.dumps(measure(), indent=1) + "\n")
