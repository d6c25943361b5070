"""Accuracy of `imaging.lung_mask`: its masks against experts', film by film. No network is involved.

The Dice coefficient is twice the shared area of two masks over the sum of their areas: 1 for equal masks, 0 for
disjoint ones. The experts' masks are by Selvan et al. (2020, arXiv 2005.10052). The masks of our simulated X-rays come
from their CT and include the lung behind heart and diaphragm, which no X-ray shows; for those, the measure is how much
of our mask is inside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data import dataset, samples
from covid_model.data.dataset import read_mask, with_mask
from covid_model.evaluation.metrics import to_json
from covid_model.experiments.context import ExperimentError
from covid_model.imaging import lung_mask


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice coefficient of two bool masks of the same shape, in [0, 1]; 1 if both are empty."""
    areas = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / areas if areas else 1.0


def run(data: dataset.Dataset) -> dict[str, Any]:
    """Measure every film with a mask, by split (the method was tuned on `train`), and the simulated films.

    Raises:
        ExperimentError: no film of the data folder has a mask.
    """
    table = with_mask(data, *config.SPLITS)
    if table.empty:
        raise ExperimentError(f"The data folder {data.folder} has no X-ray with a lung mask to compare with.")
    scores = np.array([_film_dice(data, film) for film in tqdm(table.index, "segmentation", unit="film")], object)
    splits = [split for split in config.SPLITS if table["split"].eq(split).any()]
    return {
        "every": summary(scores),
        "splits": {split: summary(scores[table["split"] == split]) for split in splits},
        "simulated": inside(_sample_masks()),
    }


def write(data: dataset.Dataset, to: Path | None = None) -> Path:
    """Measure and write the record to `to`; return the path."""
    to = config.SEGMENTATION_JSON if to is None else to
    to.write_text(json.dumps(to_json(run(data)), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return to


def summary(scores: Iterable[float | None]) -> dict[str, Any]:
    """Return the number of films, of those with lungs found, and their lowest, first-decile and median Dice."""
    values = list(scores)
    known = np.array([value for value in values if value is not None])
    quantiles = {"lowest": 0.0, "lower_decile": 0.1, "median": 0.5}
    return {
        "films": len(values),
        "found": len(known),
        "dice": {name: float(np.quantile(known, share)) if known.size else None for name, share in quantiles.items()},
    }


def inside(pairs: Iterable[tuple[np.ndarray | None, np.ndarray]]) -> dict[str, Any]:
    """Return the numbers of films and of those with lungs found, and the lowest share of a mask inside the other."""
    masks = list(pairs)
    shares = [float(other[computed].mean()) for computed, other in masks if computed is not None]
    return {"films": len(masks), "found": len(shares), "lowest_share_inside": min(shares, default=None)}


def drawn(pixels: np.ndarray) -> np.ndarray | None:
    """Return the computed mask of a film (height, width) uint8; None if no lungs are found."""
    try:
        return lung_mask.find(pixels)
    except lung_mask.NoLungs:
        return None


def _film_dice(data: dataset.Dataset, film: str) -> float | None:
    pixels = imaging.read(data.path(film)).pixels
    computed = drawn(pixels)
    return None if computed is None else dice(computed, read_mask(data, film, pixels.shape))


def _sample_masks() -> Iterable[tuple[np.ndarray | None, np.ndarray]]:
    for sample in samples.samples():
        if sample.lungs:
            mask = cv2.imread(str(sample.lungs), cv2.IMREAD_GRAYSCALE) > 0
            yield drawn(imaging.read(sample.path).pixels), mask
